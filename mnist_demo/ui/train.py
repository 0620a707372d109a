"""The Train tab: the question and its answer left, buttons and curves in the middle, the two runs right.

Knows the order of things on the page and which button does what. Does not know how runs are kept: that is
`serving.runs`. Settings before a training, hints and views of a run have their own modules.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import gradio as gr

from mnist_demo.cluster.status import Phase
from mnist_demo.errors import MnistLabError, RunError
from mnist_demo.learning.training import Status
from mnist_demo.serving.visitors import Guess, Visitor
from mnist_demo.ui.after.downloads import Downloads
from mnist_demo.ui.after.runs_table import RunsTable
from mnist_demo.ui.after.score_panel import ScorePanel
from mnist_demo.ui.after.scrubber import Scrubber
from mnist_demo.ui.after.step_panel import StepByStep
from mnist_demo.ui.before.hint_panel import HintPanel
from mnist_demo.ui.before.landing import Landing
from mnist_demo.ui.before.setup import Setup
from mnist_demo.ui.returning import Returning
from mnist_demo.ui.run_view import PairView, closing_words
from mnist_demo.ui.values import Number, Place, Slugs, Text
from mnist_demo.ui.visit import QUICK, Lab, Shown, error_html, note_html

FAULT = "The training failed on the server: click Resume to go on from the last point."
BUSY = "Still waiting for the next point: the workers are busy with other visitors' runs, or the network is large."
AWAY = "The training workers cannot be reached at the moment. If they are back within a minute, this training goes on."
SILENCE_SECONDS = 3.0  # without news, after which the page says so; a chunk takes about one second
CUT = "The connection was cut, or the page was loaded again, so the training rests. Resume goes on where it was."
EARLIER = "The curves are of the last training."
DECIDED_JS = f"() => document.querySelector('#status .mnist-run') ? {json.dumps(note_html(EARLIER))} : ''"
STARTING = "The training workers are starting; this takes a few seconds."
# On a telephone the three columns are pages; this bar is hidden elsewhere.
PAGES = """<nav class="mnist-pages" aria-label="Parts of this tab"><button data-page="story">Question</button>
<button data-page="stage">Curves</button><button data-page="side">Knobs</button></nav>"""
PACES = [("in about 6 s", 6.0), ("in about 20 s", 20.0), ("as fast as it goes", 0.0)]


class TrainTab:
    """The tab, built inside the current Blocks context."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.setup = Setup(lab)
        self.view = PairView()
        with gr.Column(elem_classes="mnist-works"):
            self._build_bench()
            self._build_drawers()
        self.steps.connect(self.setup.form)
        self.setup.connect(self.hints)
        self._connect()

    def _build_bench(self) -> None:
        """The three columns; a telephone shows one of them at a time."""
        with gr.Row(elem_classes="mnist-bench"):
            with gr.Column(elem_classes="mnist-story"):
                self.setup.build_question()
                self.setup.panel.build_answer()
                with gr.Accordion("Hints, and more to try", open=False, elem_id="more"):
                    self.setup.panel.build_more()
                    self.hints = HintPanel()
            with gr.Column(elem_classes="mnist-stage"):
                self._build_stage()
            with gr.Tabs(elem_id="side", elem_classes="mnist-side"):
                self.setup.build_knobs()
                self.scrubber.build_looks()

    def open(self, page: gr.Blocks) -> None:
        """Makes a page that is opened show what its link asks for."""
        self.setup.open(page, self.notice, self.returning.visit)

    def _build_stage(self) -> None:
        """The middle of the tab: buttons, curves with the slider through their epochs, cards, the epoch's strip."""
        with gr.Row(elem_classes="mnist-run-buttons", equal_height=True):
            gr.HTML(PAGES, elem_id="pages", padding=False)
            self.train = gr.Button("Train", variant="primary", elem_id="train", min_width=90)
            self.clicks = gr.Number(0, precision=0, visible=False)  # on Train, that were answered
            self.stop = gr.Button("Stop", interactive=False, elem_id="stop", min_width=70)
            self.resume = gr.Button("Resume", interactive=False, elem_id="resume", min_width=70)
            self.pace = gr.Dropdown(PACES, value=6.0, container=False, elem_id="pace", min_width=150, label="Pace")
        self.notice = gr.HTML("", elem_id="notice", padding=False)
        self.landing = Landing(self.lab)
        self.view.build_charts()
        self.scrubber = Scrubber(self.lab, self.view)
        self.view.build_cards()
        self.scrubber.build_strip()

    def _build_drawers(self) -> None:
        """What lies folded below: the runs kept, files to take home, the code, and one step taken apart."""
        with gr.Row(elem_classes="mnist-drawers"):
            with gr.Accordion("Runs and test score", open=False, elem_id="runs-drawer"):
                self.runs = RunsTable(self.lab, self.view)
                self.glass = ScorePanel(self.lab)
            with gr.Accordion("Downloads", open=False, elem_id="downloads"):
                self.downloads = Downloads(self.lab)
            with gr.Accordion("Code", open=False, elem_id="code"):
                self.setup.build_loop()
            with gr.Accordion("Step by step", open=False, elem_id="step-by-step"):
                self.steps = StepByStep(self.lab)

    def _connect(self) -> None:
        panel, form = self.setup.panel, self.setup.form
        told = [*panel.answer_outputs, *self.hints.outputs]
        asking = [self.clicks, panel.chooser, *panel.guess_outputs]
        buttons = [self.train, self.stop, self.resume]
        grown = [*self.view.outputs, self.landing.column, *buttons, *self.scrubber.strip, *told]
        started = [*grown, *self.setup.lock_outputs, self.clicks]
        long: dict[str, Any] = {
            "queue": True,
            "concurrency_id": "train",
            "concurrency_limit": None,  # `Driver` decides who has to wait, and says for how long
            "show_progress": "minimal",
            "trigger_mode": "once",
            "tell": self.notice,
        }
        self.lab.on(self.stop.click, self.stop_training)
        gr.on(self.setup.decided, None, None, self.notice, js=DECIDED_JS, **QUICK)  # it was about the old knobs
        trained = [
            self.lab.on(self.train.click, self.start_training, [*asking, self.pace, *form.inputs], started, **long),
            self.lab.on(self.resume.click, self.resume_training, [self.pace], grown, **long),
        ]
        asked = [panel.chooser, panel.done, self.scrubber.patience, self.downloads.which]
        after: list[Any] = [self.scrubber, self.runs, self.glass, self.downloads]
        shown = [*told, panel.chooser, panel.done, *(component for each in after for component in each.outputs)]
        rest = list(dict.fromkeys([*shown, *grown, self.notice, self.clicks]))
        back = list(dict.fromkeys([*self.setup.outputs, self.setup.column, *rest]))
        # The events after which a pair is shown at rest; other parts may connect to them.
        self.ended = [self.lab.on(event.then, self.show_end, asked, rest) for event in trained]
        self.returning = Returning(self.lab, self.setup, self.runs, self.show_end)
        self.ended.append(self.returning.connect(asked[1:], back, self.notice, self.landing.column))

    def show_end(
        self, visitor: Visitor, slug: Text, done: Slugs | None, patience: Number | None, run_id: Text | None
    ) -> Shown:
        """After a training: shows the answer, the hints and every panel about the finished runs."""
        if not visitor.has_news:
            return {}
        visitor.has_news = False
        rest: Shown = {}
        if visitor.was_cut:  # then nothing was sent of the end
            is_over = all(run.status is not Status.RUNNING for run in visitor.pair)
            message = closing_words(visitor.pair) if is_over else note_html(CUT)
            rest = {**self._page(visitor, message), **self._buttons(visitor), self.clicks: visitor.clicks}
        return {
            **rest,
            **self.setup.panel.reveal(slug, visitor.guesses, done or [], visitor.pair),
            **self.hints.show(visitor.pair),
            **self.scrubber.open(visitor, patience),
            **self.runs.refresh(visitor),
            **self.glass.clear(),
            **self.downloads.refresh(visitor, run_id),
        }

    async def start_training(
        self,
        visitor: Visitor,
        click: Place,
        slug: Text,
        guess: Place | None,
        certainty: Place | None,
        pace: Number,
        *values: Any,
    ) -> AsyncIterator[Shown]:
        """Takes the guess and trains a new pair with the form's knobs; yields page updates."""
        if visitor.is_training or click < visitor.clicks:  # a second click, sent before the first one's answer came
            yield {self.clicks: visitor.clicks}
            return
        pair = self.setup.form.read(values)
        visitor.start(pair)
        visitor.clicks = click + 1
        locked = self.setup.lock(visitor, pair, slug, Guess(guess, bool(certainty))) | {self.clicks: visitor.clicks}
        async for shown in self._follow(visitor, pace, locked):
            yield shown

    async def resume_training(self, visitor: Visitor, pace: Number) -> AsyncIterator[Shown]:
        """Continues training the pair on the page."""
        if not visitor.pair:
            raise RunError("There is nothing to resume: click Train.")
        async for shown in self._follow(visitor, pace):
            yield shown

    def stop_training(self, visitor: Visitor) -> None:
        """Ends the training at its last finished chunk."""
        visitor.stop()

    async def _follow(self, visitor: Visitor, pace: float, begun: Shown | None = None) -> AsyncIterator[Shown]:
        """Yields page updates while two runs train, and one more when they have ended.

        `begun` is shown with the first update.
        """
        if visitor.is_training:
            yield {}
            return
        visitor.is_training = True
        visitor.look_at(None)
        visitor.strip = None  # of an earlier training
        pair_of_runs = visitor.pair
        pace_seconds = pace if pace in dict(PACES).values() else PACES[0][1]
        told = {**self.setup.panel.hide(), **self.hints.show([]), **(begun or {})}
        message: str | None = None
        try:
            yield {**told, **self._page(visitor, self._waiting()), **self._buttons(visitor)}
            growing = self.lab.driver.train(pair_of_runs, pace_seconds)
            async with aclosing(_with_silences(growing, SILENCE_SECONDS)) as news:
                async for is_news in news:
                    page = self._page(visitor, "" if is_news else self._waiting(BUSY))
                    yield {**page, **self.scrubber.glance(visitor)}
            message = closing_words(pair_of_runs)
        except MnistLabError as error:
            message = error_html(error)
        except Exception as error:  # our own bug: the buttons must still come back
            logging.getLogger(__name__).error("A training failed.", exc_info=error)
            message = error_html(RunError(FAULT))
        finally:
            visitor.is_training = False
            visitor.has_news, visitor.was_cut = True, message is None
        yield {**self._page(visitor, message), **self._buttons(visitor)}

    def _page(self, visitor: Visitor, message: str) -> Shown:
        """What changes with every point."""
        return {**self.view.show(visitor), self.notice: message}

    def _buttons(self, visitor: Visitor) -> Shown:
        """What changes when a training begins or ends."""
        can_resume = not visitor.is_training and any(run.status is Status.RUNNING for run in visitor.pair)
        return {
            self.landing.column: gr.Column(visible=False),
            self.train: gr.Button(interactive=not visitor.is_training),
            self.stop: gr.Button(interactive=visitor.is_training),
            self.resume: gr.Button(interactive=can_resume),
        }

    def _waiting(self, why: str = "") -> str:
        """Why no point comes; `why` if nothing is wrong with the workers."""
        return note_html({Phase.STARTING: STARTING, Phase.FAILED: AWAY}.get(self.lab.cluster.status.phase, why))


async def _with_silences(growing: AsyncIterator[None], seconds: float) -> AsyncGenerator[bool, None]:
    """Yields True whenever the iterator yields, and False after each `seconds` without news."""
    pending: asyncio.Task[bool] | None = None
    try:
        while True:
            pending = pending or asyncio.create_task(_next(growing))
            done, _ = await asyncio.wait({pending}, timeout=seconds)
            if not done:
                yield False
                continue
            is_over, pending = pending.result(), None
            if is_over:
                return
            yield True
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        await cast(AsyncGenerator[None, None], growing).aclose()


async def _next(growing: AsyncIterator[None]) -> bool:
    """Waits for the next item; True if there are no more."""
    return await anext(growing, True) is True
