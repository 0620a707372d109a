"""Two runs as the page shows them: their curves, their cards, and the words around them."""

from collections.abc import Sequence
from html import escape

import gradio as gr

from mnist_demo.basics.glossary import explained, word_html, words
from mnist_demo.experiment.config import Experiment, changed_fields
from mnist_demo.experiment.differences import describe_changes, describe_values
from mnist_demo.experiment.history import gap, is_finite
from mnist_demo.experiment.pair import Pair
from mnist_demo.learning.training import Status
from mnist_demo.serving.looks import nearest_point
from mnist_demo.serving.runs import Run
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.components.curves import Curve, CurvesValue, create_curves, curve, curves_value
from mnist_demo.ui.visit import Shown, note_html

NAMES = ("A", "B")
STATUS_WORDS = {
    Status.RUNNING: "",
    Status.FINISHED: "finished",
    Status.STOPPED_EARLY: "stopped early",
    Status.DIVERGED: "diverged",
}


class PairView:
    """The charts and the cards of the pair on the page, each built where the tab wants it."""

    def build_charts(self) -> None:
        """The two charts."""
        self.charts = create_curves()

    def build_cards(self) -> None:
        """The cards."""
        self.cards = gr.HTML("", elem_id="status")

    @property
    def outputs(self) -> list[gr.HTML]:
        """What `show` fills."""
        return [self.charts, self.cards]

    def show(self, visitor: Visitor) -> Shown:
        """Curves, with those of earlier runs that are laid over them, and cards, at the epoch looked at."""
        pair_of_runs = visitor.pair
        if not pair_of_runs:
            return {}
        curves = pair_curves(pair_of_runs, visitor.overlay, visitor.epoch, is_live=visitor.is_training)
        return {self.charts: curves, self.cards: self.cards_html(visitor)}

    def cards_html(self, visitor: Visitor) -> str:
        """The cards at the epoch looked at."""
        cards = "".join(
            _card(name, label, run, visitor.epoch)
            for name, label, run in zip(NAMES, _labels(visitor.pair), visitor.pair, strict=True)
        )
        return f'<div class="mnist-status">{cards}</div>'


def pair_curves(
    pair_of_runs: Sequence[Run], others: Sequence[Run] = (), cursor: float | None = None, *, is_live: bool = False
) -> CurvesValue:
    """The curves of A and B, and of earlier runs laid over them; `cursor` is the epoch that is looked at."""
    labels = _labels(pair_of_runs)
    curves = [run_curve(name, label, run) for name, label, run in zip(NAMES, labels, pair_of_runs, strict=True)]
    curves += [run_curve(run.name, difference_text(pair_of_runs[0].experiment, run.experiment), run) for run in others]
    epochs = max(run.experiment.epochs for run in pair_of_runs)
    points = sum(len(run.history) for run in pair_of_runs)
    return curves_value(curves, epochs, cursor=cursor, is_live=is_live, seq=points)


def difference_text(base: Experiment, other: Experiment) -> str:
    """The knobs in which an experiment differs from a base, with its values: "dropout 0.5, seed 1"."""
    return describe_values(base, other) or "same knobs"


def row_head_html(name: str) -> str:
    """The first cell of a table's row about run A or B, with its colour."""
    return f'<th scope="row"><i class="mnist-dot mnist-dot-{name.lower()}"></i>{name}</th>'


def _labels(pair_of_runs: Sequence[Run]) -> list[str]:
    """What tells the two apart: the values of the knobs that differ."""
    a, b = (run.experiment for run in pair_of_runs)
    return [difference_text(b, a), difference_text(a, b)]


def run_curve(name: str, label: str, run: Run) -> Curve:
    """A run as the charts draw it."""
    points = run.history
    note = ""
    if run.status is Status.DIVERGED and points:
        note = f"diverged at epoch {points[-1].epoch:.3g}"
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


def _card(name: str, label: str, run: Run, looked_at: float | None) -> str:
    """One run's state in words: epoch, speed, time left, best validation loss, the gap."""
    rows = []
    if run.history:
        point = run.history[-1 if looked_at is None else nearest_point(run, looked_at)]
        place = f"{point.epoch:.3g} of {run.experiment.epochs}"
        now = _speed(run) or (STATUS_WORDS[run.status] and f", {STATUS_WORDS[run.status]}")
        rows.append(("Epoch", place + (", looking back" if point is not run.history[-1] else now)))
        if run.best is not None:
            best = run.history[run.best]
            rows.append(("Best", f"loss {best.val_loss:.3f} at epoch {best.epoch:.3g} ({best.val_accuracy:.1%})"))
        rows.append(("Right", f"train {point.train_accuracy:.1%}, validation {point.val_accuracy:.1%}"))
        rows.append(("Loss", f"train {point.train_loss:.3f}, validation {point.val_loss:.3f}"))
        rows.append(("Gap", f"{gap(point):+.3f}, validation − train" if is_finite(point) else "none: no number"))
    if run.waits_for:  # last, because the page keeps a row's element, and with it the focus, by its place
        rows.append(("Waits", run.waits_for))
    body = "".join(f"<dt>{_term(term)}</dt><dd>{escape(text)}</dd>" for term, text in rows)
    return (
        f'<section class="mnist-run mnist-run-{name.lower()}" data-run="{name}" data-status="{run.status}" '
        f'data-step="{run.step}"><h3>Run {name} · {escape(label)}</h3>'
        f'<progress max="1" value="{run.progress:.4f}" aria-label="Progress of run {name}"></progress>'
        f"<dl>{body}</dl></section>"
    )


def _term(term: str) -> str:
    name = {"Right": "accuracy"}.get(term, term.lower())
    return word_html(name, term) if name in words() else term


def _speed(run: Run) -> str:
    if run.remaining_seconds is None or not run.is_busy:
        return ""
    return f" · {run.remaining_seconds:.0f} s left"


def closing_words(pair_of_runs: Sequence[Run]) -> str:
    """What to say of two runs whose training has ended or was stopped."""
    diverged = [n for n, run in zip(NAMES, pair_of_runs, strict=True) if run.status is Status.DIVERGED]
    if diverged:
        return note_html(f"Run {' and run '.join(diverged)} diverged: the loss is no longer a number.")
    if any(run.status is Status.RUNNING for run in pair_of_runs):
        return note_html("Stopped. Resume continues exactly where it was.")
    return ""


def difference_html(pair: Pair) -> str:
    """One line: what B changes."""
    words = explained(escape(describe_changes(pair.a, pair.b)))
    if not words:
        words = "no knob differs, so the two curves will be identical."
        return f'<div class="mnist-difference"><b>Run B is run A</b>: {words}</div>'
    count = len(changed_fields(pair.a, pair.b))
    more = "" if count == 1 else f" · {count} knobs differ, so you cannot tell which one made the difference"
    return (
        f'<div class="mnist-difference"><b>Run B is run A, but</b> {words}<span class="mnist-note">{more}</span></div>'
    )
