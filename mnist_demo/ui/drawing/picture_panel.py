"""A picture that is chosen, dropped or pasted on the canvas. Its ink is drawn there; a line says what was found.

Knows how a picture comes to the canvas. Does not know how ink is found: that is `mnist_demo.images.paper`.
"""

import io

import gradio as gr
import numpy as np
from PIL import Image

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images.ink import Ink
from mnist_demo.images.paper import FoundInk, find_ink
from mnist_demo.images.pictures import read_picture
from mnist_demo.images.sketch import Preprocessing, preprocess
from mnist_demo.inference.recognize import Refusal
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.components.canvas import SIZE, canvas_picture
from mnist_demo.ui.values import Pictured
from mnist_demo.ui.visit import Lab, Shown, note_html

FILLED = 0.72  # of the canvas, by the longer side of the ink


def build_picture_words(lab: Lab, canvas: gr.HTML, elem_id: str = "picture-words") -> None:
    """Builds the line below the canvas inside the current Blocks context, and connects the canvas's `upload`."""
    words = gr.HTML("", elem_id=elem_id, padding=False)

    async def look(_visitor: Visitor, sent: Pictured) -> Shown:
        found, drawn = await lab.read_drawing(_on_canvas, sent.file)
        return {canvas: canvas_picture(drawn, sent.seq + 1), words: note_html(_told(found))}

    lab.on(canvas.upload, look, [canvas], [canvas], tell=words, show_progress="minimal")


def _on_canvas(file: bytes) -> tuple[FoundInk, bytes]:
    """What was found in a picture file, and the canvas with that ink as a PNG, white on black."""
    found = find_ink(read_picture(file))
    cropped = next((stage.image for stage in preprocess(found.ink) if stage.name == Preprocessing.CROP), None)
    if cropped is None:
        raise InvalidDrawing(Refusal.NO_INK)
    buffer = io.BytesIO()
    _framed(cropped).save(buffer, "PNG")
    return found, buffer.getvalue()


def _framed(ink: Ink) -> Image.Image:
    """Cropped ink in the middle of a canvas, at the size of a digit drawn large."""
    canvas = Image.new("L", (SIZE, SIZE))
    scale = FILLED * SIZE / max(ink.shape)
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    resized = Image.fromarray(np.ascontiguousarray(ink)).resize(size, Image.Resampling.BILINEAR)
    canvas.paste(resized, ((SIZE - size[0]) // 2, (SIZE - size[1]) // 2))
    return canvas


def _told(found: FoundInk) -> str:
    left_out = f" Left out: {' and '.join(found.left_out)}." if found.left_out else ""
    return f"The ink found in your picture is on the canvas.{left_out}"
