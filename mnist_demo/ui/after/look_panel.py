"""What a pair of runs looked like at one point: first-layer weights, calibration, confusion matrices, a cell's images.

Knows the components and what each shows; what a run looked like is `mnist_demo.serving.looks`.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from mnist_demo.errors import MnistLabError
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import load_validation_data
from mnist_demo.serving.looks import Kept, Look, Looks, kept_at, nearest_point, scrub_epochs
from mnist_demo.serving.runs import Run
from mnist_demo.ui.after.calibration import NOTE as CALIBRATION_NOTE
from mnist_demo.ui.after.calibration import calibration_html
from mnist_demo.ui.after.looking_back import heading_html, is_cell
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.confusion import confusion_value, create_confusion, matrix
from mnist_demo.ui.components.tiles import ColorMap, Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.drawing.digits import draw_validation_image
from mnist_demo.ui.run_view import NAMES
from mnist_demo.ui.visit import Visit, note_html

CONCURRENT_LOOKS = 2
TILE_SIZE = 56  # pixels
COLOURS_NOTE = (
    "Each picture is one first-layer unit: orange where ink excites it, blue where ink quiets it, white where it does "
    "not care. The same units and colours at every epoch."
)
CHOOSE = "Choose a cell to see its images."
ON_CANVAS = "Choose an image to put it on the Draw tab's canvas."


_TITLES = [f"Run {name}" for name in NAMES]  # of the matrices


def chosen_cell(event: gr.SelectData) -> list[int] | None:
    """[run, row, column] of the cell that was clicked; only one run's matrix may be on the page."""
    if not is_cell(event.index) or event.value not in _TITLES:
        return None
    return [_TITLES.index(event.value), *event.index[1:]]


class LookPanel:
    """Both runs' weights and answers, built inside the current Blocks context."""

    def __init__(self, visit: Visit) -> None:
        self.root = visit.root
        self.looks = Looks(visit.root)
        self.gate = asyncio.Semaphore(CONCURRENT_LOOKS)
        self.cell = gr.State(None)  # [run, row, column] that was clicked
        self.cell_images = gr.State(())  # places, among the validation images, of those shown
        with gr.Row():
            self.sides = [_Side(name) for name in NAMES]
        gr.HTML(note_html(COLOURS_NOTE) + note_html(CALIBRATION_NOTE))
        self.confusion = create_confusion()
        self.cell_words = gr.HTML("", elem_id="cell-words")
        self.cell_tiles = create_tiles(label="Images of the chosen cell", elem_id="cell-tiles")

    @property
    def outputs(self) -> list[Any]:
        """The components that `show` fills."""
        sides = [
            component for side in self.sides for component in (side.column, side.heading, side.tiles, side.calibration)
        ]
        return [*sides, self.confusion, self.cell_words, self.cell_tiles, self.cell_images]

    async def show(self, pair_of_runs: list[Run], place: int, wanted: tuple[int, ...], cell: Any) -> list[Any]:
        """The runs at a place of `scrub_epochs`; `wanted` are those of the pair that are looked at."""
        epoch = scrub_epochs(pair_of_runs)[place]
        points = [nearest_point(run, epoch) for run in pair_of_runs]
        kept = [
            kept_at(run, index) if n in wanted else None
            for n, (run, index) in enumerate(zip(pair_of_runs, points, strict=True))
        ]
        looks = await asyncio.gather(*map(self._look, kept))
        shown: list[Any] = []
        for n, (run, index, look) in enumerate(zip(pair_of_runs, points, looks, strict=True)):
            words = look if isinstance(look, str) else ""
            tiles = weight_tiles(look, run.experiment) if isinstance(look, Look) else []
            heading = heading_html(NAMES[n], run, index) + note_html(words)
            calibration = calibration_html(look.calibration) if isinstance(look, Look) else ""
            shown += [
                gr.Column(visible=n in wanted),
                heading,
                tiles_value(tiles, size=TILE_SIZE, seq=place),
                calibration,
            ]
        found = [(n, look) for n, look in enumerate(looks) if isinstance(look, Look)]
        return [*shown, *self._confusion(found, cell, place)]

    def draw(self, images: Any, drawing: Any, event: gr.SelectData) -> Any:
        """The chosen one of the cell's images, for the canvas."""
        return draw_validation_image(self.root, images, event, drawing)

    async def _look(self, kept: Kept | None) -> Look | str:
        try:
            async with self.gate:
                return await asyncio.to_thread(self.looks.at, kept) if kept else ""
        except MnistLabError as error:
            return str(error)

    def _confusion(
        self, found: list[tuple[int, Look]], cell: Any, place: int
    ) -> tuple[Packed, str, Packed, tuple[int, ...]]:
        """The matrices, and the images of the chosen cell."""
        matrices = []
        for n, look in found:
            label = f"{look.right:,} of {look.images:,} validation images right. Rows: the digit, columns: the answer."
            matrices.append(matrix(_TITLES[n], label, look.counts))
        looks = dict(found)
        if not is_cell(cell) or cell[0] not in looks:
            return (
                confusion_value(matrices, seq=place),
                note_html(CHOOSE if found else ""),
                tiles_value([], seq=place),
                (),
            )
        n, row, column = cell
        look, place_in_row = looks[n], list(looks).index(n)
        count = look.counts[row][column]
        images = self.looks.cell(look, row, column)
        tiles = cell_tiles(look, images, self.root)
        more = f", the {len(tiles)} it is surest of" if count > len(tiles) else ""
        words = f"{_TITLES[n]}: {count} × {row} read as {column}{more}. {ON_CANVAS if tiles else ''}"
        return (
            confusion_value(matrices, selected=[place_in_row, row, column], seq=place),
            note_html(words),
            tiles_value(tiles, size=TILE_SIZE, are_choices=True, seq=place),
            images,
        )


def weight_tiles(look: Look, experiment: Experiment) -> list[Tile]:
    """The first layer as pictures."""
    word = "unit" if experiment.hidden_sizes else "digit"
    if look.weights.shape[1] < 28:
        word = "kernel"
    pixels = (128 + np.round(127 * look.weights)).astype(np.uint8)
    return [
        tile(f"{word} {unit}", picture.tobytes(), picture.shape[1], picture.shape[0], color_map=ColorMap.DIVERGING)
        for unit, picture in zip(look.units, pixels, strict=True)
    ]


def cell_tiles(look: Look, places: Sequence[int], root: Path) -> list[Tile]:
    """Those validation images, and how sure the network was."""
    images = load_validation_data(root).images
    return [tile("", images[at].numpy().tobytes(), note=f"{look.confidences[at]:.0%} sure") for at in places]


class _Side:
    """One run's half of the panel."""

    def __init__(self, name: str) -> None:
        with gr.Column(min_width=280) as self.column:
            self.heading = gr.HTML("", elem_id=f"look-{name.lower()}")
            self.tiles = create_tiles(label=f"First layer of run {name}", elem_id=f"weights-{name.lower()}")
            self.calibration = gr.HTML("", elem_id=f"calibration-{name.lower()}")
