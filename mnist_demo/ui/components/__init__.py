"""The browser components: curves, canvas, bars and tiles.

Each folder holds template.html, style.css and script.js, shown by `gr.HTML`. Its `__init__.py` gives the type of the
value that is sent; the value is packed where only the server sets it. Components know how to draw plain numbers. They
do not know networks or runs, and fetch nothing.

They are made by functions, not as subclasses of `gr.HTML`: a subclass makes Gradio write a `.pyi` file beside it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NewType

import gradio as gr

Packed = NewType("Packed", str)


def pack(value: Mapping[str, Any]) -> Packed:
    """A component's value as one string of JSON, for those whose value only the server sets.

    Gradio's page copies the values of an event's outputs several times, nested ones number by number, which took 100 ms
    for the curves of two runs (2026-11-23). A string is copied whole.
    """
    return Packed(json.dumps(value, separators=(",", ":")))


def build_component(folder: Path, value: Any, label: str, elem_id: str | None) -> gr.HTML:
    """The `gr.HTML` drawn by the three files in `folder`, with none of Gradio's text styles."""
    return gr.HTML(
        value=value,
        label=label,
        elem_id=elem_id,
        html_template=(folder / "template.html").read_text(encoding="utf-8"),
        css_template=(folder / "style.css").read_text(encoding="utf-8"),
        js_on_load=(folder / "script.js").read_text(encoding="utf-8"),
        apply_default_css=False,
    )
