"""Downloads: a run's weights, its PyTorch script with the hash to compare, the figure and the tables.

Knows the buttons. A file is made when its button is pressed and travels straight to the browser: nothing
is written on the server. What is in the files is `export`.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from html import escape
from typing import Any, TypeVar

import gradio as gr

from mnist_demo.errors import MnistLabError, RunError
from mnist_demo.export.run_files import WeightsFormat, caption, points_csv, runs_csv, weights_file
from mnist_demo.export.script import script
from mnist_demo.learning import checkpoints, networks
from mnist_demo.learning.training import Status
from mnist_demo.serving.looks import Point
from mnist_demo.serving.runs import Run
from mnist_demo.ui.components.download import DownloadValue, create_download, download_value
from mnist_demo.ui.run_view import NAMES, difference_text
from mnist_demo.ui.visit import QUICK, Visit, error_html, note_html, owner_of

EMPTY = "When a pair has been trained, its weights, its PyTorch script, a figure and tables can be saved here."
HASH_NOTE = (
    "The script prints this hash when it has trained the run again from nothing, on one thread. "
    "More threads, a GPU or another build of PyTorch may round differently."
)
Choice = TypeVar("Choice", bound=StrEnum)
FILE_TYPES = {"png": "image/png", "svg": "image/svg+xml", "csv": "text/csv", "py": "text/x-python"}


class Downloads:
    """The panel. Build it inside the current Blocks context."""

    def __init__(self, visit: Visit, current: gr.State, finished: gr.State, overlay: gr.State) -> None:
        self.visit = visit
        self.empty = gr.HTML(note_html(EMPTY))
        with gr.Column(visible=False) as self.panel:
            self.which = gr.Dropdown([], label="Run", elem_id="run-to-save")
            with gr.Row():
                self.point = gr.Radio(
                    [(each.value, each.value) for each in Point], value=Point.BEST.value, label="Epoch"
                )
                self.form = gr.Radio(
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
        out = [self.file, self.message]
        finished.change(self.refresh, [self.which, current], [self.empty, self.panel, self.which, self.hash], **QUICK)
        self.which.input(self.show_hash, self.which, self.hash, **QUICK)
        weights_button.click(self.save_weights, [self.which, self.point, self.form], out, **QUICK)
        script_button.click(self.save_script, self.which, out, **QUICK)
        png_button.click(self.save_png, [current, overlay], out, **QUICK)
        svg_button.click(self.save_svg, [current, overlay], out, **QUICK)
        points_button.click(self.save_points, [current, overlay], out, **QUICK)
        runs_button.click(self.save_runs, None, out, **QUICK)

    async def refresh(self, run_id: Any, ids: Any, request: gr.Request) -> list[Any]:
        """When a training has ended: the list of runs, run A chosen, and its hash."""
        mine = self.visit.store.of_owner(owner_of(request))
        pair_of_runs = self.visit.runs(ids, request)
        if not mine:
            return [gr.HTML(visible=True), gr.Column(visible=False), gr.skip(), ""]
        is_on_page = any(run.id == run_id for run in pair_of_runs)
        chosen = run_id if is_on_page else (pair_of_runs or mine)[0].id
        choices = [(run_label(run, pair_of_runs), run.id) for run in reversed(mine)]
        words = await self.show_hash(chosen, request)
        return [gr.HTML(visible=False), gr.Column(visible=True), gr.update(choices=choices, value=chosen), words]

    async def show_hash(self, run_id: Any, request: gr.Request) -> str:
        """The SHA-256 that the run's script has to print, or why it will print another."""
        try:
            return await asyncio.to_thread(hash_html, self._run(run_id, request))
        except MnistLabError as error:
            return error_html(error)

    async def save_weights(self, run_id: Any, point: Any, form: Any, request: gr.Request) -> tuple[Any, str]:
        """The weights of a run at its best, last or looked-at epoch."""

        def make() -> tuple[str, bytes]:
            run = self._run(run_id, request)
            return weights_file(run, _choice(Point, point), _choice(WeightsFormat, form))

        return await _save(make)

    async def save_script(self, run_id: Any, request: gr.Request) -> tuple[Any, str]:
        """The run as a PyTorch file that stands on its own."""

        def make() -> tuple[str, bytes]:
            run = self._run(run_id, request)
            return f"mnist-lab-{run.name}.py", script(run.experiment).encode()

        return await _save(make)

    async def save_png(self, ids: Any, overlay: Any, request: gr.Request) -> tuple[Any, str]:
        """The curves on the page as a slide of pixels."""
        return await _save(lambda: self._figure("png", ids, overlay, request))

    async def save_svg(self, ids: Any, overlay: Any, request: gr.Request) -> tuple[Any, str]:
        """The curves on the page as a slide of lines."""
        return await _save(lambda: self._figure("svg", ids, overlay, request))

    async def save_points(self, ids: Any, overlay: Any, request: gr.Request) -> tuple[Any, str]:
        """Every point of the curves on the page."""
        return await _save(lambda: ("mnist-lab-curves.csv", points_csv(self._on_page(ids, overlay, request))))

    async def save_runs(self, request: gr.Request) -> tuple[Any, str]:
        """The table of all runs of the visit."""
        return await _save(lambda: ("mnist-lab-runs.csv", runs_csv(self.visit.store.of_owner(owner_of(request)))))

    def _figure(self, form: str, ids: Any, overlay: Any, request: gr.Request) -> tuple[str, bytes]:
        from mnist_demo.export import figures  # here: matplotlib takes half a second that most visits never need

        runs = self._on_page(ids, overlay, request)[: figures.MAX_RUNS]
        labels = [difference_text(runs[0].experiment, run.experiment) for run in runs]
        labels[0] = difference_text(runs[1].experiment, runs[0].experiment)
        names = [*NAMES, *(run.name for run in runs[2:])]
        shown = [
            figures.Shown(name, label, tuple(run.history), run.best)
            for name, label, run in zip(names, labels, runs, strict=True)
        ]
        words = caption([run.experiment for run in runs])
        return f"mnist-lab-{runs[0].name}-{runs[1].name}.{form}", figures.figure(shown, words, figures.Format(form))

    def _run(self, run_id: Any, request: gr.Request) -> Run:
        return self.visit.store.get(run_id if isinstance(run_id, str) else "", owner_of(request))

    def _on_page(self, ids: Any, overlay: Any, request: gr.Request) -> list[Run]:
        pair_of_runs = self.visit.runs(ids, request)
        if len(pair_of_runs) != 2:
            raise RunError("There are no curves yet: train a pair first.")
        return pair_of_runs + [run for run in self.visit.runs(overlay, request) if run not in pair_of_runs]


