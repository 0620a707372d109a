"""Why a network answers as it does: which ink spoke for a digit, and the training images most like the drawing.

Knows how evidence is shown; what it is is `mnist_demo.explain`.
"""

import asyncio
import functools
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from mnist_demo import explain
from mnist_demo.checkpoints import Checkpoint
from mnist_demo.data import load_training_data
from mnist_demo.errors import MnistLabError
from mnist_demo.inference import recognize
from mnist_demo.sketch import read_picture
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.canvas import read_ink
from mnist_demo.ui.components.tiles import ColorMap, Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.models import ModelShelf, checked_keys
from mnist_demo.ui.visit import QUICK, Visit, error_html, note_html, owner_of

GALLERIES_IN_MEMORY = 6
ASK = "Click a bar, or the button, to see which ink spoke for a digit."


def build_why_panel(visit: Visit, shelf: ModelShelf, canvas: Any, models: Any, bars: Any) -> None:
    """Builds the panel inside the current Blocks context; a click on a bar asks about that digit."""
    with gr.Accordion("Why this answer?", open=False):
        button = gr.Button("Explain the two likeliest digits", size="sm", elem_id="explain")
        words = gr.HTML(note_html(ASK), elem_id="why")
        tiles = create_tiles(label="What spoke for each digit, and training images like it", elem_id="evidence")

    # A gallery takes a second to build: one for each network that was asked lately.
    @functools.lru_cache(maxsize=GALLERIES_IN_MEMORY)
    def gallery_of(model: Checkpoint) -> explain.Gallery:
        return explain.build_gallery(model, load_training_data(visit.root).train)

    def explained(drawing: Any, keys: Any, index: int, asked: int | None, owner: str) -> tuple[str, Packed]:
        picture, seq = read_ink(drawing)
        key = checked_keys(keys)[index]
        model = shelf.find(key, owner)
        prediction = recognize(read_picture(picture)[..., 0], model) if picture else None
        if prediction is None or prediction.digit is None:
            return note_html("Draw a digit first."), tiles_value([], seq=seq)
        digits = _digits(prediction.probabilities, asked)
        image = prediction.stages[-1].image
        found = [each for digit in digits for each in _tiles(image, digit, model, gallery_of(model))]
        name, _ = shelf.describe(key, owner)
        text = "vermillion ink spoke for the digit, blue ink against it; beside it the training images most like it."
        return note_html(f"{name}: {text}"), tiles_value(found, seq=seq)

    async def ask(drawing: Any, keys: Any, index: int, asked: int | None, request: gr.Request) -> tuple[str, Packed]:
        try:
            return await asyncio.to_thread(explained, drawing, keys, index, asked, owner_of(request))
        except MnistLabError as error:
            return error_html(error), tiles_value([])

    async def ask_first(drawing: Any, keys: Any, request: gr.Request) -> tuple[str, Packed]:
        return await ask(drawing, keys, 0, None, request)

    async def ask_clicked(event: gr.SelectData, drawing: Any, keys: Any, request: gr.Request) -> tuple[str, Packed]:
        clicked = event.index if isinstance(event.index, list | tuple) and len(event.index) == 2 else (0, None)
        index = clicked[0] if isinstance(keys, list) and clicked[0] in range(len(keys)) else 0
        return await ask(drawing, keys, index, clicked[1] if clicked[1] in range(10) else None, request)

    button.click(ask_first, [canvas, models], [words, tiles], **QUICK)
    bars.select(ask_clicked, [canvas, models], [words, tiles], **QUICK)


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
