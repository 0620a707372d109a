"""The Train tab: two runs side by side, live.

Knows the buttons and what each shows; the runs themselves are `mnist_demo.runs`, the charts and the form
are components.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from mnist_demo import runs as engine
from mnist_demo.cluster import Phase
from mnist_demo.errors import InvalidExperiment, MnistLabError
from mnist_demo.pair import Pair
from mnist_demo.runs import Run
from mnist_demo.training import Status
from mnist_demo.ui.components.curves import create_curves
from mnist_demo.ui.experiment_form import ExperimentForm
from mnist_demo.ui.run_view import closing_words, difference_html, pair_view
from mnist_demo.ui.visit import QUICK, Visit, error_html, note_html, owner_of

CONCURRENT_PAIRS = 4  # more visitors wait in the queue and are told their place
PACES = [("about six seconds", 6.0), ("about twenty seconds", 20.0), ("as fast as it goes", 0.0)]

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


def build_train_tab(visit: Visit) -> TrainTab:
    """Builds the tab inside the current Blocks context."""
    store = visit.store
    first = Pair.from_query(next(iter(PRESETS.values())))
    current = gr.State(())  # ids of runs A and B
    finished = gr.State(0)
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=320):
            with gr.Row(elem_classes="mnist-buttons", equal_height=True):
                preset = gr.Dropdown(list(PRESETS), value=next(iter(PRESETS)), label="Start from", scale=3)
                pace = gr.Dropdown(PACES, value=6.0, label="A small run takes", scale=1, min_width=150, elem_id="pace")
            difference = gr.HTML(difference_html(first), elem_id="difference")
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
        yield (*pair_view(pair_of_runs), _waiting(visit), ids, count, *_buttons(pair_of_runs, is_training=True))
        try:
            async for _ in engine.train(pair_of_runs, visit.cluster, visit.root, _pace(pace_seconds)):
                yield (*pair_view(pair_of_runs), "", ids, count, *_buttons(pair_of_runs, is_training=True))
            message = closing_words(pair_of_runs)
        except MnistLabError as error:
            message = error_html(error)
        count = count + 1 if isinstance(count, int) else 0
        yield (*pair_view(pair_of_runs), message, ids, count, *_buttons(pair_of_runs, is_training=False))

    async def train(
        before: Any, count: Any, pace_seconds: Any, request: gr.Request, *values: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        owner = owner_of(request)
        try:
            pair = form.read(values)
            for run in visit.runs(before, request):
                store.stop(run)
            pair_of_runs = store.create_pair(pair, owner)
        except MnistLabError as error:
            yield (gr.skip(), gr.skip(), error_html(error), *[gr.skip()] * (len(shown) - 3))
            return
        async for update in follow(pair_of_runs, pace_seconds, count):
            yield update

    async def resume(current_ids: Any, count: Any, pace_seconds: Any, request: gr.Request) -> AsyncIterator[Any]:
        pair_of_runs = visit.runs(current_ids, request)
        if not pair_of_runs:
            message = note_html("There is nothing to resume: click Train.")
            yield (gr.skip(), gr.skip(), message, *[gr.skip()] * (len(shown) - 3))
            return
        async for update in follow(pair_of_runs, pace_seconds, count):
            yield update

    def stop(current_ids: Any, request: gr.Request) -> None:
        for run in visit.runs(current_ids, request):
            store.stop(run)

    def show_difference(*values: Any) -> str:
        try:
            return difference_html(form.read(values))
        except InvalidExperiment as error:
            return error_html(error)

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
    train_button.click(train, [current, finished, pace, *form.inputs], shown, **long)
    resume_button.click(resume, [current, finished, pace], shown, **long)
    stop_button.click(stop, [current], None, **QUICK)
    gr.on(
        form.edited,
        show_difference,
        form.inputs,
        difference,
        **QUICK,
    )
    preset.input(choose_preset, preset, form.inputs, **QUICK).then(show_difference, form.inputs, difference, **QUICK)
    return TrainTab(form, finished)


def _pace(value: Any) -> float:
    return value if isinstance(value, float | int) and value in dict(PACES).values() else PACES[0][1]


def _buttons(pair_of_runs: list[Run], *, is_training: bool) -> list[Any]:
    can_resume = not is_training and any(run.status is Status.RUNNING for run in pair_of_runs)
    return [
        gr.Button(interactive=not is_training),
        gr.Button(interactive=is_training),
        gr.Button(interactive=can_resume),
    ]


def _waiting(visit: Visit) -> str:
    is_starting = visit.cluster.status.phase is Phase.STARTING
    return note_html("The training workers are starting; this takes a few seconds." if is_starting else "")
