"""Downloads: a run's weights, its PyTorch script with the hash to compare, the figure and the tables.

Knows the buttons. Does not know what is in the files: that is `export`. A file is made when its button is pressed and
sent straight to the browser; nothing is written on the server.
"""

import functools
from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.export.run_files import WeightsFormat, caption, points_csv, runs_csv, weights_file
from mnist_demo.export.script import script
from mnist_demo.learning import checkpoints, networks
from mnist_demo.learning.training import Status
from mnist_demo.serving.looks import Point
from mnist_demo.serving.runs import Run
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.components.download import create_download, download_value
from mnist_demo.ui.run_view import NAMES, difference_text
from mnist_demo.ui.values import Text
from mnist_demo.ui.visit import Lab, Shown, note_html

EMPTY = "When a pair has been trained, its weights, its PyTorch script, a figure and tables can be saved here."
HASH_NOTE = (
    "The script prints this hash when it has trained the run again from nothing, on one thread. "
    "More threads, a GPU or another build of PyTorch may round differently."
)
FILE_TYPES = {"png": "image/png", "svg": "image/svg+xml", "csv": "text/csv", "py": "text/x-python"}
File = tuple[str, bytes]  # its name and content


class Downloads:
    """The panel. Build it inside the current Blocks context."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.empty = gr.HTML(note_html(EMPTY))
        with gr.Column(visible=False) as self.panel:
            self.which = gr.Dropdown([], label="Run", elem_id="run-to-save")
            with gr.Row():
                point = gr.Radio([(each.value, each.value) for each in Point], value=Point.BEST.value, label="Epoch")
                form = gr.Radio(
                    [(f".{each.value}", each.value) for each in WeightsFormat],
                    value=WeightsFormat.SAFETENSORS.value,
                    label="Format",
                )
            with gr.Row(elem_classes="mnist-buttons"):
                weights_button = gr.Button("Weights", min_width=100, elem_id="save-weights")
                script_button = gr.Button("PyTorch script", min_width=100, elem_id="save-script")
            self.hash = gr.HTML("", elem_id="hash")
            with gr.Row(elem_classes="mnist-buttons"):
                png_button = gr.Button("Figure, PNG", size="sm", min_width=90, elem_id="save-png")
                svg_button = gr.Button("Figure, SVG", size="sm", min_width=90, elem_id="save-svg")
                points_button = gr.Button("Curves, CSV", size="sm", min_width=90, elem_id="save-points")
                runs_button = gr.Button("All runs, CSV", size="sm", min_width=90, elem_id="save-runs")
            self.message = gr.HTML("", elem_id="save-message")
            self.file = create_download(elem_id="saved")
        lab.on(self.which.input, self.show_hash, [self.which], [self.hash], tell=self.message)
        for button, make, inputs in (
            (weights_button, weights_of, [self.which, point, form]),
            (script_button, script_of, [self.which]),
            (png_button, png_of, []),
            (svg_button, svg_of, []),
            (points_button, points_of, []),
            (runs_button, runs_of, []),
        ):
            lab.on(button.click, _saving(lab, make, self.file), inputs, [self.file], tell=self.message)

    @property
    def outputs(self) -> list[Any]:
        """What `refresh` fills."""
        return [self.empty, self.panel, self.which, self.hash]

    def refresh(self, visitor: Visitor, chosen: str | None) -> Shown:
        """When a training has ended: the list of runs, with a run of the pair chosen, and its hash."""
        mine, pair_of_runs = visitor.runs, visitor.pair
        if not mine:
            return {self.empty: gr.HTML(visible=True), self.panel: gr.Column(visible=False), self.hash: ""}
        on_page = [run for run in pair_of_runs if run.id == chosen] or pair_of_runs or mine
        choices = [(run_label(run, pair_of_runs), run.id) for run in reversed(mine)]
        return {
            self.empty: gr.HTML(visible=False),
            self.panel: gr.Column(visible=True),
            self.which: gr.update(choices=choices, value=on_page[0].id),
            self.hash: hash_html(on_page[0]),
        }

    def show_hash(self, visitor: Visitor, run_id: Text) -> Shown:
        """The SHA-256 that the run's script has to print, or why it will print another."""
        return {self.hash: hash_html(visitor.run(run_id))}


def _saving(lab: Lab, make: Callable[..., File], place: gr.HTML) -> Callable[..., Any]:
    """A handler that makes a file in a thread and sends it to the browser. It takes the same values as `make`."""

    @functools.wraps(make)
    async def save(visitor: Visitor, *values: Any) -> Shown:
        name, content = await lab.take_time(make, visitor, *values)
        kind = FILE_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        return {place: download_value(name, content, kind)}

    return save


def weights_of(visitor: Visitor, run_id: Text, point: Point, form: WeightsFormat) -> File:
    """The weights of a run at its best, last or looked-at epoch."""
    run = visitor.run(run_id)
    return weights_file(run, point, form, visitor.cursors.get(run.id))


def script_of(visitor: Visitor, run_id: Text) -> File:
    """The run as a PyTorch file that runs without this package."""
    run = visitor.run(run_id)
    return f"mnist-lab-{run.name}.py", script(run.experiment).encode()


def png_of(visitor: Visitor) -> File:
    """The curves on the page as a slide, PNG."""
    return _figure(visitor, "png")


def svg_of(visitor: Visitor) -> File:
    """The curves on the page as a slide, SVG."""
    return _figure(visitor, "svg")


def points_of(visitor: Visitor) -> File:
    """Every point of the curves on the page."""
    return "mnist-lab-curves.csv", points_csv(visitor.on_page)


def runs_of(visitor: Visitor) -> File:
    """The table of all runs of the visit."""
    return "mnist-lab-runs.csv", runs_csv(visitor.runs)


def _figure(visitor: Visitor, form: str) -> File:
    from mnist_demo.export import figures  # here: matplotlib takes half a second that most visits never need

    runs = visitor.on_page[: figures.MAX_RUNS]
    labels = [difference_text(runs[0].experiment, run.experiment) for run in runs]
    labels[0] = difference_text(runs[1].experiment, runs[0].experiment)
    names = [*NAMES, *(run.name for run in runs[2:])]
    shown = [
        figures.Shown(name, label, tuple(run.history), run.best)
        for name, label, run in zip(names, labels, runs, strict=True)
    ]
    words = caption([run.experiment for run in runs])
    return f"mnist-lab-{runs[0].name}-{runs[1].name}.{form}", figures.figure(shown, words, figures.Format(form))


def hash_html(run: Run) -> str:
    """The SHA-256 of a run's last weights, and what to expect of the script's."""
    kept = run.snapshots.copy()
    if not kept:
        return ""
    digest = networks.weights_hash(checkpoints.weights_of(kept[max(kept)]))
    words = HASH_NOTE
    if run.status is Status.RUNNING:
        words = (
            f"Run {run.name} was stopped at step {run.step:,}; its script trains to the end and prints another hash."
        )
    elif run.status is Status.DIVERGED:
        words = f"Run {run.name} diverged: values that are not numbers need not agree from machine to machine."
    title = f"The last weights of run {run.name}, of epoch {run.history[max(kept)].epoch:.3g}, SHA-256"
    return f'<p class="mnist-hash">{escape(title)}<br><code>{digest}</code></p>{note_html(words)}'


def run_label(run: Run, pair_of_runs: list[Run]) -> str:
    """A run in a list: its name, and where it stands on the page."""
    return f"{run.name} (run {NAMES[pair_of_runs.index(run)]})" if run in pair_of_runs[:2] else run.name
