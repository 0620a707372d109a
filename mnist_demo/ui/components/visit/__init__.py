"""The key by which the server knows a visit, kept in the browser for a page that comes back. Shows nothing itself.

Where a browser forbids storage, the key lives as long as the page.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import gradio as gr
from annotated_types import Len

from mnist_demo.ui.components import build_component


@dataclass(frozen=True)
class Return:
    """What a page sends that has come back: an earlier key, and what it knows of that visit."""

    key: Annotated[str, Len(max_length=100)]
    query: Annotated[str, Len(max_length=10_000)] = ""  # of its address when it was opened
    is_same_tab: bool = False  # the key is this tab's own; else it is the newest one of this browser
    has_curves: bool = False  # which the tab has kept


def create_visit() -> gr.HTML:
    """The value is `{"key": ...}` of the page's own record. Event `input`: the page has come back; it sends a Return.

    With `"is_gone": True`, the curves show what the tab has kept of them.
    """
    return build_component(Path(__file__).parent, {"key": ""}, "Visit", "visit")
