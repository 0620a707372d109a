"""The Train tab: two runs side by side, live.

Knows the order of things on the page and which button does what. The runs are `mnist_demo.runs`; the
form, the lesson, the hints and the views of a run are modules of their own.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from mnist_demo import driver
from mnist_demo.cluster import Phase
from mnist_demo.errors import InvalidExperiment, MnistLabError
from mnist_demo.lessons import lesson, lessons
from mnist_demo.pair import Pair
from mnist_demo.runs import Run
from mnist_demo.training import Status
from mnist_demo.ui.after_training import AfterTraining
from mnist_demo.ui.components.curves import create_curves
from mnist_demo.ui.experiment_form import ExperimentForm
from mnist_demo.ui.hint_panel import SLOTS as HINT_SLOTS
from mnist_demo.ui.hint_panel import HintPanel
from mnist_demo.ui.lesson_panel import FREE, NEXT_SLOTS, LessonPanel
from mnist_demo.ui.link import Knobs, Link, read_link
from mnist_demo.ui.loop_panel import loop_html
from mnist_demo.ui.run_view import closing_words, difference_html, pair_view
from mnist_demo.ui.scrubber import Scrubber
from mnist_demo.ui.visit import QUICK, Visit, error_html, note_html, owner_of

CONCURRENT_PAIRS = 4  # more visitors wait in the queue and are told their place
PACES = [("in about 6 s", 6.0), ("in about 20 s", 20.0), ("as fast as it goes", 0.0)]

# The page may be a frame inside a Space's page, whose address is the one to hand on.
LINK_JS = """(query) => {
  const outer = document.referrer.startsWith("https://huggingface.co/spaces/") ? document.referrer : location.href;
  return outer.split(/[?#]/)[0] + (query ? "?" + query : "");
}"""


@dataclass(frozen=True)
class TrainTab:
    """What the page around the tab needs."""

    setup: "Setup"
    finished: gr.State  # changes when a training ends or stops
    scrubber: Scrubber  # to be connected with the drawing
    open: Callable[[gr.Blocks], None]  # makes a page show what its link asks for


class Setup:
    """Everything that is decided before a training: lesson, knobs, link. Puts a pair on the page."""

    def __init__(self, panel: LessonPanel, form: ExperimentForm, column: gr.Column) -> None:
        self.panel = panel
        self.form = form
        self.column = column

    @property
    def outputs(self) -> list[Any]:
        """What `show` fills."""
        return [*self.panel.outputs, *self.form.inputs]

    def show(self, slug: str, pair: Pair, *, is_locked: bool = False) -> list[Any]:
        """A lesson's question and a pair's knobs."""
        return [*self.panel.show(slug), *self.form.updates(pair, is_locked=is_locked)]

    def open_link(self, request: gr.Request) -> list[Any]:
        """What a page opened by a link shows: its lesson or pair, or a notice of what is wrong with it."""
        try:
            link = read_link(request.query_params.multi_items())
            if link is None:
                return [gr.skip()] * (len(self.outputs) + 2)
            shown = self.show(link.slug or FREE, link.pair, is_locked=link.knobs is not Knobs.FREE)
        except InvalidExperiment as error:
            notice = error_html(InvalidExperiment(f"This link cannot be opened, so the defaults are shown. {error}"))
            return [*[gr.skip()] * len(self.outputs), gr.skip(), notice]
        return [*shown, gr.Column(visible=link.knobs is not Knobs.HIDDEN), ""]


def build_train_tab(visit: Visit) -> TrainTab:
    """Builds the tab inside the current Blocks context."""
    first = lessons()[0]
    panel = LessonPanel(first.slug)
    current = gr.State(())  # ids of runs A and B
    finished = gr.State(0)
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=320):
            panel.build_chooser()
            panel.build_question()
            difference = gr.HTML(difference_html(first.pair), elem_id="difference")
            with gr.Row(elem_classes="mnist-buttons", equal_height=True):
                train_button = gr.Button("Train", variant="primary", elem_id="train", min_width=90)
                stop_button = gr.Button("Stop", interactive=False, elem_id="stop", min_width=70)
                resume_button = gr.Button("Resume", interactive=False, elem_id="resume", min_width=70)
                pace = gr.Dropdown(PACES, value=6.0, container=False, elem_id="pace", min_width=150, label="Pace")
            notice = gr.HTML("", elem_id="notice", padding=False)
            charts = create_curves()
            after = AfterTraining(visit, charts, current, finished)
            status = gr.HTML("", elem_id="status")
            panel.build_answer()
            hints = HintPanel()
            with gr.Accordion("The training loop in PyTorch", open=False):
                loop = gr.HTML(loop_html(first.pair), elem_id="loop")
            after.build_panels()
        with gr.Column(scale=3, min_width=300) as column:
            form = ExperimentForm(first.pair)
            with gr.Accordion("Share as a link", open=False):
                knobs = gr.Radio(
                    [("free to change", Knobs.FREE), ("locked", Knobs.LOCKED), ("hidden", Knobs.HIDDEN)],
                    value=Knobs.FREE,
                    label="For whoever opens it, the knobs are",
                )
                query = gr.Textbox(visible=False)
                link = gr.Textbox(label="Link", buttons=["copy"], interactive=False, elem_id="link")

    after.connect(form)
    setup = Setup(panel, form, column)
    training = _Training(visit, form)
    shown = [charts, status, notice, current, finished, train_button, stop_button, resume_button]
    long: dict[str, Any] = {
        "concurrency_id": "train",
        "concurrency_limit": CONCURRENT_PAIRS,
        "show_progress": "minimal",
        "show_progress_on": notice,
        "trigger_mode": "once",
        "api_visibility": "private",
    }
    train_button.click(panel.hide, None, panel.answer_outputs, **QUICK)
    train_button.click(training.start, [current, finished, pace, *form.inputs], shown, **long)
    resume_button.click(training.resume, [current, finished, pace], shown, **long)
    stop_button.click(training.stop, [current], None, **QUICK)

    def answer(slug: Any, guess: Any, ids: Any, request: gr.Request) -> list[Any]:
        pair_of_runs = visit.runs(ids, request)
        return [*panel.reveal(slug, guess, pair_of_runs), *hints.show(pair_of_runs)]

    finished.change(answer, [panel.chooser, panel.guess, current], [*panel.answer_outputs, *hints.outputs], **QUICK)

    def describe(slug: Any, chosen_knobs: Any, *values: Any) -> list[Any]:
        try:
            pair = form.read(values)
        except InvalidExperiment as error:
            return [error_html(error), gr.skip(), ""]
        chosen = Knobs(chosen_knobs) if chosen_knobs in set(Knobs) else Knobs.FREE
        return [difference_html(pair), loop_html(pair), Link(pair, _slug(slug), chosen).to_query()]

    described = [panel.chooser, knobs, *form.inputs]
    gr.on(
        [*form.edited, knobs.input, panel.chooser.change],
        describe,
        described,
        [difference, loop, query],
        trigger_mode="always_last",
        **QUICK,
    )
    query.change(None, query, link, js=LINK_JS, api_visibility="private")

    def choose(slug: Any) -> list[Any]:
        chosen = lesson(slug) if isinstance(slug, str) else None
        if chosen is None:  # the knobs stay as they are
            return [*panel.show(FREE), *[gr.skip()] * len(form.inputs)]
        return setup.show(chosen.slug, chosen.pair)

    panel.chooser.input(choose, panel.chooser, setup.outputs, **QUICK)
    for slot in range(NEXT_SLOTS):
        panel.slots[slot].click(
            lambda slug, slot=slot: setup.show(*panel.suggestion(slug, slot)), panel.chooser, setup.outputs, **QUICK
        )
    for slot in range(HINT_SLOTS):

        def try_hint(ids: Any, request: gr.Request, slot: int = slot) -> list[Any]:
            return setup.show(FREE, hints.suggestion(visit.runs(ids, request), slot))

        hints.buttons[slot].click(try_hint, current, setup.outputs, **QUICK)

    def open_with(page: gr.Blocks) -> None:
        opened = page.load(setup.open_link, None, [*setup.outputs, column, notice], **QUICK)
        opened.then(describe, described, [difference, loop, query], **QUICK)

    return TrainTab(setup, finished, after.scrubber, open_with)


class _Training:
    """The handlers behind Train, Stop and Resume. The first two yield the page as the runs grow."""

    OUTPUTS = 8  # charts, status, notice, ids, count of finished trainings, three buttons

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
        yield (*pair_view(pair_of_runs), self._waiting(), ids, count, *_buttons(pair_of_runs, is_training=True))
        try:
            async for _ in driver.train(pair_of_runs, self.visit.cluster, self.visit.root, _pace_seconds(pace)):
                yield (*pair_view(pair_of_runs), "", ids, count, *_buttons(pair_of_runs, is_training=True))
            message = closing_words(pair_of_runs)
        except MnistLabError as error:
            message = error_html(error)
        count = count + 1 if isinstance(count, int) else 0
        yield (*pair_view(pair_of_runs), message, ids, count, *_buttons(pair_of_runs, is_training=False))

    def _message(self, html: str) -> tuple[Any, ...]:
        return (gr.skip(), gr.skip(), html, *[gr.skip()] * (self.OUTPUTS - 3))

    def _waiting(self) -> str:
        is_starting = self.visit.cluster.status.phase is Phase.STARTING
        return note_html("The training workers are starting; this takes a few seconds." if is_starting else "")


def _slug(value: Any) -> str | None:
    return value if isinstance(value, str) and value != FREE else None


def _pace_seconds(value: Any) -> float:
    return value if isinstance(value, float | int) and value in dict(PACES).values() else PACES[0][1]


def _buttons(pair_of_runs: list[Run], *, is_training: bool) -> list[Any]:
    can_resume = not is_training and any(run.status is Status.RUNNING for run in pair_of_runs)
    return [
        gr.Button(interactive=not is_training),
        gr.Button(interactive=is_training),
        gr.Button(interactive=can_resume),
    ]
