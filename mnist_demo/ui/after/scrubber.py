"""Look back: a slider through the points of a finished pair; curves, weights, answers and Draw tab follow.

Also shows early stopping for any patience, without retraining. Knows the controls and what each shows. Does not know
what a run looked like: that is `mnist_demo.serving.looks`.
"""

from collections.abc import Sequence
from enum import StrEnum
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.hints.epochs import best_sentence, stopping_sentence
from mnist_demo.serving.looks import nearest_place, nearest_point, scrub_epochs
from mnist_demo.serving.runs import Run
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.after.look_panel import LookPanel, chosen_cell
from mnist_demo.ui.answers import Reader, read_drawing
from mnist_demo.ui.components.bars import create_bars
from mnist_demo.ui.components.canvas import Drawing
from mnist_demo.ui.run_view import NAMES, PairView, row_head_html
from mnist_demo.ui.values import Drawn, Number, whole_number
from mnist_demo.ui.visit import QUICK, Lab, Shown, note_html, read, table_html

EMPTY = "Train a pair first. When it has ended or is stopped, a slider here goes back through its epochs."
EPOCHS, POINTS = "Look back to epoch", "Look back to evaluated point (several an epoch)"
PATIENCE = 5
MAX_PATIENCE = 200
DRAW_FIRST = "Draw a digit on the Draw tab: its answer at every epoch appears here."
DRAWING_HEADING = '<h3 class="mnist-look">Your drawing</h3>'
HEAD = ("Run", "Epoch", "Train loss", "Val. loss", "Train acc.", "Val. acc.")


class Which(StrEnum):
    """The runs of the pair that are looked at."""

    A = "A"
    B = "B"
    BOTH = "both"

    @property
    def places(self) -> tuple[int, ...]:
        """Their places in the pair."""
        return {Which.A: (0,), Which.B: (1,)}.get(self, (0, 1))


