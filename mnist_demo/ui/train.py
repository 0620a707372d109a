"""The Train tab: two runs side by side, live.

Knows the buttons and what each shows; the runs themselves are `mnist_demo.runs`, the charts and the form
are components.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo import runs as engine
from mnist_demo.cluster import Cluster
from mnist_demo.config import changed_fields, describe_changes, to_text
from mnist_demo.errors import InvalidExperiment, MnistLabError
from mnist_demo.history import gap
from mnist_demo.pair import Pair
from mnist_demo.runs import Run, RunStore
from mnist_demo.training import Status
from mnist_demo.ui.components.curves import Curve, CurvesValue, create_curves, curve, curves_value
from mnist_demo.ui.experiment_form import ExperimentForm

CONCURRENT_PAIRS = 4  # more visitors wait in the queue and are told their place
PACES = [("about six seconds", 6.0), ("about twenty seconds", 20.0), ("as fast as it goes", 0.0)]
NAMES = ("A", "B")

PRESETS: dict[str, str] = {
    "Overfitting: dropout against none": "b.dropout=0.5",
    "Dropout against wrong labels": "label_noise=0.3&b.dropout=0.5",
    "Learning rate too high": "optimizer=sgd&learning_rate=0.1&epochs=10&b.learning_rate=3",
    "Small data: 1,000 images against 5,000": "epochs=20&b.train_size=5000",
}


@dataclass(frozen=True)
class TrainTab:
    """What the page around the tab needs: who is told that runs have changed."""

    form: ExperimentForm
    finished: gr.State  # changes when a training ends or stops


def build_train_tab(store: RunStore, cluster: Cluster, find_root: Callable[[], Path]) -> TrainTab:
    """Builds the tab inside the current Blocks context."""
    first = Pair.from_query(next(iter(PRESETS.values())))
    current = gr.State(())  # ids of runs A and B
    finished = gr.State(0)
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=320):
            with gr.Row(elem_classes="mnist-buttons", equal_height=True):
                preset = gr.Dropdown(list(PRESETS), value=next(iter(PRESETS)), label="Start from", scale=3)
                pace = gr.Dropdown(PACES, value=6.0, label="A small run takes", scale=1, min_width=150, elem_id="pace")
            difference = gr.HTML(_difference(first), elem_id="difference")
            with gr.Row(elem_classes="mnist-buttons"):
                train_button = gr.Button("Train", variant="primary", elem_id="train", min_width=90)
                stop_button = gr.Button("Stop", interactive=False, elem_id="stop", min_width=90)
                resume_button = gr.Button("Resume", interactive=False, elem_id="resume", min_width=90)
            notice = gr.HTML("", elem_id="notice")
            charts = create_curves()
            status = gr.HTML("", elem_id="status")
        with gr.Column(scale=3, min_width=300):
            form = ExperimentForm(first)

    buttons = [train_button, stop_button, resume_button]
    shown: list[Any] = [charts, status, notice, current, finished, *buttons]

    async def follow(
        pair_of_runs: list[Run], pace_seconds: Any, count: Any, message: str = ""
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Yields the page again and again while two runs train, and once more when they have ended."""
        ids = tuple(run.id for run in pair_of_runs)
        yield (*_view(pair_of_runs), _waiting(cluster), ids, count, *_buttons(pair_of_runs, is_training=True))
        try:
            async for _ in engine.train(pair_of_runs, cluster, find_root(), _pace(pace_seconds)):
                yield (*_view(pair_of_runs), "", ids, count, *_buttons(pair_of_runs, is_training=True))
            message = _closing_words(pair_of_runs)
        except MnistLabError as error:
            message = _error(error)
        count = count + 1 if isinstance(count, int) else 0
        yield (*_view(pair_of_runs), message, ids, count, *_buttons(pair_of_runs, is_training=False))

    async def train(
        before: Any, count: Any, pace_seconds: Any, request: gr.Request, *values: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        owner = _owner(request)
        try:
            pair = form.read(values)
            for run in _runs_of(store, before, owner):
                store.stop(run)
            pair_of_runs = [store.create(experiment, owner) for experiment in (pair.a, pair.b)]
        except MnistLabError as error:
            yield (gr.skip(), gr.skip(), _error(error), *[gr.skip()] * (len(shown) - 3))
            return
        async for view in follow(pair_of_runs, pace_seconds, count):
            yield view

    async def resume(current_ids: Any, count: Any, pace_seconds: Any, request: gr.Request) -> AsyncIterator[Any]:
        pair_of_runs = _runs_of(store, current_ids, _owner(request))
        if not pair_of_runs:
            message = "There is nothing to resume: click Train."
            yield (gr.skip(), gr.skip(), message, *[gr.skip()] * (len(shown) - 3))
            return
        async for view in follow(pair_of_runs, pace_seconds, count):
            yield view

    def stop(current_ids: Any, request: gr.Request) -> None:
        for run in _runs_of(store, current_ids, _owner(request)):
            store.stop(run)

    def show_difference(*values: Any) -> str:
        try:
            return _difference(form.read(values))
        except InvalidExperiment as error:
            return _error(error)

    def choose_preset(name: Any) -> list[Any]:
        if not isinstance(name, str) or name not in PRESETS:
            raise gr.Error("There is no such start; choose one from the list.")
        return form.updates(Pair.from_query(PRESETS[name]))

    long: dict[str, Any] = {
        "concurrency_id": "train",
        "concurrency_limit": CONCURRENT_PAIRS,
        "show_progress": "minimal",
        "show_progress_on": notice,
        "trigger_mode": "once",
        "api_visibility": "private",
    }
    quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    train_button.click(train, [current, finished, pace, *form.inputs], shown, **long)
    resume_button.click(resume, [current, finished, pace], shown, **long)
    stop_button.click(stop, [current], None, **quick)
    gr.on(
        [component.change for component in form.inputs if hasattr(component, "change")],
        show_difference,
        form.inputs,
        difference,
        **quick,
    )
    preset.input(choose_preset, preset, form.inputs, **quick)
    return TrainTab(form, finished)


def _owner(request: gr.Request | None) -> str:
    return str(request.session_hash) if request and request.session_hash else ""


def _runs_of(store: RunStore, ids: Any, owner: str) -> list[Run]:
    """The runs of those ids that this visitor still has."""
    if not isinstance(ids, list | tuple):
        return []
    mine = {run.id: run for run in store.of_owner(owner)}
    return [mine[run_id] for run_id in ids if isinstance(run_id, str) and run_id in mine]


def _pace(value: Any) -> float:
    return value if isinstance(value, float | int) and value in dict(PACES).values() else PACES[0][1]


def _view(pair_of_runs: list[Run]) -> tuple[CurvesValue, str]:
    a, b = (run.experiment for run in pair_of_runs)
    labels = _labels(pair_of_runs)
    curves = [_curve(name, label, run) for name, label, run in zip(NAMES, labels, pair_of_runs, strict=True)]
    epochs = max(a.epochs, b.epochs)
    cards = "".join(_card(n, label, run) for n, label, run in zip(NAMES, labels, pair_of_runs, strict=True))
    points = sum(len(run.history) for run in pair_of_runs)
    return curves_value(curves, epochs, seq=points), f'<div class="mnist-status">{cards}</div>'


def _labels(pair_of_runs: list[Run]) -> list[str]:
    """What tells the two apart: the values of the knobs that differ."""
    changes = changed_fields(*(run.experiment for run in pair_of_runs))
    if not changes:
        return ["same knobs", "same knobs"]
    return [
        ", ".join(f"{name.replace('_', ' ')} {to_text(values[index])}" for name, values in changes.items())
        for index in (0, 1)
    ]


def _curve(name: str, label: str, run: Run) -> Curve:
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


def _buttons(pair_of_runs: list[Run], *, is_training: bool) -> list[Any]:
    can_resume = not is_training and any(run.status is Status.RUNNING for run in pair_of_runs)
    return [
        gr.Button(interactive=not is_training),
        gr.Button(interactive=is_training),
        gr.Button(interactive=can_resume),
    ]


def _waiting(cluster: Cluster) -> str:
    if cluster.status.phase == "starting":
        return '<p class="mnist-note">The training workers are starting; this takes a few seconds.</p>'
    return ""


def _closing_words(pair_of_runs: list[Run]) -> str:
    diverged = [n for n, run in zip(NAMES, pair_of_runs, strict=True) if run.status is Status.DIVERGED]
    if diverged:
        return f'<p class="mnist-note">Run {" and run ".join(diverged)} diverged: the loss is no longer a number.</p>'
    if any(run.status is Status.RUNNING for run in pair_of_runs):
        return '<p class="mnist-note">Stopped. Resume continues exactly where it was.</p>'
    return ""


def _difference(pair: Pair) -> str:
    """One line: what B changes."""
    words = escape(describe_changes(pair.a, pair.b))
    if not words:
        return '<div class="mnist-difference"><b>B = A</b>: no knob differs, so the two curves will be identical.</div>'
    count = len(changed_fields(pair.a, pair.b))
    more = "" if count == 1 else f" · {count} knobs differ, so a result cannot be pinned on one"
    return f'<div class="mnist-difference"><b>B = A with</b> {words}<span class="mnist-note">{more}</span></div>'


def _error(error: Exception) -> str:
    return f'<p class="mnist-error" role="alert">{escape(str(error))}</p>'
