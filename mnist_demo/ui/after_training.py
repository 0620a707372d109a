"""What a visitor can do below the curves: look back, keep runs, take them home, and take a step apart.

Knows the order of the panels and what they share; each panel is a module of its own.
"""

from typing import Any

import gradio as gr

from mnist_demo.ui.scrubber import Scrubber
from mnist_demo.ui.visit import Visit


class AfterTraining:
    """The slider through the epochs, built at once, and the panels below it, built by `build_panels`."""

    def __init__(self, visit: Visit, charts: Any, current: gr.State, finished: gr.State) -> None:
        """`current` holds the ids of runs A and B; `finished` changes when a training ends or stops."""
        self.visit = visit
        self.charts = charts
        self.current = current
        self.finished = finished
        self.overlay = gr.State(())  # ids of earlier runs laid over the curves
        self.scrubber = Scrubber(visit)

    def build_panels(self) -> None:
        """Builds the panels inside the current Blocks context."""
        with gr.Tabs(elem_id="after"), gr.Tab("Look back", id="look-back"):
            self.scrubber.build_panel(self.charts, self.current, self.finished, self.overlay)
