"""Look back: a slider through the points of a finished pair; curves, weights, answers and Draw tab follow.

Also early stopping without retraining, by moving patience. Knows the controls and what each shows; what a
run looked like is `mnist_demo.serving.looks`.
"""

import asyncio
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.serving.looks import nearest_place, nearest_point, scrub_epochs
from mnist_demo.serving.runs import Run
from mnist_demo.ui.after.look_panel import LookPanel, chosen_cell
from mnist_demo.ui.after.looking_back import (
    best_sentence,
    is_number,
    numbers_html,
    stopping_sentence,
    whole_number,
)
from mnist_demo.ui.answers import Reader, read_drawing
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.bars import create_bars
from mnist_demo.ui.run_view import NAMES, pair_curves
from mnist_demo.ui.visit import QUICK, Visit, note_html

EMPTY = "Train a pair first. When it has ended or is stopped, a slider here goes back through its epochs."
BOTH = "both"
EPOCHS, POINTS = "Look back to epoch", "Look back to evaluated point (several an epoch)"
SHOWN = {"A": (0,), "B": (1,), BOTH: (0, 1)}
PATIENCE = 5
DRAW_FIRST = "Draw a digit on the Draw tab: its answer at every epoch appears here."
DRAWING_HEADING = '<h3 class="mnist-look">Your drawing</h3>'


