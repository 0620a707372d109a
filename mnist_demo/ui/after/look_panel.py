"""What a pair of runs looked like at one point: first-layer weights, calibration, confusion matrices, a cell's images.

Knows the components and what each shows. Does not know what a run looked like: that is `mnist_demo.serving.looks`.
"""

import asyncio
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import gradio as gr
import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from mnist_demo.errors import MnistLabError
from mnist_demo.experiment.config import VALIDATION_IMAGES, Experiment
from mnist_demo.images.data import CLASSES, load_validation_data
from mnist_demo.serving.looks import Kept, Look, Looks, kept_at, nearest_point, scrub_epochs
from mnist_demo.serving.runs import Run
from mnist_demo.serving.visitors import Cell, Visitor
from mnist_demo.ui.components.calibration import NOTE as CALIBRATION_NOTE
from mnist_demo.ui.components.calibration import calibration_html
from mnist_demo.ui.components.confusion import confusion_value, create_confusion, matrix
from mnist_demo.ui.components.tiles import ColorMap, Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.drawing.digits import draw_validation_image
from mnist_demo.ui.run_view import NAMES
from mnist_demo.ui.values import Drawn, Place
from mnist_demo.ui.visit import Lab, Shown, note_html, read

CONCURRENT_LOOKS = 2
TILE_SIZE = 56  # pixels
COLOURS_NOTE = (
    "Each picture is one first-layer unit: orange where ink raises its value, blue where ink lowers it, white where "
    "ink makes no difference. The same units and colours at every epoch."
)
EMPTY = "Train a pair first: what its two networks look like at any epoch is shown here."
CHOOSE = "Choose a cell to see its images."
ON_CANVAS = "Choose an image to put it on the Draw tab's canvas."
CELL_IMAGES = "cell"  # the list in a visitor's record

_Title = Literal["Run A", "Run B"]
_TITLES = get_args(_Title)  # of the matrices
_Digit = Annotated[Place, Interval(ge=0, lt=CLASSES)]


def chosen_cell(event: gr.SelectData) -> Cell:
    """The cell that was clicked; a diverged run has no matrix. Raises InvalidValue unless it is a cell."""
    _, row, column = read(tuple[Place, _Digit, _Digit], event.index)
    return _TITLES.index(read(_Title, event.value)), row, column


