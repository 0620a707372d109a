"""The drawing canvas: posts a PNG of the ink while the pen moves, takes pictures, and can be given one to draw on.

Knows the values that cross the wire and reads the visitor's defensively, up to the bytes of a picture file.
Does not decode pictures: `images` checks whether the bytes are an image.
"""

import base64
import binascii
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import gradio as gr

from mnist_demo.errors import InvalidDrawing
from mnist_demo.ui.components import build_component

SIZE = 280  # pixels a side of the posted picture
MAX_INK_CHARACTERS = 400_000  # ten times a canvas full of scribbles
MAX_PICTURE_CHARACTERS = 4_800_000  # of base64; the page makes larger pictures smaller before it sends them


class CanvasValue(TypedDict):
    """From the browser. `ink`: base64 PNG, 280x280, white on black, "" for blank; `final`: the pen is up.

    With the event `upload` alone there is one key more: `picture`, any picture file as base64.
    """

    ink: str
    seq: int
    final: bool
    strokes: int


class CanvasPicture(TypedDict):
    """To the browser: a picture (base64 PNG or data URL, white ink on black) drawn once for every new `load_seq`."""

    load: str
    load_seq: int


class Drawing(NamedTuple):
    """What is on the canvas: a PNG file's bytes, b"" for blank, and the number of the drawing."""

    png: bytes
    seq: int


class SentPicture(NamedTuple):
    """A picture file that was chosen, dropped or pasted, and the number of the drawing on the canvas."""

    file: bytes
    seq: int


def canvas_picture(png: bytes, seq: int) -> CanvasPicture:
    """The value that draws a PNG's ink, white on black, over the whole canvas as one step that can be undone."""
    return CanvasPicture(load=base64.b64encode(png).decode("ascii"), load_seq=seq)


def read_ink(value: Any) -> Drawing:
    """The drawing in what a browser, or anyone, has posted.

    Raises InvalidDrawing for anything that is not a value of the canvas.
    """
    if value is None:
        return Drawing(b"", 0)
    if not isinstance(value, dict):
        raise InvalidDrawing(f"A drawing is an object with the key 'ink', not {_kind(value)}.")
    ink, seq = value.get("ink", ""), value.get("seq", 0)
    if not isinstance(ink, str):
        raise InvalidDrawing(f"A drawing's ink is a base64 PNG, not {_kind(ink)}.")
    if len(ink) > MAX_INK_CHARACTERS:
        raise InvalidDrawing(
            f"This drawing has {len(ink):,} characters of base64; send at most {MAX_INK_CHARACTERS:,}."
        )
    # bool is an int; a sequence number beyond 2**53 would not come back from a browser unchanged.
    if type(seq) is not int or not 0 <= seq <= 2**53:
        seq = 0
    try:
        return Drawing(base64.b64decode(ink.rpartition(",")[2], validate=True), seq)
    except (binascii.Error, ValueError):
        raise InvalidDrawing("This drawing's ink is not valid base64; send a base64 PNG.") from None


def read_sent_picture(value: Any) -> SentPicture:
    """The picture file in what a browser, or anyone, has posted. Raises InvalidDrawing for anything else."""
    picture = value.get("picture") if isinstance(value, dict) else None
    if not isinstance(picture, str):
        raise InvalidDrawing("No picture has arrived: choose one again.")
    if not picture or len(picture) > MAX_PICTURE_CHARACTERS:
        raise InvalidDrawing("The picture is empty, or too large to send: save it as JPEG, or make it smaller.")
    try:
        return SentPicture(base64.b64decode(picture, validate=True), read_ink({**value, "ink": ""}).seq)
    except (binascii.Error, ValueError):
        raise InvalidDrawing("The picture is not valid base64.") from None


def create_canvas(elem_id: str | None = "canvas") -> gr.HTML:
    """The canvas. Events: `release`, the pen is lifted; `input`, the ink has changed in any other way; `upload`, a
    picture has been chosen, dropped or pasted; the server finds the ink in it and sends that back.

    Bind both with `queue=False, show_progress="hidden"`, `input` with `trigger_mode="always_last"` (one request in
    flight at a time, the newest ink wins), `release` with "multiple" (it waits for none). What shows the answers
    drops one whose `seq` is lower than what it shows.
    """
    blank = CanvasValue(ink="", seq=0, final=True, strokes=0)
    return build_component(Path(__file__).parent, blank, "Drawing canvas", elem_id)


def _kind(value: Any) -> str:
    return "null" if value is None else f"a value of type {type(value).__name__}"
