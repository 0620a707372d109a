"""A file made in answer to a click and handed to the browser at once.

The bytes are sent inside the component's value, so no file is written on the server. Nothing has to be deleted, and
no other visitor can ask for it. Knows bytes and a name, not what is in them.
"""

import base64
import re
import secrets
from pathlib import Path
from typing import TypedDict

import gradio as gr

from mnist_demo.ui.components import build_component

_UNWANTED = re.compile(r"[^A-Za-z0-9._-]+")
MAX_STEM = 80  # characters


class DownloadValue(TypedDict):
    """One file; `seq` is new for each, so that the same file can be saved twice."""

    name: str
    type: str
    content: str
    seq: str


def download_value(name: str, content: bytes, media_type: str = "application/octet-stream") -> DownloadValue:
    """A file to be saved under a name, of which letters, digits, dots and dashes are kept."""
    encoded = base64.b64encode(content).decode("ascii")
    return DownloadValue(name=safe_name(name), type=media_type, content=encoded, seq=secrets.token_hex(4))


def safe_name(name: str) -> str:
    """A file name that every system takes: "my run/1" -> "my-run-1". The ending is kept."""
    stem, dot, ending = name.rpartition(".")
    stem = _UNWANTED.sub("-", stem).strip("-.")[:MAX_STEM] or "mnist-lab"
    return f"{stem}{dot}{_UNWANTED.sub('', ending)}"


def create_download(elem_id: str | None = None) -> gr.HTML:
    """The component. It shows only one line: the name of the file that was saved last."""
    return build_component(Path(__file__).parent, None, "Saved file", elem_id)
