"""A visitor's own digits: asked for one after the other, kept in this browser, saved as a file and opened again.

Knows the text that is sent. Does not know what a file may hold (`images.own_digits`) or how a network reads them.
"""

from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import gradio as gr

from mnist_demo.errors import InvalidDrawing
from mnist_demo.ui.components import build_component


class SentDigits(NamedTuple):
    """The text of a file of own digits, and the number of this sending."""

    text: str
    seq: int


class DigitsRead(TypedDict):
    """To the browser: the number of the sending that could be read."""

    read: int


def read_sent_digits(value: Any) -> SentDigits:
    """What a browser, or anyone, has posted. Raises InvalidDrawing for anything else."""
    text, seq = (value.get("text"), value.get("seq")) if isinstance(value, dict) else (None, None)
    if not isinstance(text, str) or type(seq) is not int or not 0 <= seq <= 2**53:
        raise InvalidDrawing("No digits have arrived: draw some, or open a file.")
    return SentDigits(text, seq)


def create_own_digits(elem_id: str | None = "own") -> gr.HTML:
    """The component, for the canvas whose id is `canvas`.

    Events: `submit`, the digits are to be scored (no text: all are deleted); `input`, a run is to learn from them.
    """
    return build_component(Path(__file__).parent, None, "Your own digits", elem_id)