class LookPanel:
    """Both runs' weights, mistakes and sureness: a tab each, inside the current Tabs context."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.root = lab, lab.root
        self.looks = Looks(lab.root)
        self.gate = asyncio.Semaphore(CONCURRENT_LOOKS)
        with gr.Tab("Look", id="look"):
            self.sides = [_Side(name) for name in NAMES]
            gr.HTML(note_html(COLOURS_NOTE))
        with gr.Tab("Mistakes", id="mistakes-made"):
            self.confusion = create_confusion()
            self.cell_words = gr.HTML(note_html(EMPTY), elem_id="cell-words")
            self.cell_tiles = create_tiles(label="Images of the chosen cell", elem_id="cell-tiles")
        with gr.Tab("Sure?", id="sure"):
            self.calibrations = [gr.HTML("", elem_id=f"calibration-{name.lower()}") for name in NAMES]
            gr.HTML(note_html(CALIBRATION_NOTE))

    @property
    def outputs(self) -> list[Any]:
        """The components that `show` fills."""
        sides = [part for side in self.sides for part in (side.heading, side.tiles)]
        return [*sides, *self.calibrations, self.confusion, self.cell_words, self.cell_tiles]

    async def show(self, visitor: Visitor, epoch: float) -> Shown:
        """The runs of the pair on the page at an epoch."""
        pair_of_runs = visitor.measured_pair
        place = scrub_epochs(pair_of_runs).index(epoch)
        points = [nearest_point(run, epoch) for run in pair_of_runs]
        kept = [kept_at(run, index) for run, index in zip(pair_of_runs, points, strict=True)]
        looks = await asyncio.gather(*map(self._look, kept))
        shown: Shown = {}
        for n, (run, index, look) in enumerate(zip(pair_of_runs, points, looks, strict=True)):
            side, is_seen = self.sides[n], isinstance(look, Look)
            words = "" if is_seen else str(look or "")
            shown[side.heading] = heading_html(NAMES[n], run, index) + note_html(words)
            tiles = weight_tiles(look.units, look.weights, run.experiment) if isinstance(look, Look) else []
            shown[side.tiles] = tiles_value(tiles, size=TILE_SIZE, seq=place)
            diagram = calibration_html(look.calibration) if isinstance(look, Look) else ""
            shown[self.calibrations[n]] = f'<h3 class="mnist-look">Run {NAMES[n]}</h3>{diagram}'
        found = {n: look for n, look in enumerate(looks) if isinstance(look, Look)}
        return {**shown, **self._confusion(visitor, found, place)}

    def connect(self, canvas: gr.HTML) -> Any:
        """Makes a click on an image put it on the canvas; returns that event."""
        self.canvas = canvas
        return self.lab.on(self.cell_tiles.select, self.draw, [canvas], [canvas])

    def draw(self, visitor: Visitor, event: gr.SelectData, drawing: Drawn) -> Shown:
        """The chosen one of the cell's images, for the canvas."""
        return {self.canvas: draw_validation_image(self.root, visitor.choices.get(CELL_IMAGES, ()), event, drawing)}

    async def _look(self, kept: Kept | None) -> Look | str:
        try:
            async with self.gate:
                return await asyncio.to_thread(self.looks.at, kept) if kept else ""
        except MnistLabError as error:
            return str(error)

    def _confusion(self, visitor: Visitor, found: dict[int, Look], seq: int) -> Shown:
        """The matrices, and the images of the chosen cell."""
        matrices = []
        for n, look in found.items():
            which = f"{'the first ' if look.images < VALIDATION_IMAGES else ''}{look.images:,} validation images"
            label = f"{look.right:,} of {which} right. Rows: the digit, columns: the answer."
            matrices.append(matrix(_TITLES[n], label, look.counts))
        if visitor.cell is None or visitor.cell[0] not in found:
            return {
                self.confusion: confusion_value(matrices, seq=seq),
                self.cell_words: note_html(CHOOSE if found else ""),
                self.cell_tiles: tiles_value([], seq=seq),
            }
        n, row, column = visitor.cell
        count, images = found[n].counts[row][column], self.looks.cell(found[n], row, column)
        visitor.choices[CELL_IMAGES] = images
        more = f", the {len(images)} it is surest of" if count > len(images) else ""
        words = f"{_TITLES[n]}: {count} × {row} read as {column}{more}. {ON_CANVAS if images else ''}"
        tiles = cell_tiles(found[n], images, self.root)
        return {
            self.confusion: confusion_value(matrices, selected=[list(found).index(n), row, column], seq=seq),
            self.cell_words: note_html(words),
            self.cell_tiles: tiles_value(tiles, size=TILE_SIZE, are_choices=True, seq=seq),
        }


def heading_html(name: str, run: Run, index: int) -> str:
    """Which run's weights are shown, and from which epoch: of a long run only some epochs' weights are kept."""
    kept = kept_at(run, index)
    if kept is None:
        return f'<h3 class="mnist-look">Run {name}: no weights yet</h3>'
    epoch = run.history[kept.index].epoch
    note = "" if kept.index == index else f" (nearest kept to epoch {run.history[index].epoch:.3g})"
    return f'<h3 class="mnist-look">Run {name}, first layer at epoch {epoch:.3g}{escape(note)}</h3>'


def weight_tiles(units: Iterable[int], weights: NDArray[np.float32], experiment: Experiment) -> list[Tile]:
    """The first layer as pictures; `weights` in [-1, 1]."""
    word = "unit" if experiment.hidden_sizes else "digit"
    if weights.shape[1] < 28:
        word = "kernel"
    pixels = (128 + np.round(127 * weights)).astype(np.uint8)
    return [
        tile(f"{word} {unit}", each.tobytes(), *each.shape[::-1], color_map=ColorMap.DIVERGING, word=word)
        for unit, each in zip(units, pixels, strict=True)
    ]


def cell_tiles(look: Look, places: Sequence[int], root: Path) -> list[Tile]:
    """Those validation images, and how sure the network was."""
    images = load_validation_data(root).images
    return [tile("", images[at].numpy().tobytes(), note=f"{look.confidences[at]:.0%} sure") for at in places]


class _Side:
    """One run's first layer."""

    def __init__(self, name: str) -> None:
        self.heading = gr.HTML(note_html(EMPTY) if name == NAMES[0] else "", elem_id=f"look-{name.lower()}")
        self.tiles = create_tiles(label=f"First layer of run {name}", elem_id=f"weights-{name.lower()}")
