"""Why a network answers as it does: which ink raised a digit's score, and the training images most like the drawing.

Knows how evidence is shown. Does not know how it is found: that is `mnist_demo.inference.explain`.
"""

import asyncio
import json
from typing import Annotated, Any
from weakref import WeakKeyDictionary

import gradio as gr
import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from mnist_demo.errors import UnknownRun
from mnist_demo.images.data import CLASSES, load_training_data
from mnist_demo.images.pictures import read_picture
from mnist_demo.images.sketch import Preprocessing
from mnist_demo.inference import explain
from mnist_demo.inference.recognize import recognize
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.learning.cost import image_count
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.canvas import Drawing
from mnist_demo.ui.components.tiles import ColorMap, Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.values import Drawn, Place, Steps
from mnist_demo.ui.visit import QUICK, Lab, Shown, note_html, read

GALLERY_MULTIPLY_ADDS = 4e10  # a second or two of one core: a large network searches fewer images
DRAW_FIRST = "Draw a digit first."
ASK = "Click a bar, or the button, to see which ink spoke for a digit."
NOBODY = "This network is no longer among the networks to ask: choose it again."


class Explainer:
    """Explains answers for all visitors. Keeps for each network the gallery in which neighbours are searched."""

    def __init__(self, lab: Lab, shelf: ModelShelf) -> None:
        self._root, self._shelf = lab.root, shelf
        self._galleries: WeakKeyDictionary[Checkpoint, explain.Gallery] = WeakKeyDictionary()  # gone with the network

    def why(
        self, visitor: Visitor, drawing: Drawing, skip: frozenset[Preprocessing], index: int, asked: int | None
    ) -> tuple[str, Packed]:
        """What the visitor's network at that place saw in a drawing, in words and as tiles.

        It explains the likeliest digit, and the one asked about or else the second likeliest. Raises MnistLabError
        unless these are a drawing and one of this visitor's networks.
        """
        keys = self._shelf.asked_by(visitor)
        if index >= len(keys):
            raise UnknownRun(NOBODY)
        model = self._shelf.find(keys[index], visitor)
        if not drawing.png:
            return note_html(DRAW_FIRST), tiles_value([], seq=drawing.seq)
        prediction = recognize(read_picture(drawing.png)[..., 0], model, skip)
        if prediction.digit is None:
            return note_html(str(prediction.refusal)), tiles_value([], seq=drawing.seq)
        image = prediction.stages[-1].image
        gallery = self._gallery_of(model)
        digits = _digits(prediction.probabilities, asked)
        found = [each for digit in digits for each in _tiles(image, digit, model, gallery)]
        name, _ = self._shelf.describe(keys[index], visitor)
        text = "vermillion ink spoke for the digit, blue ink against it; beside it the training images most like it."
        return note_html(f"{name}: {text}"), tiles_value(found, seq=drawing.seq)

    def _gallery_of(self, model: Checkpoint) -> explain.Gallery:
        if model not in self._galleries:
            images = image_count(model.experiment, GALLERY_MULTIPLY_ADDS, CLASSES * explain.GALLERY_PER_DIGIT)
            train = load_training_data(self._root).train
            self._galleries[model] = explain.build_gallery(model, train, images // CLASSES)
        return self._galleries[model]


def build_why_panel(
    lab: Lab, shelf: ModelShelf, canvas: gr.HTML, models: gr.Dropdown, skip: gr.CheckboxGroup, bars: gr.HTML
) -> None:
    """Builds the panel inside the current Blocks context; a click on a bar asks about that digit."""
    with gr.Accordion("Why this answer?", open=False) as panel:
        button = gr.Button("Explain the two likeliest digits", size="sm", elem_id="explain")
        words = gr.HTML(note_html(ASK), elem_id="why")
        tiles = create_tiles(label="What spoke for each digit, and training images like it", elem_id="evidence")

    explainer = Explainer(lab, shelf)
    gate = asyncio.Semaphore(1)  # thirty clicks at once build one gallery

    async def ask(
        visitor: Visitor, drawing: Drawing, skip: frozenset[Preprocessing], index: int, digit: int | None
    ) -> Shown:
        async with gate:
            text, found = await asyncio.to_thread(explainer.why, visitor, drawing, skip, index, digit)
        return {words: text, tiles: found}

    async def ask_first(visitor: Visitor, drawing: Drawn, skip: Steps) -> Shown:
        return await ask(visitor, drawing, skip, 0, None)

    async def ask_clicked(visitor: Visitor, event: gr.SelectData, drawing: Drawn, skip: Steps) -> Shown:
        index, digit = read(
            tuple[Annotated[Place, Interval(ge=0)], Annotated[Place, Interval(ge=0, lt=CLASSES)]], event.index
        )
        return await ask(visitor, drawing, skip, index, digit)

    progress: dict[str, Any] = {"tell": words, "show_progress": "minimal"}
    lab.on(button.click, ask_first, [canvas, skip], [tiles], **progress)
    bars.select(None, None, panel, js="() => ({__type__: 'update', open: true})", **QUICK)
    lab.on(bars.select, ask_clicked, [canvas, skip], [tiles], **progress)
    nothing = json.dumps([note_html(ASK), tiles_value([])])
    gr.on(  # the explanation is of an earlier drawing
        [canvas.input, canvas.release, models.input], None, None, [words, tiles], js=f"() => {nothing}", **QUICK
    )


def _digits(probabilities: NDArray[np.float32], asked: int | None) -> list[int]:
    """The likeliest digit and the one asked about, or the second likeliest."""
    first, second = (int(digit) for digit in probabilities.argsort()[::-1][:2])
    return [first, second if asked is None or asked == first else asked]


def _tiles(image: NDArray[np.uint8], digit: int, model: Checkpoint, gallery: explain.Gallery) -> list[Tile]:
    heat = explain.evidence(image, digit, model)
    scaled = np.clip(128 + 127 * heat / max(float(np.abs(heat).max()), 1e-9), 0, 255).astype(np.uint8)
    evidence = tile(f"for {digit}", scaled.tobytes(), color_map=ColorMap.DIVERGING, note=f"sum {heat.sum():+.1f}")
    alike = explain.nearest(image, digit, model, gallery)
    return [
        evidence,
        *(tile(f"a {digit}", each.image.tobytes(), note=f"{each.similarity:.0%} alike") for each in alike),
    ]
