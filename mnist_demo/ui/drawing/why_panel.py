"""Why a network answers as it does: which ink spoke for a digit, and the training images most like the drawing.

Knows how evidence is shown; what it is is `mnist_demo.inference.explain`.
"""

import asyncio
import json
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from mnist_demo.errors import MnistLabError
from mnist_demo.images.data import CLASSES, load_training_data
from mnist_demo.images.sketch import read_picture
from mnist_demo.inference import explain
from mnist_demo.inference.recognize import recognize
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.learning.cost import image_count
from mnist_demo.serving.shelf import ModelShelf, checked_keys
from mnist_demo.ui.answers import checked_steps
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.canvas import read_ink
from mnist_demo.ui.components.tiles import ColorMap, Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.visit import QUICK, Visit, error_html, note_html, owner_of

GALLERY_MULTIPLY_ADDS = 4e10  # a second or two of one core: with a large network fewer images are looked through
DRAW_FIRST = "Draw a digit first."
ASK = "Click a bar, or the button, to see which ink spoke for a digit."


class Explainer:
    """Explains answers for all visitors; remembers for each network what its neighbours are sought in."""

    def __init__(self, visit: Visit, shelf: ModelShelf) -> None:
        self._root, self._shelf = visit.root, shelf
        self._galleries: WeakKeyDictionary[Checkpoint, explain.Gallery] = WeakKeyDictionary()  # gone with the network

    def why(self, drawing: Any, keys: Any, skip: Any, index: int, asked: int | None, owner: str) -> tuple[str, Packed]:
        """What the network at that place of `keys` saw in a drawing, in words and as tiles.

        Of the likeliest digit and of the one asked about, else the second likeliest. Raises MnistLabError for
        what is no drawing, no network of this visitor or no step to leave out.
        """
        picture, seq = read_ink(drawing)
        key = checked_keys(keys)[index]
        model = self._shelf.find(key, owner)
        if not picture:
            return note_html(DRAW_FIRST), tiles_value([], seq=seq)
        prediction = recognize(read_picture(picture)[..., 0], model, checked_steps(skip))
        if prediction.digit is None:
            return note_html(str(prediction.refusal)), tiles_value([], seq=seq)
        image = prediction.stages[-1].image
        gallery = self._gallery_of(model)
        digits = _digits(prediction.probabilities, asked)
        found = [each for digit in digits for each in _tiles(image, digit, model, gallery)]
        name, _ = self._shelf.describe(key, owner)
        text = "vermillion ink spoke for the digit, blue ink against it; beside it the training images most like it."
        return note_html(f"{name}: {text}"), tiles_value(found, seq=seq)

    def _gallery_of(self, model: Checkpoint) -> explain.Gallery:
        if model not in self._galleries:
            images = image_count(model.experiment, GALLERY_MULTIPLY_ADDS, CLASSES * explain.GALLERY_PER_DIGIT)
            train = load_training_data(self._root).train
            self._galleries[model] = explain.build_gallery(model, train, images // CLASSES)
        return self._galleries[model]


def build_why_panel(visit: Visit, shelf: ModelShelf, asked: list[Any], bars: Any) -> None:
    """Builds the panel inside the current Blocks context; a click on a bar asks about that digit.

    `asked` are the canvas, the models and the steps to leave out.
    """
    canvas, models, _ = asked
    with gr.Accordion("Why this answer?", open=False) as panel:
        button = gr.Button("Explain the two likeliest digits", size="sm", elem_id="explain")
        words = gr.HTML(note_html(ASK), elem_id="why")
        tiles = create_tiles(label="What spoke for each digit, and training images like it", elem_id="evidence")

    explainer = Explainer(visit, shelf)
    gate = asyncio.Semaphore(1)  # a class that clicks at once has one gallery built, not thirty

    async def ask(
        drawing: Any, keys: Any, skip: Any, index: int, digit: int | None, request: gr.Request
    ) -> tuple[str, Packed]:
        try:
            async with gate:
                return await asyncio.to_thread(explainer.why, drawing, keys, skip, index, digit, owner_of(request))
        except MnistLabError as error:
            return error_html(error), tiles_value([])

    async def ask_first(drawing: Any, keys: Any, skip: Any, request: gr.Request) -> tuple[str, Packed]:
        return await ask(drawing, keys, skip, 0, None, request)

    async def ask_clicked(
        event: gr.SelectData, drawing: Any, keys: Any, skip: Any, request: gr.Request
    ) -> tuple[str, Packed]:
        clicked = event.index if isinstance(event.index, list | tuple) and len(event.index) == 2 else (0, None)
        index = clicked[0] if isinstance(keys, list) and clicked[0] in range(len(keys)) else 0
        return await ask(drawing, keys, skip, index, clicked[1] if clicked[1] in range(CLASSES) else None, request)

    slow = QUICK | {"show_progress": "minimal", "show_progress_on": words}
    button.click(ask_first, asked, [words, tiles], **slow)
    bars.select(None, None, panel, js="() => ({__type__: 'update', open: true})", **QUICK)
    bars.select(ask_clicked, asked, [words, tiles], **slow)
    nothing = json.dumps([note_html(ASK), tiles_value([])])
    gr.on(  # what is explained is no longer what is drawn
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