async def _save(make: Callable[[], tuple[str, bytes]]) -> tuple[Any, str]:
    """Makes a file in a thread and hands it to the browser, or says in a sentence why there is none."""
    try:
        name, content = await asyncio.to_thread(make)
    except MnistLabError as error:
        return gr.skip(), error_html(error)
    value: DownloadValue = download_value(
        name, content, FILE_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    )
    return value, ""


def hash_html(run: Run) -> str:
    """The SHA-256 of a run's last weights, and what to expect of the script's."""
    state = checkpoints.state_from_bytes(run.state)
    digest = networks.weights_hash(state.evaluated_weights)
    words = HASH_NOTE
    if run.status is Status.RUNNING:
        words = (
            f"Run {run.name} was stopped at step {run.step:,}; its script trains to the end and prints another hash."
        )
    elif run.status is Status.DIVERGED:
        words = f"Run {run.name} diverged: values that are not numbers need not agree from machine to machine."
    title = f"Last weights of run {run.name}, SHA-256"
    return f'<p class="mnist-hash">{escape(title)}<br><code>{digest}</code></p>{note_html(words)}'


def run_label(run: Run, pair_of_runs: list[Run]) -> str:
    """A run in a list: its name, and where it stands on the page."""
    return f"{run.name} (run {NAMES[pair_of_runs.index(run)]})" if run in pair_of_runs[:2] else run.name


def _choice(choices: type[Choice], value: Any) -> Choice:
    if not isinstance(value, str) or value not in set(choices):
        raise RunError(f"There is no such choice; choose one of {', '.join(choices)}.")
    return choices(value)
