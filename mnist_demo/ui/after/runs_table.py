"""Runs of this visit: what each was and reached, which are laid over the curves, and their names.

Knows the table and its controls. Does not know how runs are kept: that is `mnist_demo.serving.runs`.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning.training import Status
from mnist_demo.serving.runs import Run
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.run_view import STATUS_WORDS, PairView, difference_text
from mnist_demo.ui.values import Text
from mnist_demo.ui.visit import Lab, Shown, note_html, table_html

MAX_OVERLAY = 4  # with runs A and B six curves: more colours cannot be told apart
MAX_NAME = 30  # characters
EMPTY = "Every run that you train is kept here until you leave: to compare, rename, delete and download."
HEAD = ("Run", "Differs from the defaults in", "Best epoch", "Val. loss", "Val. acc.", "Last acc.", "Status")


class RunsTable:
    """The panel. Build it inside the current Blocks context."""

    def __init__(self, lab: Lab, view: PairView) -> None:
        self.view = view
        self.table = gr.HTML(note_html(EMPTY), elem_id="runs")
        self.shown = gr.CheckboxGroup(
            [], label=f"Lay over the curves of A and B (up to {MAX_OVERLAY})", elem_id="overlay", visible=False
        )
        with gr.Row(visible=False, elem_classes="mnist-buttons mnist-beside-fields") as self.editing:
            self.which = gr.Dropdown([], label="Run", elem_id="run-to-edit", min_width=120)
            self.name = gr.Textbox(label="New name", max_length=MAX_NAME, elem_id="new-name", min_width=120)
            rename_button = gr.Button("Rename", size="sm", min_width=70, elem_id="rename")
            delete_button = gr.Button("Delete", size="sm", min_width=70, elem_id="delete")
        self.undo = gr.Button("Undo", size="sm", visible=False, elem_id="undo-delete")
        self.message = gr.HTML("", elem_id="runs-message")
        told: dict[str, Any] = {"tell": self.message}
        lab.on(self.shown.input, self.lay_over, [self.shown], [self.shown, *view.outputs], **told)
        renaming = [rename_button.click, self.name.submit]
        lab.on(renaming, self.rename, [self.which, self.name], self.outputs, **told)
        lab.on(delete_button.click, self.delete, [self.which], self.outputs, **told)
        lab.on(self.undo.click, self.undelete, [], self.outputs, **told)

    @property
    def outputs(self) -> list[Any]:
        """What `refresh` fills."""
        return [self.table, self.shown, self.editing, self.which, self.undo, *self.view.outputs]

    def refresh(self, visitor: Visitor, chosen: str | None = None) -> Shown:
        """Updates everything with the present runs. `chosen` is the run to select; else it is the latest."""
        mine, gone = visitor.runs, visitor.deleted
        earlier = [(run.name, run.id) for run in mine if run not in visitor.pair and run.history]
        known = [run.id for run in mine]
        which = chosen if chosen in known else known[-1] if known else None
        return {
            self.table: runs_html(mine, visitor.pair) if mine else note_html(EMPTY),
            self.shown: gr.CheckboxGroup(
                choices=earlier, value=[run.id for run in visitor.overlay], visible=bool(earlier)
            ),
            self.editing: gr.Row(visible=bool(mine)),
            self.undo: gr.Button(f"Bring run {gone.name} back" if gone else "", visible=gone is not None),
            self.which: gr.update(choices=[(run.name, run.id) for run in mine], value=which),
            **self.view.show(visitor),
        }

    def lay_over(self, visitor: Visitor, chosen: list[Text]) -> Shown:
        """Earlier runs are drawn over the curves of A and B."""
        visitor.overlay_ids = tuple(dict.fromkeys(chosen))[:MAX_OVERLAY]
        drawn = [run.id for run in visitor.overlay]
        if len(chosen) <= MAX_OVERLAY:
            return self.view.show(visitor)
        words = f"At most {MAX_OVERLAY} runs can be drawn over A and B: take one out first."
        return {**self.view.show(visitor), self.shown: drawn, self.message: note_html(words)}

    def rename(self, visitor: Visitor, run_id: Text | None, name: Text) -> Shown:
        """Gives a run the name that its curve, its row and its files will carry."""
        run = visitor.run(run_id or "")
        run.name = checked_name(name, [other.name for other in visitor.runs if other is not run])
        return self.refresh(visitor, run.id)

    def delete(self, visitor: Visitor, run_id: Text | None) -> Shown:
        """Deletes an earlier run. The two on the page stay, because Resume and the slider need them."""
        run = visitor.run(run_id or "")
        if run in visitor.pair or run.is_busy:
            raise RunError(f"Run {run.name} is on the page: train another pair, then delete it.")
        visitor.store.drop(run)
        visitor.deleted = run
        return self.refresh(visitor)

    def undelete(self, visitor: Visitor) -> Shown:
        """Brings the run back that was deleted last."""
        run, visitor.deleted = visitor.deleted, None
        if run is None:
            raise RunError("There is nothing to bring back.")
        visitor.store.restore(run)
        return self.refresh(visitor, run.id)


def checked_name(name: str, others: Sequence[str]) -> str:
    """A name for a run. Raises RunError for one that is empty, too long, unprintable or taken."""
    text = name.strip()
    if not text:
        raise RunError("A run needs a name: type one.")
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
    idle = "stopped" if run.status is Status.RUNNING else STATUS_WORDS[run.status]
    texts.append("training" if run.is_busy else idle)
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    return f'<tr><th scope="row">{dot}{escape(run.name)}</th>{cells}</tr>'
