"""MNIST's own images on the Draw tab: one of each digit, and those that a network gets wrong.

A click puts one of them on the canvas. Knows validation images only; never opens the test images.
"""

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from weakref import WeakKeyDictionary

import gradio as gr
import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray
from PIL import Image

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images.data import CLASSES, load_validation_data
from mnist_demo.inference.mistakes import MOST_MISTAKES, Mistakes, find_mistakes
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.canvas import CanvasPicture, Drawing, canvas_picture
from mnist_demo.ui.components.tiles import Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.values import Drawn, Place
from mnist_demo.ui.visit import Lab, Shown, note_html, read

CANVAS_SIDE = 280  # pixels
TILE_SIZE = 48  # pixels
MISTAKES = "mistakes"  # the list in a visitor's record
NOBODY = "Choose a network to ask first."


def build_digits_panel(lab: Lab, shelf: ModelShelf, canvas: gr.HTML) -> None:
    """Builds the panel inside the current Blocks context."""
    examples = first_validation_digits(lab.root)
    with gr.Accordion("A digit from MNIST", open=False):
        shown = [tile(str(digit), image.tobytes()) for digit, image in enumerate(examples)]
        digits = create_tiles(_choices(shown), label="One of each digit", elem_id="digits")
        button = gr.Button("What does the first network get wrong?", size="sm", elem_id="show-mistakes")
        words = gr.HTML("", elem_id="mistake-words")
        mistakes = create_tiles(label="Digits it gets wrong", elem_id="mistakes")

    found_before: WeakKeyDictionary[Checkpoint, Mistakes] = WeakKeyDictionary()  # an entry goes when its network does
    gate = asyncio.Semaphore(1)  # when thirty students click at once, the answer is computed once

    async def mistakes_of(model: Checkpoint) -> Mistakes:
        async with gate:
            if model not in found_before:
                found_before[model] = await asyncio.to_thread(find_mistakes, model, lab.root)
            return found_before[model]

    async def show(visitor: Visitor) -> Shown:
        keys = shelf.asked_by(visitor)
        if not keys:
            raise InvalidDrawing(NOBODY)
        found = await mistakes_of(shelf.find(keys[0], visitor))
        visitor.choices[MISTAKES] = found.places
        name, _ = shelf.describe(keys[0], visitor)
        surest = f", the {MOST_MISTAKES} it is surest of first" if found.count > MOST_MISTAKES else ""
        text = (
            f"{name}: {found.count} of {found.images:,} validation images wrong{surest}. Choose one to draw it: on the "
            "canvas it is cropped and centred anew, which may change the answer."
        )
        return {words: note_html(text), mistakes: _choices(mistake_tiles(found, lab.root))}

    def draw_example(_visitor: Visitor, event: gr.SelectData, drawing: Drawn) -> Shown:
        digit = read(Annotated[Place, Interval(ge=0, lt=CLASSES)], event.index)
        return {canvas: on_canvas(examples[digit], drawing)}

    def draw_mistake(visitor: Visitor, event: gr.SelectData, drawing: Drawn) -> Shown:
        return {canvas: draw_validation_image(lab.root, visitor.choices.get(MISTAKES, ()), event, drawing)}

    lab.on(digits.select, draw_example, [canvas], [canvas])
    lab.on(button.click, show, [], [mistakes], tell=words, show_progress="minimal")
    lab.on(mistakes.select, draw_mistake, [canvas], [canvas])


def mistake_tiles(found: Mistakes, root: Path) -> list[Tile]:
    """The images of mistakes, with the digit, the answer and how sure the network was."""
    images = load_validation_data(root).images
    return [
        tile(f"{label} as {answer}", images[at].numpy().tobytes(), note=f"{sureness:.0%} sure")
        for at, label, answer, sureness in zip(found.places, found.labels, found.answers, found.sureness, strict=True)
    ]


def _choices(tiles: Sequence[Tile]) -> Packed:
    return tiles_value(tiles, size=TILE_SIZE, are_choices=True)


def first_validation_digits(root: Path) -> list[NDArray[np.uint8]]:
    """The first validation image of each digit 0 to 9, uint8 (28, 28)."""
    val = load_validation_data(root)
    return [val.images[int((val.labels == digit).nonzero()[0])].numpy() for digit in range(CLASSES)]


def draw_validation_image(root: Path, places: Sequence[int], event: gr.SelectData, drawing: Drawing) -> CanvasPicture:
    """The value that draws the clicked validation image. Raises InvalidValue if the click names none of `places`."""
    chosen = read(Annotated[Place, Interval(ge=0, lt=len(places))], event.index)
    return on_canvas(load_validation_data(root).images[places[chosen]].numpy(), drawing)


def on_canvas(image: NDArray[np.uint8], drawing: Drawing) -> CanvasPicture:
    """The value that draws a 28x28 image over the canvas."""
    return canvas_picture(to_png(image), drawing.seq + 1)


def to_png(image: NDArray[np.uint8]) -> bytes:
    """A 28x28 image as a PNG of the canvas's size, smoothly enlarged."""
    buffer = io.BytesIO()
    enlarged = Image.fromarray(image).resize((CANVAS_SIDE, CANVAS_SIDE), Image.Resampling.BICUBIC)
    enlarged.save(buffer, "PNG")
    return buffer.getvalue()
