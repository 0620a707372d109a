"""Two runs as the page shows them: their curves, their cards, and the words around them.

Runs in, values of components out; no events, no components of its own.
"""

from collections.abc import Sequence
from html import escape

from mnist_demo.experiment.config import Experiment, changed_fields, describe_changes
from mnist_demo.experiment.history import gap
from mnist_demo.experiment.knobs import to_text
from mnist_demo.experiment.pair import Pair
from mnist_demo.learning.training import Status
from mnist_demo.serving.runs import Run
from mnist_demo.ui.components.curves import Curve, CurvesValue, curve, curves_value
from mnist_demo.ui.visit import note_html

NAMES = ("A", "B")


def pair_view(pair_of_runs: list[Run]) -> tuple[CurvesValue, str]:
    labels = _labels(pair_of_runs)
    cards = "".join(_card(n, label, run) for n, label, run in zip(NAMES, labels, pair_of_runs, strict=True))
    return pair_curves(pair_of_runs), f'<div class="mnist-status">{cards}</div>'


def pair_curves(pair_of_runs: list[Run], others: Sequence[Run] = (), cursor: float | None = None) -> CurvesValue:
    """The curves of A and B, and of earlier runs laid over them; `cursor` is the epoch that is looked at."""
    labels = _labels(pair_of_runs)
    curves = [run_curve(name, label, run) for name, label, run in zip(NAMES, labels, pair_of_runs, strict=True)]
    curves += [run_curve(run.name, difference_text(pair_of_runs[0].experiment, run.experiment), run) for run in others]
    epochs = max(run.experiment.epochs for run in pair_of_runs)
    points = sum(len(run.history) for run in pair_of_runs)
    return curves_value(curves, epochs, cursor=cursor, seq=points)


def difference_text(base: Experiment, other: Experiment) -> str:
    """The knobs in which an experiment differs from a base, with its values: "dropout 0.5, seed 1"."""
    changes = changed_fields(base, other)
    return ", ".join(f"{name.replace('_', ' ')} {to_text(new)}" for name, (_, new) in changes.items()) or "same knobs"


def row_head_html(name: str) -> str:
    """The first cell of a table's row about run A or B, with its colour."""
    return f'<th scope="row"><i class="mnist-dot mnist-dot-{name.lower()}"></i>{name}</th>'


def _labels(pair_of_runs: list[Run]) -> list[str]:
    """What tells the two apart: the values of the knobs that differ."""
    changes = changed_fields(*(run.experiment for run in pair_of_runs))
    if not changes:
        return ["same knobs", "same knobs"]
    return [
        ", ".join(f"{name.replace('_', ' ')} {to_text(values[index])}" for name, values in changes.items())
        for index in (0, 1)
    ]


def run_curve(name: str, label: str, run: Run) -> Curve:
    points = run.history
    note = ""
    if run.status is Status.DIVERGED and points:
        note = f"diverged: the loss became NaN or infinite at epoch {points[-1].epoch:.3g}"
    return curve(
        name,
        label,
        epoch=[p.epoch for p in points],
        examples=[p.examples_seen for p in points],
        train_loss=[p.train_loss for p in points],
        val_loss=[p.val_loss for p in points],
        running_loss=[p.running_loss for p in points],
        train_accuracy=[p.train_accuracy for p in points],
        val_accuracy=[p.val_accuracy for p in points],
        best=run.best,
        note=note,
    )


def _card(name: str, label: str, run: Run) -> str:
    """One run's state in words: epoch, speed, time left, best validation loss, the gap."""
    rows = []
    if run.history:
        last = run.history[-1]
        rows.append(("Epoch", f"{last.epoch:.3g} of {run.experiment.epochs}{_speed(run)}"))
        if run.best is not None:
            best = run.history[run.best]
            rows.append(
                ("Best", f"validation loss {best.val_loss:.3f} at epoch {best.epoch:.3g} ({best.val_accuracy:.1%})")
            )
        rows.append(("Now", f"train {last.train_accuracy:.1%}, validation {last.val_accuracy:.1%}"))
        rows.append(("Gap", f"{gap(last):+.3f} (validation loss − training loss)"))
    body = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in rows)
    return (
        f'<section class="mnist-run mnist-run-{name.lower()}" data-run="{name}" data-status="{run.status}" '
        f'data-step="{run.step}"><h3>Run {name} · {escape(label)} <span>{_STATUS_WORDS[run.status]}</span></h3>'
        f'<progress max="1" value="{run.progress:.4f}" aria-label="Progress of run {name}"></progress>'
        f"<dl>{body}</dl></section>"
    )


_STATUS_WORDS = {
    Status.RUNNING: "",
    Status.FINISHED: "finished",
    Status.STOPPED_EARLY: "stopped early",
    Status.DIVERGED: "diverged",
}


def _speed(run: Run) -> str:
    if run.remaining_seconds is None or not run.is_busy:
        return ""
    return f" · {run.images_per_second:,.0f} images/s · {run.remaining_seconds:.0f} s left"


def closing_words(pair_of_runs: list[Run]) -> str:
    diverged = [n for n, run in zip(NAMES, pair_of_runs, strict=True) if run.status is Status.DIVERGED]
    if diverged:
        return note_html(f"Run {' and run '.join(diverged)} diverged: the loss is no longer a number.")
    if any(run.status is Status.RUNNING for run in pair_of_runs):
        return note_html("Stopped. Resume continues exactly where it was.")
    return ""


def difference_html(pair: Pair) -> str:
    """One line: what B changes."""
    words = escape(describe_changes(pair.a, pair.b))
    if not words:
        return '<div class="mnist-difference"><b>B = A</b>: no knob differs, so the two curves will be identical.</div>'
    count = len(changed_fields(pair.a, pair.b))
    more = "" if count == 1 else f" · {count} knobs differ, so a result cannot be pinned on one"
    return f'<div class="mnist-difference"><b>B = A with</b> {words}<span class="mnist-note">{more}</span></div>'
