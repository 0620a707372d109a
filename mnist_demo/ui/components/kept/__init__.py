"""A value that this browser keeps, so that it is there again at the next visit. Shows nothing itself.

Gradio's own component for this encrypts what it keeps, for which every page loads 24 kB.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.ui.components import build_component


def create_kept(value: Any, key: str, elem_id: str) -> gr.HTML:
    """A value that JSON can write, kept under a key. Event `input`: a value kept before is there."""
    return build_component(Path(__file__).parent, value, key, elem_id)