class Scrubber:
    """The slider, and below it what follows it. Both are built inside the current Blocks context."""

    def __init__(self, lab: Lab, view: PairView) -> None:
        """Builds the slider, which stays in sight while the page is scrolled."""
        self.lab, self.view = lab, view
        with gr.Column(visible=False, elem_classes="mnist-scrub") as self.bar:
            self.position = gr.Slider(0, 1, step=1, value=0, label=EPOCHS, elem_id="scrub", buttons=[])

    def build_panel(self) -> None:
        """Builds what follows the slider; `connect` then lets it follow."""
        self.empty = gr.HTML(note_html(EMPTY))
        with gr.Column(visible=False) as self.panel:
            with gr.Row(elem_classes="mnist-buttons"):
                self.jumps = [
                    gr.Button(text, size="sm", min_width=70, elem_id=f"jump-{index}")
                    for index, text in enumerate(("Best of A", "Best of B", "First", "Last"))
                ]
            self.numbers = gr.HTML("", elem_id="scrub-numbers")
            self.which = gr.Radio(list(Which), value=Which.BOTH, show_label=False, container=False, elem_id="scrub-run")
            gr.HTML(DRAWING_HEADING)
            self.bars = create_bars(elem_id="scrub-bars")
            self.looks = LookPanel(self.lab)
            with gr.Accordion("Early stopping without retraining", open=True):
                self.patience = gr.Slider(
                    1, 20, step=1, value=PATIENCE, label="Patience (epochs)", elem_id="patience", buttons=[]
                )
                self.stopping = gr.HTML("", elem_id="stopping")

    @property
    def outputs(self) -> list[Any]:
        """What `close` and `open` fill."""
        return [self.empty, self.bar, self.panel, self.position, self.stopping, self.numbers]

    def close(self) -> Shown:
        """Switches the slider off before and during a training: it would show where the last training ended."""
        return {
            self.empty: gr.HTML(visible=True),
            self.bar: gr.Column(visible=False),
            self.panel: gr.Column(visible=False),
        }

    def open(self, visitor: Visitor, patience: float | None) -> Shown:
        """After a training: the slider reaches up to its last point, and is set there."""
        pair_of_runs = visitor.measured_pair
        if not pair_of_runs:
            return self.close()
        visitor.look_at(None)
        epochs = scrub_epochs(pair_of_runs)
        last = len(epochs) - 1
        label = EPOCHS if epochs[-1] == last else POINTS
        return {
            self.empty: gr.HTML(visible=False),
            self.bar: gr.Column(visible=True),
            self.panel: gr.Column(visible=True),
            self.position: gr.Slider(minimum=0, maximum=max(last, 1), value=last, step=1, label=label),
            **self.stop_early(visitor, patience),
            self.numbers: _numbers(pair_of_runs, epochs[last]),
        }

    def connect(self, canvas: gr.HTML, tab: gr.Tab, tabs: gr.Tabs, ended: Sequence[Any]) -> None:
        """Connects everything, once the Draw tab's canvas is there; `tab` is the one that this panel is in."""
        lab, drawn = self.lab, [self.which, canvas]
        follows = [*self.view.outputs, self.numbers, self.bars]
        newest: dict[str, Any] = {"trigger_mode": "always_last"}
        moves = [
            lab.on(self.position.input, self.follow, [self.position, *drawn], follows, **newest),
            lab.on(self.view.charts.select, self.click_curve, drawn, [self.position, *follows]),
            lab.on(self.which.input, self.answer, drawn, [self.bars], **newest),
        ]
        for index, button in enumerate(self.jumps):

            async def jump(visitor: Visitor, which: Which, drawing: Drawn, index: int = index) -> Shown:
                return await self.jump(visitor, index, which, drawing)

            moves.append(lab.on(button.click, jump, drawn, [self.position, *follows]))
        for event in moves:  # last, because it answers thousands of images
            lab.on(event.then, self.look, [self.which], self.looks.outputs, **newest)
        for event in ended:
            lab.on(event.then, self.answer, drawn, [self.bars])
            lab.on(event.then, self.look, [self.which], self.looks.outputs)
        lab.on(tab.select, self.answer, drawn, [self.bars])
        lab.on(self.looks.confusion.select, self.click_cell, [self.which], self.looks.outputs)
        self.looks.connect(canvas).then(lambda: gr.Tabs(selected="draw"), None, tabs, **QUICK)
        lab.on(self.patience.input, self.stop_early, [self.patience], [self.stopping])

    async def follow(self, visitor: Visitor, position: Number | None, which: Which, drawing: Drawn) -> Shown:
        """After the slider moved: updates the curves' cursor, cards, numbers, the drawing's answer and the Draw tab."""
        pair_of_runs = visitor.measured_pair
        if not pair_of_runs:
            return {}
        epochs = scrub_epochs(pair_of_runs)
        last = len(epochs) - 1
        epoch = epochs[whole_number(position, 0, last, last)]
        visitor.look_at(epoch)
        return {
            **self.view.show(visitor),
            self.numbers: _numbers(pair_of_runs, epoch),
            **await self.answer(visitor, which, drawing),
        }

    async def answer(self, visitor: Visitor, which: Which, drawing: Drawn) -> Shown:
        """The runs' answers, at the epoch looked at, to the drawing on the Draw tab."""
        pair_of_runs = visitor.measured_pair
        if not pair_of_runs:
            return {}
        epoch = _epoch(visitor, pair_of_runs)

        def ask() -> str:
            readers = [self._reader(NAMES[n], pair_of_runs[n], epoch) for n in which.places]
            return read_drawing(drawing, readers, blank=DRAW_FIRST, can_explain=False).bars

        return {self.bars: await self.lab.read_drawing(ask)}

    async def look(self, visitor: Visitor, which: Which) -> Shown:
        """Weights, confusion matrices and the images of the chosen cell at the epoch looked at.

        Shows nothing if the visitor has moved the slider meanwhile: a later, quicker look may already be on the page.
        """
        pair_of_runs, epoch = visitor.measured_pair, visitor.epoch
        if not pair_of_runs:
            return {}
        shown = await self.looks.show(visitor, _epoch(visitor, pair_of_runs), which.places)
        return shown if visitor.epoch == epoch else {}

    async def click_curve(self, visitor: Visitor, event: gr.SelectData, which: Which, drawing: Drawn) -> Shown:
        """A point of the curves was chosen: the slider goes there."""
        return await self._go_to(visitor, read(Number, event.value), which, drawing)

    async def jump(self, visitor: Visitor, index: int, which: Which, drawing: Drawing) -> Shown:
        """To the best point of A or B, the first or the last one."""
        pair_of_runs = visitor.measured_pair
        if not pair_of_runs:
            return {}
        epochs = scrub_epochs(pair_of_runs)
        if index < 2:
            run = pair_of_runs[index]
            return await self._go_to(visitor, run.history[run.best or 0].epoch, which, drawing)
        return await self._go_to(visitor, epochs[0 if index == 2 else -1], which, drawing)

    async def _go_to(self, visitor: Visitor, epoch: float, which: Which, drawing: Drawing) -> Shown:
        """The slider goes to the point nearest to an epoch, and everything follows."""
        if not visitor.measured_pair:
            return {}
        place = nearest_place(scrub_epochs(visitor.measured_pair), epoch)
        return {self.position: place, **await self.follow(visitor, place, which, drawing)}

    async def click_cell(self, visitor: Visitor, event: gr.SelectData, which: Which) -> Shown:
        """A cell of a matrix was clicked: shows its images, now and at every point the slider moves to."""
        visitor.cell = chosen_cell(event)
        return await self.look(visitor, which)

    def stop_early(self, visitor: Visitor, patience: Number | None) -> Shown:
        """Where early stopping would have ended each run, one sentence a run."""
        epochs = whole_number(patience, 1, MAX_PATIENCE, PATIENCE)
        sentences = [
            stopping_sentence(name, run.history, epochs, run.experiment.epochs)
            for name, run in zip(NAMES, visitor.measured_pair, strict=False)
        ]
        return {self.stopping: "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)}

    def _reader(self, name: str, run: Run, epoch: float) -> Reader:
        try:
            model = self.lab.visitors.store.checkpoint(run, nearest_point(run, epoch))
        except InvalidCheckpoint:  # the run has diverged
            return Reader(f"Run {name}", f"at epoch {epoch:.3g}", None, name.lower())
        return Reader(f"Run {name}", f"at epoch {model.scores['epoch']:.3g}", model, name.lower())


def _epoch(visitor: Visitor, pair_of_runs: Sequence[Run]) -> float:
    """The epoch looked at: the last one if none was chosen."""
    return scrub_epochs(pair_of_runs)[-1] if visitor.epoch is None else visitor.epoch


def _numbers(pair_of_runs: Sequence[Run], epoch: float) -> str:
    """What the runs measured at an epoch, and which epoch was their best."""
    rows, sentences = [], []
    for name, run in zip(NAMES, pair_of_runs, strict=True):
        point = run.history[nearest_point(run, epoch)]
        texts = [f"{point.epoch:.3g}", f"{point.train_loss:.3f}", f"{point.val_loss:.3f}"]
        texts += [f"{point.train_accuracy:.1%}", f"{point.val_accuracy:.1%}"]
        rows.append(f"<tr>{row_head_html(name)}{''.join(f'<td>{text}</td>' for text in texts)}</tr>")
        sentences.append(note_html(best_sentence(name, run.history)))
    return table_html(HEAD, rows) + "".join(sentences)
