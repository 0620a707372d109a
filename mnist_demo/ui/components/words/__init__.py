"""Words that explain themselves: a short sentence on hover, focus and tap, with a link into Basics.

Any element with `data-word` has its word's sentence, and a field of the form its knob's help. Knows sentences by name.
"""

from collections.abc import Mapping
from pathlib import Path

import gradio as gr

from mnist_demo.ui.components import build_component, pack


def create_words(told: Mapping[str, list[str]]) -> gr.HTML:
    """The sentences: by name, each alone or with the name and the title of the example that a link leads to."""
    return build_component(Path(__file__).parent, pack(told), "Words", "words")
