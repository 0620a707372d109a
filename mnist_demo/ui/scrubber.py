"""Look back: a slider through the points of a finished pair; curves, weights, answers and Draw tab follow.

Also early stopping without retraining, by moving patience. Knows the controls and what each shows; what a
run looked like is `looking_back`.
"""

import asyncio
from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.errors import MnistLabError
from mnist_demo.runs import Run
from mnist_demo.ui.components.confusion import ConfusionValue, confusion_value, create_confusion, matrix
from mnist_demo.ui.components.tiles import TilesValue, create_tiles, tiles_value
from mnist_demo.ui.looking_back import (
    Kept,
    Look,
    Looks,
    best_sentence,
    heading_html,
    is_cell,
    is_number,
    kept_at,
    nearest_point,
    numbers_html,
    scrub_epochs,
    stopping_sentence,
    whole_number,
)
from mnist_demo.ui.run_view import NAMES, pair_curves
from mnist_demo.ui.visit import QUICK, Visit, note_html

EMPTY = "Train a pair first. When it has ended or is stopped, a slider here goes back through its epochs."
BOTH = "both"
EPOCHS, POINTS = "Look back to epoch", "Look back to evaluated point (several an epoch)"
SHOWN = {"A": (0,), "B": (1,), BOTH: (0, 1)}
CONCURRENT_LOOKS = 2
PATIENCE = 5
TILE_SIZE, CELL_TILE_SIZE = 56, 56  # pixels
COLOURS_NOTE = (
    "Each picture is one first-layer unit: orange where ink excites it, blue where ink quiets it, white where it does "
    "not care. The same units and colours at every epoch."
)