class Scrubber:
    """The slider, and below it what follows it. Both are built inside the current Blocks context."""

    def __init__(self, visit: Visit) -> None:
        """Builds the slider, which stays in sight while the page is scrolled down to what follows it."""
        self.visit = visit
        with gr.Column(visible=False, elem_classes="mnist-scrub") as self.bar:
            self.position = gr.Slider(0, 1, step=1, value=0, label=EPOCHS, elem_id="scrub", buttons=[])

    def build_panel(self, charts: Any, current: gr.State, finished: gr.State, overlay: gr.State) -> None:
        """Builds what follows the slider; `connect` then lets it follow."""
        self.charts, self.current, self.finished, self.overlay = charts, current, finished, overlay
        self.empty = gr.HTML(note_html(EMPTY))
        with gr.Column(visible=False) as self.panel:
            with gr.Row(elem_classes="mnist-buttons"):
                self.jumps = [
                    gr.Button(text, size="sm", min_width=70, elem_id=f"jump-{index}")
                    for index, text in enumerate(("Best of A", "Best of B", "First", "Last"))
                ]
            self.numbers = gr.HTML("", elem_id="scrub-numbers")
            self.which = gr.Radio(list(SHOWN), value=BOTH, show_label=False, container=False, elem_id="scrub-run")
            gr.HTML(DRAWING_HEADING)
            self.bars = create_bars(elem_id="scrub-bars")
            self.looks = LookPanel(self.visit)
            with gr.Accordion("Early stopping without retraining", open=True):
                self.patience = gr.Slider(
                    1, 20, step=1, value=PATIENCE, label="Patience (epochs)", elem_id="patience", buttons=[]
                )
                self.stopping = gr.HTML("", elem_id="stopping")

    @property
    def parts(self) -> list[Any]:
        """What `closed` hides and `open` shows."""
        return [self.empty, self.bar, self.panel]

    @staticmethod
    def closed() -> list[Any]:
        """The parts before and while a pair trains: they would show where the last training ended."""
        return [gr.HTML(visible=True), gr.Column(visible=False), gr.Column(visible=False)]

    def connect(self, canvas: Any, tab: gr.Tab, tabs: gr.Tabs) -> None:
        """Connects everything, once the Draw tab's canvas is there; `tab` is the one that this panel is in."""
        place = [self.position, self.which, self.current]
        followed = [*place, self.overlay, canvas]
        follows = [self.charts, self.numbers, self.bars]
        looked_at = [*place, self.looks.cell]
        opened_by = [self.which, self.patience, self.current, canvas]
        opening = [*self.parts, self.position, self.looks.cell, self.stopping, self.numbers, self.bars]
        # A number may be typed beside a slider, and Gradio refuses what is out of its bounds: the handlers know better.
        unchecked: dict[str, Any] = {"preprocess": False, **QUICK}
        newest: dict[str, Any] = {"trigger_mode": "always_last", **unchecked}

        opened = self.finished.change(self.open, opened_by, opening, **unchecked)
        opened.then(self.look, looked_at, self.looks.outputs, **unchecked)
        moved = self.position.input(self.follow, followed, follows, **newest)
        moved.then(self.look, looked_at, self.looks.outputs, **newest)  # afterwards: it asks thousands of images
        chosen = self.which.input(self.answer, [*place, canvas], self.bars, **newest)
        chosen.then(self.look, looked_at, self.looks.outputs, **newest)
        clicked = self.charts.select(self.click_curve, followed[1:], [self.position, *follows], **unchecked)
        clicked.then(self.look, looked_at, self.looks.outputs, **unchecked)
        for index, button in enumerate(self.jumps):

            async def jump(request: gr.Request, *values: Any, index: int = index) -> list[Any]:
                return await self.jump(index, *values, request=request)

            jumped = button.click(jump, followed[1:], [self.position, *follows], **unchecked)
            jumped.then(self.look, looked_at, self.looks.outputs, **unchecked)
        tab.select(self.answer, [*place, canvas], self.bars, **unchecked)
        self.looks.confusion.select(self.click_cell, place, [self.looks.cell, *self.looks.outputs], **unchecked)
        drawn = self.looks.cell_tiles.select(self.looks.draw, [self.looks.cell_images, canvas], canvas, **unchecked)
        drawn.then(lambda: gr.Tabs(selected="draw"), None, tabs, **QUICK)
        self.patience.input(self.stop_early, [self.patience, self.current], self.stopping, **unchecked)

    async def open(self, which: Any, patience: Any, ids: Any, drawing: Any, request: gr.Request) -> list[Any]:
        """When a training has ended: the slider reaches its last point and stands there."""
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs:
            return [*self.closed(), *[gr.skip()] * 5]
        epochs = scrub_epochs(pair_of_runs)
        last = len(epochs) - 1
        for run in pair_of_runs:
            run.cursor = None
        label = EPOCHS if epochs[-1] == last else POINTS
        slider = gr.Slider(0, max(last, 1), value=last, step=1, label=label)
        shown = [gr.HTML(visible=False), gr.Column(visible=True), gr.Column(visible=True)]
        sentences = self.stop_early(patience, ids, request)
        bars = await self._answer(pair_of_runs, epochs[last], which, drawing)
        return [*shown, slider, None, sentences, _numbers(pair_of_runs, epochs[last]), bars]

    async def follow(
        self, position: Any, which: Any, ids: Any, overlay: Any, drawing: Any, request: gr.Request
    ) -> list[Any]:
        """The slider has been moved: curves' cursor, numbers, the drawing's answer and the Draw tab follow."""
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs:
            return [gr.skip()] * 3
        epoch = _epoch(position, pair_of_runs)
        for run in pair_of_runs:
            run.cursor = nearest_point(run, epoch)
        others = [run for run in self.visit.runs(overlay, request) if run not in pair_of_runs]
        curves = pair_curves(pair_of_runs, others, cursor=epoch)
        bars = await self._answer(pair_of_runs, epoch, which, drawing)
        return [curves, _numbers(pair_of_runs, epoch), bars]

    async def answer(self, position: Any, which: Any, ids: Any, drawing: Any, request: gr.Request) -> Any:
        """What the runs said, at that point, of what is on the Draw tab's canvas."""
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs:
            return gr.skip()
        return await self._answer(pair_of_runs, _epoch(position, pair_of_runs), which, drawing)

    async def look(self, position: Any, which: Any, ids: Any, cell: Any, request: gr.Request) -> list[Any]:
        """Weights, confusion matrices and the images of the chosen cell at that point.

        Nothing if the visitor has moved on meanwhile: looks take their time, and a quicker one may have been answered.
        """
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs:
            return [gr.skip()] * len(self.looks.outputs)
        cursors = [run.cursor for run in pair_of_runs]
        shown = await self.looks.show(pair_of_runs, _place(position, pair_of_runs), _shown(which), cell)
        has_moved_on = [run.cursor for run in pair_of_runs] != cursors
        return [gr.skip()] * len(self.looks.outputs) if has_moved_on else shown

    async def click_curve(
        self, which: Any, ids: Any, overlay: Any, drawing: Any, event: gr.SelectData, request: gr.Request
    ) -> list[Any]:
        """A point of the curves was chosen: the slider goes there."""
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs or not is_number(event.value):
            return [gr.skip()] * 4
        epochs = scrub_epochs(pair_of_runs)
        place = nearest_place(epochs, event.value)
        return [place, *await self.follow(place, which, ids, overlay, drawing, request)]

    async def jump(
        self, index: int, which: Any, ids: Any, overlay: Any, drawing: Any, *, request: gr.Request
    ) -> list[Any]:
        """To the best point of A or B, the first or the last one."""
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs:
            return [gr.skip()] * 4
        epochs = scrub_epochs(pair_of_runs)
        place = 0 if index == 2 else len(epochs) - 1
        if index < 2:
            run = pair_of_runs[index]
            place = epochs.index(run.history[run.best or 0].epoch)
        return [place, *await self.follow(place, which, ids, overlay, drawing, request)]

    async def click_cell(
        self, position: Any, which: Any, ids: Any, event: gr.SelectData, request: gr.Request
    ) -> list[Any]:
        """A cell of a matrix was chosen: its images are shown, here and at every point scrubbed to."""
        chosen = chosen_cell(event)
        return [chosen, *await self.look(position, which, ids, chosen, request)]

    def stop_early(self, patience: Any, ids: Any, request: gr.Request) -> str:
        """Where early stopping would have ended each run, one sentence a run."""
        epochs = whole_number(patience, 1, 200, PATIENCE)
        return "".join(
            f"<p>{escape(stopping_sentence(name, run.history, epochs, run.experiment.epochs))}</p>"
            for name, run in zip(NAMES, self._pair(ids, request), strict=False)
        )

    def _pair(self, ids: Any, request: gr.Request) -> list[Run]:
        """Runs A and B with at least one point each; none if one of them is gone."""
        found = self.visit.runs(ids, request)
        return found if len(found) == 2 and all(run.history for run in found) else []

    async def _answer(self, pair_of_runs: list[Run], epoch: float, which: Any, drawing: Any) -> Packed:
        def read() -> Packed:
            readers = [self._reader(NAMES[n], pair_of_runs[n], epoch) for n in _shown(which)]
            return read_drawing(drawing, readers, blank=DRAW_FIRST, can_explain=False).bars

        async with self.visit.reading:
            return await asyncio.to_thread(read)

    def _reader(self, name: str, run: Run, epoch: float) -> Reader:
        try:
            model = self.visit.store.checkpoint(run, nearest_point(run, epoch))
        except InvalidCheckpoint:  # it has diverged
            return Reader(f"Run {name}", f"at epoch {epoch:.3g}", None)
        return Reader(f"Run {name}", f"at epoch {model.scores['epoch']:.3g}", model)


def _place(position: Any, pair_of_runs: list[Run]) -> int:
    """The slider's value as an index of `scrub_epochs`; what is no number goes to the end."""
    last = len(scrub_epochs(pair_of_runs)) - 1
    return whole_number(position, 0, last, last)


def _epoch(position: Any, pair_of_runs: list[Run]) -> float:
    return scrub_epochs(pair_of_runs)[_place(position, pair_of_runs)]


def _shown(which: Any) -> tuple[int, ...]:
    """The places in the pair of the runs to show; what is no choice shows both."""
    return SHOWN.get(which, SHOWN[BOTH]) if isinstance(which, str) else SHOWN[BOTH]


def _numbers(pair_of_runs: list[Run], epoch: float) -> str:
    sentences = [best_sentence(name, run.history) for name, run in zip(NAMES, pair_of_runs, strict=True)]
    return numbers_html(NAMES, pair_of_runs, epoch) + "".join(map(note_html, sentences))
