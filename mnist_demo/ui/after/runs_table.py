"""Runs of this visit: what each was and reached, which are laid over the curves, and their names.

Knows the table and its controls. The runs belong to `mnist_demo.serving.runs`.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.errors import MnistLabError, RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning.training import Status
from mnist_demo.serving.runs import Run
from mnist_demo.ui.run_view import difference_text, pair_curves
from mnist_demo.ui.visit import QUICK, Visit, error_html, note_html, owner_of, table_html

MAX_CURVES = 6  # with runs A and B: more colours cannot be told apart
MAX_NAME = 30  # characters
EMPTY = "Every run that you train is kept here until you leave: to compare, rename, delete and download."
STATUS_WORDS = {
    Status.RUNNING: "stopped",
    Status.FINISHED: "finished",
    Status.STOPPED_EARLY: "stopped early",
    Status.DIVERGED: "diverged",
}
HEAD = ("Run", "Differs from the defaults in", "Best epoch", "Val. loss", "Val. acc.", "Last acc.", "Status")


class RunsTable:
    """The panel. Build it inside the current Blocks context."""

    def __init__(self, visit: Visit, charts: Any, current: gr.State, finished: gr.State, overlay: gr.State) -> None:
        self.visit = visit
        self.table = gr.HTML(note_html(EMPTY), elem_id="runs")
        self.shown = gr.CheckboxGroup(
            [],
            label=f"Lay over the curves of A and B (up to {MAX_CURVES - 2})",
            elem_id="overlay",
            visible=False,
        )
        with gr.Row(visible=False, elem_classes="mnist-buttons mnist-beside-fields") as self.editing:
            self.which = gr.Dropdown([], label="Run", elem_id="run-to-edit", min_width=120)
            self.name = gr.Textbox(label="New name", max_length=MAX_NAME, elem_id="new-name", min_width=120)
            rename_button = gr.Button("Rename", size="sm", min_width=70, elem_id="rename")
            delete_button = gr.Button("Delete", size="sm", min_width=70, elem_id="delete")
        self.message = gr.HTML("", elem_id="runs-message")
        outputs = [self.table, self.shown, self.editing, self.which, overlay, charts, self.message]
        finished.change(self.refresh, [current, overlay], outputs, **QUICK)
        self.shown.input(self.lay_over, [self.shown, current], [overlay, charts, self.message], **QUICK)
        rename_button.click(self.rename, [self.which, self.name, current, overlay], outputs, **QUICK)
        self.name.submit(self.rename, [self.which, self.name, current, overlay], outputs, **QUICK)
        delete_button.click(self.delete, [self.which, current, overlay], outputs, **QUICK)

    def refresh(self, ids: Any, overlay: Any, request: gr.Request) -> list[Any]:
        """The table and its controls as the runs are now."""
        return self._all(ids, overlay, "", request)

    def lay_over(self, chosen: Any, ids: Any, request: gr.Request) -> list[Any]:
        """Earlier runs are drawn over the curves of A and B."""
        pair_of_runs, others = self._on_page(ids, chosen, request)
        if not pair_of_runs:
            return [(), gr.skip(), note_html("Train a pair first.")]
        if any(run.is_busy for run in pair_of_runs):
            return [tuple(run.id for run in others), gr.skip(), note_html("They appear when the training has ended.")]
        words = ""
        if len(others) > MAX_CURVES - 2:
            others, words = (
                others[: MAX_CURVES - 2],
                f"Only the first {MAX_CURVES - 2} are drawn: six curves is the most.",
            )
        return [tuple(run.id for run in others), _curves(pair_of_runs, others), note_html(words)]

    def rename(self, run_id: Any, name: Any, ids: Any, overlay: Any, request: gr.Request) -> list[Any]:
        """Gives a run the name that its curve, its row and its files will carry."""
        try:
            run = self.visit.store.get(run_id if isinstance(run_id, str) else "", owner_of(request))
            others = [other.name for other in self.visit.store.of_owner(run.owner) if other is not run]
            run.name = checked_name(name, others)
        except MnistLabError as error:
            return self._all(ids, overlay, error_html(error), request, run_id)
        return self._all(ids, overlay, "", request, run_id)

    def delete(self, run_id: Any, ids: Any, overlay: Any, request: gr.Request) -> list[Any]:
        """Forgets an earlier run; the two on the page stay, because Resume and the slider need them."""
        try:
            run = self.visit.store.get(run_id if isinstance(run_id, str) else "", owner_of(request))
            if run in self.visit.runs(ids, request) or run.is_busy:
                raise RunError(f"Run {run.name} is on the page: train another pair, then delete it.")
            self.visit.store.drop(run)
        except MnistLabError as error:
            return self._all(ids, overlay, error_html(error), request, run_id)
        return self._all(ids, overlay, "", request)

    def _on_page(self, ids: Any, overlay: Any, request: gr.Request) -> tuple[list[Run], list[Run]]:
        """Runs A and B, and the earlier ones laid over them."""
        pair_of_runs = self.visit.runs(ids, request)
        if len(pair_of_runs) != 2:
            return [], []
        others = [run for run in self.visit.runs(overlay, request) if run not in pair_of_runs and run.history]
        return pair_of_runs, list({run.id: run for run in others}.values())

    def _all(self, ids: Any, overlay: Any, message: str, request: gr.Request, chosen: Any = None) -> list[Any]:
        """Everything; `chosen` is the run that stays chosen while it is there, else the latest is."""
        mine = self.visit.store.of_owner(owner_of(request))
        pair_of_runs, others = self._on_page(ids, overlay, request)
        earlier = [run for run in mine if run not in pair_of_runs and run.history]
        choices = [(run.name, run.id) for run in earlier]
        is_idle = bool(pair_of_runs) and not any(run.is_busy for run in pair_of_runs)
        known = [run.id for run in mine]
        which = chosen if chosen in known else known[-1] if known else None
        should_redraw = bool(overlay) or bool(message)
        return [
            runs_html(mine, pair_of_runs) if mine else note_html(EMPTY),
            gr.CheckboxGroup(choices=choices, value=[run.id for run in others], visible=bool(choices)),
            gr.Row(visible=bool(mine)),
            gr.update(choices=[(run.name, run.id) for run in mine], value=which),
            tuple(run.id for run in others),
            _curves(pair_of_runs, others) if is_idle and should_redraw else gr.skip(),
            message,
        ]


def checked_name(name: Any, others: Sequence[str]) -> str:
    """A name for a run. Raises RunError for one that is empty, too long, unprintable or taken."""
    if not isinstance(name, str) or not name.strip():
        raise RunError("A run needs a name: type one.")
    text: str = name.strip()
    if len(text) > MAX_NAME or not text.isprintable():
        raise RunError(f"A run's name is one line of at most {MAX_NAME} characters.")
    if text in others or text in ("A", "B"):
        raise RunError(f'The name "{text}" is taken: choose another.')
    return text


def runs_html(runs: Sequence[Run], pair_of_runs: Sequence[Run]) -> str:
    """The runs as a table, the latest first."""
    return table_html(HEAD, [_row(run, pair_of_runs) for run in reversed(runs)], "mnist-runs")


def _row(run: Run, pair_of_runs: Sequence[Run]) -> str:
    letter = "AB"[list(pair_of_runs).index(run)] if run in pair_of_runs else ""
    dot = f'<i class="mnist-dot mnist-dot-{letter.lower()}" title="run {letter}"></i>' if letter else ""
    texts = [difference_text(Experiment(), run.experiment).replace("same knobs", "nothing")]
    if run.best is None:
        texts += ["–", "–", "–"]
    else:
        best = run.history[run.best]
        texts += [f"{best.epoch:.3g}", f"{best.val_loss:.3f}", f"{best.val_accuracy:.1%}"]
    texts.append(f"{run.history[-1].val_accuracy:.1%}" if run.history else "–")
    texts.append("training" if run.is_busy else STATUS_WORDS[run.status])
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    return f'<tr><th scope="row">{dot}{escape(run.name)}</th>{cells}</tr>'


def _curves(pair_of_runs: list[Run], others: Sequence[Run]) -> Any:
    run = pair_of_runs[0]
    cursor = run.history[run.cursor].epoch if run.cursor is not None and run.cursor < len(run.history) else None
    return pair_curves(pair_of_runs, others, cursor=cursor)