class Scrubber:
    """The slider, and below it what follows it. Both are built inside the current Blocks context."""

    def __init__(self, visit: Visit) -> None:
        """Builds the slider, which stays in sight while the page is scrolled down to what follows it."""
        self.visit = visit
        self.looks = Looks(visit.root)
        self.gate = asyncio.Semaphore(CONCURRENT_LOOKS)
        self.cell = gr.State(None)  # [matrix, row, column] that was clicked
        with gr.Column(visible=False, elem_classes="mnist-scrub") as self.bar:
            self.position = gr.Slider(0, 1, step=1, value=0, label=EPOCHS, elem_id="scrub", buttons=[])

    def build_panel(self, charts: Any, current: gr.State, finished: gr.State, overlay: gr.State) -> None:
        """Builds what follows the slider and connects it all."""
        self.empty = gr.HTML(note_html(EMPTY))
        with gr.Column(visible=False) as self.panel:
            with gr.Row(elem_classes="mnist-buttons"):
                jumps = [
                    gr.Button(text, size="sm", min_width=70, elem_id=f"jump-{index}")
                    for index, text in enumerate(("Best of A", "Best of B", "First", "Last"))
                ]
            self.numbers = gr.HTML("", elem_id="scrub-numbers")
            self.which = gr.Radio(list(SHOWN), value=BOTH, show_label=False, container=False, elem_id="scrub-run")
            with gr.Row():
                self.sides = [_Side(name) for name in NAMES]
            gr.HTML(note_html(COLOURS_NOTE))
            self.confusion = create_confusion()
            self.cell_words = gr.HTML("", elem_id="cell-words")
            self.cell_tiles = create_tiles(label="Images of the chosen cell", elem_id="cell-tiles")
            with gr.Accordion("Early stopping without retraining", open=True):
                self.patience = gr.Slider(
                    1, 20, step=1, value=PATIENCE, label="Patience (epochs)", elem_id="patience", buttons=[]
                )
                self.stopping = gr.HTML("", elem_id="stopping")
        self._connect(charts, current, finished, overlay, jumps)

    @property
    def view(self) -> list[Any]:
        """The components that follow the slider."""
        sides = [component for side in self.sides for component in (side.column, side.heading, side.tiles)]
        return [self.numbers, *sides, self.confusion, self.cell_words, self.cell_tiles]

    def _connect(
        self, charts: Any, current: gr.State, finished: gr.State, overlay: gr.State, jumps: Sequence[gr.Button]
    ) -> None:
        follows = [charts, *self.view]
        asked = [self.position, self.which, current, overlay, self.cell]
        opening = [self.empty, self.bar, self.panel, self.position, self.cell, self.stopping, *self.view]
        finished.change(self.open, [self.which, self.patience, current], opening, **QUICK)
        self.position.input(self.scrub, asked, follows, trigger_mode="always_last", **QUICK)
        self.which.input(self.look, asked, self.view, trigger_mode="always_last", **QUICK)
        charts.select(self.click_curve, asked[1:], [self.position, *follows], **QUICK)
        self.confusion.select(self.click_cell, asked, [self.cell, *self.view], **QUICK)
        self.patience.input(self.stop_early, [self.patience, current], self.stopping, **QUICK)
        for index, button in enumerate(jumps):

            async def jump(*values: Any, request: gr.Request, index: int = index) -> list[Any]:
                return await self.jump(index, *values, request=request)

            button.click(jump, asked[1:], [self.position, *follows], **QUICK)

    async def open(self, which: Any, patience: Any, ids: Any, request: gr.Request) -> list[Any]:
        """When a training has ended: the slider reaches its last point and stands there."""
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs:
            hidden = [gr.HTML(visible=True), gr.Column(visible=False), gr.Column(visible=False)]
            return [*hidden, *[gr.skip()] * (len(self.view) + 3)]
        epochs = scrub_epochs(pair_of_runs)
        last = len(epochs) - 1
        for run in pair_of_runs:
            run.cursor = None
        view = await self._view(pair_of_runs, last, which, None)
        label = EPOCHS if epochs[-1] == last else POINTS
        slider = gr.Slider(0, max(last, 1), value=last, step=1, label=label)
        sentences = self.stop_early(patience, ids, request)
        shown = [gr.HTML(visible=False), gr.Column(visible=True), gr.Column(visible=True)]
        return [*shown, slider, None, sentences, *view]

    async def scrub(
        self, position: Any, which: Any, ids: Any, overlay: Any, cell: Any, request: gr.Request
    ) -> list[Any]:
        """The slider has been moved: curves' cursor, Draw tab's networks and everything below follow."""
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs:
            return [gr.skip()] * (len(self.view) + 1)
        place = _place(position, pair_of_runs)
        epoch = scrub_epochs(pair_of_runs)[place]
        for run in pair_of_runs:
            run.cursor = nearest_point(run, epoch)
        others = [run for run in self.visit.runs(overlay, request) if run not in pair_of_runs]
        view = await self._view(pair_of_runs, place, which, cell)
        return [pair_curves(pair_of_runs, others, cursor=epoch), *view]

    async def look(
        self, position: Any, which: Any, ids: Any, overlay: Any, cell: Any, request: gr.Request
    ) -> list[Any]:
        """Another run is to be shown at the same point."""
        del overlay
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs:
            return [gr.skip()] * len(self.view)
        return await self._view(pair_of_runs, _place(position, pair_of_runs), which, cell)

    async def click_curve(
        self, which: Any, ids: Any, overlay: Any, cell: Any, event: gr.SelectData, request: gr.Request
    ) -> list[Any]:
        """A point of the curves was chosen: the slider goes there."""
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs or not is_number(event.value):
            return [gr.skip()] * (len(self.view) + 2)
        epochs = scrub_epochs(pair_of_runs)
        place = min(range(len(epochs)), key=lambda index: abs(epochs[index] - event.value))
        return [place, *await self.scrub(place, which, ids, overlay, cell, request)]

    async def jump(
        self, index: int, which: Any, ids: Any, overlay: Any, cell: Any, *, request: gr.Request
    ) -> list[Any]:
        """To the best point of A or B, the first or the last one."""
        pair_of_runs = self._pair(ids, request)
        if not pair_of_runs:
            return [gr.skip()] * (len(self.view) + 2)
        epochs = scrub_epochs(pair_of_runs)
        place = 0 if index == 2 else len(epochs) - 1
        if index < 2:
            run = pair_of_runs[index]
            place = epochs.index(run.history[run.best or 0].epoch)
        return [place, *await self.scrub(place, which, ids, overlay, cell, request)]

    async def click_cell(
        self,
        position: Any,
        which: Any,
        ids: Any,
        overlay: Any,
        cell: Any,
        event: gr.SelectData,
        request: gr.Request,
    ) -> list[Any]:
        """A cell of a matrix was chosen: its images are shown, here and at every point scrubbed to."""
        del cell
        chosen = list(event.index) if is_cell(event.index) else None
        return [chosen, *await self.look(position, which, ids, overlay, chosen, request)]

    def stop_early(self, patience: Any, ids: Any, request: gr.Request) -> str:
        """Where early stopping would have ended each run, one sentence a run."""
        epochs = whole_number(patience, 1, 200, PATIENCE)
        return "".join(
            f"<p>{escape(stopping_sentence(name, run.history, epochs))}</p>"
            for name, run in zip(NAMES, self._pair(ids, request), strict=False)
        )

    def _pair(self, ids: Any, request: gr.Request) -> list[Run]:
        """Runs A and B with at least one point each; none if one of them is gone."""
        found = self.visit.runs(ids, request)
        return found if len(found) == 2 and all(run.history for run in found) else []

    async def _view(self, pair_of_runs: list[Run], place: int, which: Any, cell: Any) -> list[Any]:
        epoch = scrub_epochs(pair_of_runs)[place]
        wanted = SHOWN.get(which, SHOWN[BOTH]) if isinstance(which, str) else SHOWN[BOTH]
        points = [nearest_point(run, epoch) for run in pair_of_runs]
        kept = [
            kept_at(run, index) if n in wanted else None
            for n, (run, index) in enumerate(zip(pair_of_runs, points, strict=True))
        ]
        looks = await asyncio.gather(*map(self._look, kept))
        shown: list[Any] = [_numbers(pair_of_runs, epoch)]
        for n, (run, index, look) in enumerate(zip(pair_of_runs, points, looks, strict=True)):
            words = look if isinstance(look, str) else ""
            tiles = look.tiles if isinstance(look, Look) else []
            heading = heading_html(NAMES[n], run, index) + note_html(words)
            shown += [gr.Column(visible=n in wanted), heading, tiles_value(tiles, size=TILE_SIZE, seq=place)]
        found = [(n, look) for n, look in enumerate(looks) if isinstance(look, Look)]
        return [*shown, *self._confusion(found, cell, place)]

    async def _look(self, kept: Kept | None) -> Look | str:
        try:
            async with self.gate:
                return await asyncio.to_thread(self.looks.at, kept) if kept else ""
        except MnistLabError as error:
            return str(error)

    def _confusion(
        self, found: list[tuple[int, Look]], cell: Any, place: int
    ) -> tuple[ConfusionValue, str, TilesValue]:
        """The matrices, and the images of the chosen cell."""
        matrices = []
        for n, look in found:
            right = sum(look.counts[digit][digit] for digit in range(10))
            label = f"{right:,} of {look.images:,} validation images right. Rows: the digit, columns: the answer."
            matrices.append(matrix(f"Run {NAMES[n]}", label, look.counts))
        if not is_cell(cell) or cell[0] >= len(found):
            words = note_html("Choose a cell to see its images." if found else "")
            return confusion_value(matrices, seq=place), words, tiles_value([], seq=place)
        at, row, column = cell
        n, look = found[at]
        count = look.counts[row][column]
        tiles = self.looks.cell(look, row, column)
        more = f", the {len(tiles)} it is surest of" if count > len(tiles) else ""
        words = f"Run {NAMES[n]}: {count} × {row} read as {column}{more}."
        return (
            confusion_value(matrices, selected=cell, seq=place),
            note_html(words),
            tiles_value(tiles, size=CELL_TILE_SIZE, seq=place),
        )


class _Side:
    """One run's half of the panel."""

    def __init__(self, name: str) -> None:
        with gr.Column(min_width=280) as self.column:
            self.heading = gr.HTML("", elem_id=f"look-{name.lower()}")
            self.tiles = create_tiles(label=f"First layer of run {name}", elem_id=f"weights-{name.lower()}")


def _place(position: Any, pair_of_runs: list[Run]) -> int:
    """The slider's value as an index of `scrub_epochs`; what is no number goes to the end."""
    last = len(scrub_epochs(pair_of_runs)) - 1
    return whole_number(position, 0, last, last)


def _numbers(pair_of_runs: list[Run], epoch: float) -> str:
    sentences = [best_sentence(name, run.history) for name, run in zip(NAMES, pair_of_runs, strict=True)]
    return numbers_html(NAMES, pair_of_runs, epoch) + "".join(map(note_html, sentences))
