"""The page's address: it follows the lesson, the knobs and the open tab, and Back and Forward come back to them.

Knows the address as text. Does not know what a query means. Shows nothing itself.
"""

from pathlib import Path

import gradio as gr

from mnist_demo.ui.components import build_component


def create_address() -> gr.HTML:
    """The value is a query, without the question mark: set, it becomes the page's; "?" leaves the address alone.
    With "+" in front it is a new entry of the browser's history, if it is another query at all.

    Event `input`: Back or Forward was pressed, and the value is the query to show.
    """
    return build_component(Path(__file__).parent, "?", "Address", "address")
