"""The Train tab: two runs side by side, live.

Knows the order of things on the page and which button does what. The runs are `serving.runs`; what is decided
before a training, the hints and the views of a run are modules of their own.
"""

import logging
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from mnist_demo.cluster.status import Phase
from mnist_demo.errors import MnistLabError, RunError
from mnist_demo.learning.training import Status
from mnist_demo.serving import driver
from mnist_demo.serving.runs import Run
from mnist_demo.ui.after.after_training import AfterTraining
from mnist_demo.ui.after.scrubber import Scrubber
from mnist_demo.ui.before.experiment_form import ExperimentForm
from mnist_demo.ui.before.hint_panel import HintPanel
from mnist_demo.ui.before.setup import Setup
from mnist_demo.ui.components.curves import create_curves
from mnist_demo.ui.run_view import closing_words, pair_view
from mnist_demo.ui.visit import QUICK, Visit, error_html, note_html, owner_of

FAULT = "The server has made a mistake: Resume goes on from the last point."
CONCURRENT_PAIRS = 4  # more visitors wait in the queue and are told their place
PACES = [("in about 6 s", 6.0), ("in about 20 s", 20.0), ("as fast as it goes", 0.0)]


class TrainTab:
    """The tab, built inside the current Blocks context."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.current = gr.State(())  # ids of runs A and B
        self.finished = gr.State(0)  # changes when a training ends or stops
        self.setup = Setup(visit)
        with gr.Row(equal_height=False, elem_classes="mnist-one-column"):
            with gr.Column(scale=7, min_width=320, elem_classes="mnist-one-column"):
                self._build_training()
            self.setup.build_knobs()
        self.after.connect(self.setup.form)
        self.setup.connect(self.hints, self.current)
        self._connect()

    @property
    def scrubber(self) -> Scrubber:
        """To be connected with the drawing."""
        return self.after.scrubber

    def open(self, page: gr.Blocks) -> None:
        """Makes a page that is opened show what its link asks for."""
        self.setup.open(page, self.notice)

    def _build_training(self) -> None:
        self.setup.build_question()
        with gr.Row(elem_classes="mnist-buttons", equal_height=True):
            self.train = gr.Button("Train", variant="primary", elem_id="train", min_width=90)
            self.stop = gr.Button("Stop", interactive=False, elem_id="stop", min_width=70)
            self.resume = gr.Button("Resume", interactive=False, elem_id="resume", min_width=70)
            self.pace = gr.Dropdown(PACES, value=6.0, container=False, elem_id="pace", min_width=150, label="Pace")
        self.notice = gr.HTML("", elem_id="notice", padding=False)
        self.charts = create_curves()
        self.after = AfterTraining(self.visit, self.charts, self.current, self.finished)
        self.status = gr.HTML("", elem_id="status")
        self.setup.panel.build_answer()
        self.hints = HintPanel()
        self.setup.build_loop()
        self.after.build_panels()

    def _connect(self) -> None:
        panel, form = self.setup.panel, self.setup.form
        training = _Training(self.visit, form)
        shown = [self.charts, self.status, self.notice, self.current, self.finished]
        shown += [self.train, self.stop, self.resume, *self.scrubber.parts]
        long: dict[str, Any] = {
            "concurrency_id": "train",
            "concurrency_limit": CONCURRENT_PAIRS,
            "show_progress": "minimal",
            "show_progress_on": self.notice,
            "trigger_mode": "once",
            "api_visibility": "private",
        }
        self.train.click(panel.hide, None, panel.answer_outputs, **QUICK)
        self.train.click(training.start, [self.current, self.finished, self.pace, *form.inputs], shown, **long)
        self.resume.click(training.resume, [self.current, self.finished, self.pace], shown, **long)
        self.stop.click(training.stop, [self.current], None, **QUICK)
        gr.on(form.edited, None, None, self.notice, js="() => ''", **QUICK)  # it was about other knobs
        told = [*panel.answer_outputs, *self.hints.outputs]
        self.finished.change(self.tell, [panel.chooser, panel.guess, self.current], told, **QUICK)

    def tell(self, slug: Any, guess: Any, ids: Any, request: gr.Request) -> list[Any]:
        """What happened, once a training has ended: the lesson's answer and the hints."""
        pair_of_runs = self.visit.runs(ids, request)
        return [*self.setup.panel.reveal(slug, guess, pair_of_runs), *self.hints.show(pair_of_runs)]


class _Training:
    """The handlers behind Train, Stop and Resume. The first two yield the page as the runs grow."""

    OUTPUTS = 11  # charts, status, notice, ids, count of finished trainings, three buttons, three parts of looking back

    def __init__(self, visit: Visit, form: ExperimentForm) -> None:
        self.visit = visit
        self.form = form

    async def start(
        self, before: Any, count: Any, pace: Any, request: gr.Request, *values: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        try:
            pair = self.form.read(values)
            self.stop(before, request)
            pair_of_runs = self.visit.store.create_pair(pair, owner_of(request))
        except MnistLabError as error:
            yield self._message(error_html(error))
            return
        async for update in self._follow(pair_of_runs, pace, count):
            yield update

    async def resume(self, ids: Any, count: Any, pace: Any, request: gr.Request) -> AsyncIterator[tuple[Any, ...]]:
        pair_of_runs = self.visit.runs(ids, request)
        if not pair_of_runs:
            yield self._message(note_html("There is nothing to resume: click Train."))
            return
        async for update in self._follow(pair_of_runs, pace, count):
            yield update

    def stop(self, ids: Any, request: gr.Request) -> None:
        for run in self.visit.runs(ids, request):
            self.visit.store.stop(run)

    async def _follow(self, pair_of_runs: list[Run], pace: Any, count: Any) -> AsyncIterator[tuple[Any, ...]]:
        """Yields the page again and again while two runs train, and once more when they have ended."""
        ids = tuple(run.id for run in pair_of_runs)
        training = (ids, count, *_buttons(pair_of_runs, is_training=True))
        as_it_is = [gr.skip()] * 3
        yield (*pair_view(pair_of_runs), self._waiting(), *training, *Scrubber.closed())
        try:
            async for _ in driver.train(pair_of_runs, self.visit.cluster, self.visit.root, _pace_seconds(pace)):
                yield (*pair_view(pair_of_runs), "", *training, *as_it_is)
            message = closing_words(pair_of_runs)
        except MnistLabError as error:
            message = error_html(error)
        except Exception as error:  # a fault of ours: the buttons come back all the same
            logging.getLogger(__name__).error("A training failed.", exc_info=error)
            message = error_html(RunError(FAULT))
        count = count + 1 if isinstance(count, int) else 0
        yield (*pair_view(pair_of_runs), message, ids, count, *_buttons(pair_of_runs, is_training=False), *as_it_is)

    def _message(self, html: str) -> tuple[Any, ...]:
        return (gr.skip(), gr.skip(), html, *[gr.skip()] * (self.OUTPUTS - 3))

    def _waiting(self) -> str:
        is_starting = self.visit.cluster.status.phase is Phase.STARTING
        return note_html("The training workers are starting; this takes a few seconds." if is_starting else "")


def _pace_seconds(value: Any) -> float:
    return value if isinstance(value, float | int) and value in dict(PACES).values() else PACES[0][1]


def _buttons(pair_of_runs: list[Run], *, is_training: bool) -> list[Any]:
    can_resume = not is_training and any(run.status is Status.RUNNING for run in pair_of_runs)
    return [
        gr.Button(interactive=not is_training),
        gr.Button(interactive=is_training),
        gr.Button(interactive=can_resume),
    ]
