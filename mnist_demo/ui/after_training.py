"""What a visitor can do below the curves: look back, keep runs, take them home, and take a step apart.

Knows the order of the panels and what they share; each panel is a module of its own.
"""

from typing import Any

import gradio as gr

from mnist_demo.ui.scrubber import Scrubber
from mnist_demo.ui.visit import Visit


def build_after_training(visit: Visit, charts: Any, current: gr.State, finished: gr.State) -> None:
    """Builds the panels inside the current Blocks context. `current` holds the ids of runs A and B."""
    overlay = gr.State(())  # ids of earlier runs laid over the curves
    with gr.Tabs(elem_id="after"), gr.Tab("Look back", id="look-back"):
        Scrubber(visit, charts, current, finished, overlay)
