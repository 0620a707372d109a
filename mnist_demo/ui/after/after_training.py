"""What a visitor can do below the curves: look back, keep runs, test them, take them home, and take a step apart.

Knows the order of the panels and what they share; each panel is a module of its own.
"""

from typing import Any

import gradio as gr

from mnist_demo.ui.after.behind_glass import BehindGlass
from mnist_demo.ui.after.downloads import Downloads
from mnist_demo.ui.after.runs_table import RunsTable
from mnist_demo.ui.after.scrubber import Scrubber
from mnist_demo.ui.after.step_panel import StepByStep
from mnist_demo.ui.before.experiment_form import ExperimentForm
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
        shared = (self.current, self.finished, self.overlay)
        with gr.Tabs(elem_id="after"):
            with gr.Tab("Look back", id="look-back"):
                self.scrubber.build_panel(self.charts, *shared)
            with gr.Tab("Runs", id="runs-tab"):
                RunsTable(self.visit, self.charts, *shared)
                with gr.Accordion("Test score, behind glass", open=False):
                    BehindGlass(self.visit, self.current, self.finished)
            with gr.Tab("Downloads", id="downloads"):
                Downloads(self.visit, *shared)
            with gr.Tab("Step by step", id="step-by-step"):
                self.steps = StepByStep(self.visit)

    def connect(self, form: ExperimentForm) -> None:
        """Lets the form's run A be taken apart, once both are built."""
        self.steps.connect(form)
