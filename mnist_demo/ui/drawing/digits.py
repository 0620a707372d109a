"""MNIST's own images on the Draw tab: one of each digit, and those that a network gets wrong.

A click puts one of them on the canvas. Knows validation images only; the test images stay behind glass.
"""

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.images.data import CLASSES, load_validation_data
from mnist_demo.inference.evaluation import evaluate
from mnist_demo.inference.recognize import Refusal, calibrated
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.learning.cost import image_count
from mnist_demo.serving.shelf import ModelShelf, checked_keys
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.canvas import CanvasPicture, canvas_picture, read_ink
from mnist_demo.ui.components.tiles import Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.visit import QUICK, Visit, note_html, owner_of

CANVAS_SIDE = 280  # pixels
TILE_SIZE = 48  # pixels
MOST_MISTAKES = 20
MULTIPLY_ADDS = 1e11  # a few seconds of one core (2026-11-23): a larger network is asked fewer images


class Mistakes:
    """What a network gets wrong of the validation images, the surest mistakes first."""

    def __init__(self, model: Checkpoint, root: Path) -> None:
        val = load_validation_data(root)
        val = val.first(image_count(model.experiment, MULTIPLY_ADDS, len(val)))
        evaluation = evaluate(model, val)
        if not np.isfinite(evaluation.probabilities).all():
            raise InvalidCheckpoint(Refusal.NO_NUMBER)
        sureness = calibrated(evaluation.probabilities, model).max(axis=1)
        wrong = np.flatnonzero(evaluation.predictions != evaluation.labels)
        surest = wrong[np.argsort(-sureness[wrong], kind="stable")][:MOST_MISTAKES]
        self.count, self.images = len(wrong), len(val)
        self.places: tuple[int, ...] = tuple(surest.tolist())
        self.tiles: list[Tile] = [
            tile(
                f"{evaluation.labels[at]} as {evaluation.predictions[at]}",
                val.images[at].numpy().tobytes(),
                note=f"{sureness[at]:.0%} sure",
            )
            for at in self.places
        ]


def build_digits_panel(visit: Visit, shelf: ModelShelf, canvas: Any, models: Any) -> None:
    """Builds the panel inside the current Blocks context."""
    examples = first_validation_digits(visit.root)
    with gr.Accordion("A digit from MNIST", open=False):
        shown = [tile(str(digit), image.tobytes()) for digit, image in enumerate(examples)]
        digits = create_tiles(_choices(shown), label="One of each digit", elem_id="digits")
        button = gr.Button("What does the first network get wrong?", size="sm", elem_id="show-mistakes")
        words = gr.HTML("", elem_id="mistake-words")
        mistakes = create_tiles(label="Digits it gets wrong", elem_id="mistakes")
        places = gr.State(())

    found_before: WeakKeyDictionary[Checkpoint, Mistakes] = WeakKeyDictionary()  # gone with the network
    gate = asyncio.Semaphore(1)  # a class that clicks at once has one answer computed, not thirty

    async def mistakes_of(model: Checkpoint) -> Mistakes:
        async with gate:
            if model not in found_before:
                found_before[model] = await asyncio.to_thread(Mistakes, model, visit.root)
            return found_before[model]

    async def show(keys: Any, request: gr.Request) -> tuple[str, Packed, tuple[int, ...]]:
        owner, key = owner_of(request), checked_keys(keys)[0]
        found = await mistakes_of(shelf.find(key, owner))
        name, _ = shelf.describe(key, owner)
        surest = f", the {MOST_MISTAKES} it is surest of first" if found.count > MOST_MISTAKES else ""
        text = (
            f"{name}: {found.count} of {found.images:,} validation images wrong{surest}. Choose one to draw it: on the "
        )
        text += "canvas it is cropped and centred anew, which may change the answer."
        return note_html(text), _choices(found.tiles), found.places

    def draw_example(drawing: Any, event: gr.SelectData) -> CanvasPicture:
        index = event.index if isinstance(event.index, int) else 0
        return on_canvas(examples[index % CLASSES], drawing)

    def draw_mistake(drawing: Any, found: Any, event: gr.SelectData) -> Any:
        return draw_validation_image(visit.root, found, event, drawing)

    digits.select(draw_example, canvas, canvas, **QUICK)
    button.click(show, models, [words, mistakes, places], **QUICK | {"show_progress": "minimal"})
    mistakes.select(draw_mistake, [canvas, places], canvas, **QUICK)


def _choices(tiles: Sequence[Tile]) -> Packed:
    return tiles_value(tiles, size=TILE_SIZE, are_choices=True)


def first_validation_digits(root: Path) -> list[NDArray[np.uint8]]:
    """The first validation image of each digit 0 to 9, uint8 (28, 28)."""
    val = load_validation_data(root)
    return [val.images[int((val.labels == digit).nonzero()[0])].numpy() for digit in range(CLASSES)]


def draw_validation_image(root: Path, places: Any, event: gr.SelectData, drawing: Any) -> Any:
    """The value that draws the chosen one of some validation images; nothing for a choice that is none of them."""
    if not isinstance(event.index, int) or not 0 <= event.index < len(places):
        return gr.skip()
    return on_canvas(load_validation_data(root).images[places[event.index]].numpy(), drawing)


def on_canvas(image: NDArray[np.uint8], drawing: Any) -> CanvasPicture:
    """The value that draws a 28x28 image over what the canvas holds."""
    _, seq = read_ink(drawing)
    return canvas_picture(to_png(image), seq + 1)


def to_png(image: NDArray[np.uint8]) -> bytes:
    """A 28x28 image as a PNG of the canvas's size, smoothly enlarged."""
    buffer = io.BytesIO()
    enlarged = Image.fromarray(image).resize((CANVAS_SIDE, CANVAS_SIDE), Image.Resampling.BICUBIC)
    enlarged.save(buffer, "PNG")
    return buffer.getvalue()
