"""Step by step: the five lines of a training step as buttons, and the numbers after each.

Knows buttons and a table. Does not know what a press does: that is `mnist_demo.learning.step_by_step`. The visitor's
record keeps only which buttons were pressed.
"""

import asyncio
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.knobs import NO_OWN_DIGITS
from mnist_demo.images.data import load_training_data
from mnist_demo.learning.cost import multiply_adds
from mnist_demo.learning.step_by_step import CODE, Bench, Press, Row, replay
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.before.experiment_form import ExperimentForm
from mnist_demo.ui.run_view import difference_text
from mnist_demo.ui.visit import Lab, Shown, note_html, table_html

LATEST = 8  # presses in the table
MAX_MULTIPLY_ADDS = 3e8  # of one batch: each press replays all earlier ones, which then takes under half a second
WHOLE_STEP = tuple(Press)
INTRODUCTION = (
    "Press the lines of the training loop one by one, in this order or in a wrong one, and watch the loss, the length "
    "of each layer's gradient and one single weight."
)


class StepByStep:
    """The panel. Build it inside the current Blocks context."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        gr.HTML(note_html(INTRODUCTION))
        with gr.Row(elem_classes="mnist-steps"):
            buttons = {
                press: gr.Button(CODE[press], size="sm", min_width=210, elem_id=f"press-{press.value}")
                for press in Press
            }
        with gr.Row(elem_classes="mnist-buttons"):
            whole = gr.Button("All six in order", size="sm", min_width=90, elem_id="press-all")
            again = gr.Button("Start again", size="sm", min_width=90, elem_id="press-again")
            self.use_a = gr.Button("Start again with run A's knobs", size="sm", min_width=120, elem_id="press-use-a")
        self.shown = gr.HTML("", elem_id="bench")
        for button, presses in ((whole, WHOLE_STEP), *((button, (press,)) for press, button in buttons.items())):

            async def press(visitor: Visitor, presses: tuple[Press, ...] = presses) -> Shown:
                return await self.press(visitor, presses)

            lab.on(button.click, press, [], [self.shown], trigger_mode="multiple")
        lab.on(again.click, self.start_again, [], [self.shown])

    def connect(self, form: ExperimentForm) -> None:
        """Connects the button that copies the network and knobs of the form's run A to the bench."""

        async def take_run_a(visitor: Visitor, *values: Any) -> Shown:
            visitor.bench = checked(form.read(values).a)
            return await self.start_again(visitor)

        self.lab.on(self.use_a.click, take_run_a, form.inputs, [], tell=self.shown)

    async def press(self, visitor: Visitor, more: tuple[Press, ...]) -> Shown:
        """One press, or several, after the ones before."""
        presses = (*visitor.presses, *more)
        data = await asyncio.to_thread(load_training_data, self.lab.root)
        bench = await self.lab.take_time(replay, visitor.bench, presses, data)
        visitor.presses = presses
        return {self.shown: bench_html(visitor.bench, bench)}

    async def start_again(self, visitor: Visitor) -> Shown:
        """The same network with its initial weights."""
        visitor.presses = ()
        return await self.press(visitor, ())


def checked(experiment: Experiment) -> Experiment:
    """An experiment whose batch is light enough to be replayed, and of MNIST's images alone. Raises RunError."""
    if experiment.own_digits != NO_OWN_DIGITS:
        raise RunError("Own digits are not taken apart here: set My digits to none.")
    if multiply_adds(experiment) * experiment.batch_size > MAX_MULTIPLY_ADDS:
        raise RunError("This network is too large to be taken apart here: use a smaller one or a smaller batch size.")
    return experiment


def bench_html(experiment: Experiment, bench: Bench) -> str:
    """What the last press did, and the numbers after each of the latest presses."""
    knobs = difference_text(Experiment(), experiment).replace("same knobs", "all knobs at their defaults")
    title = note_html(f"Network: {knobs}. The weight is {bench.weight_name}, at first {bench.start:.6f}.")
    if not bench.rows:
        return title
    last = bench.rows[-1]
    kind = "mnist-error" if last.is_refused else "mnist-said"
    said = f'<p class="{kind}" role="status"><code>{CODE[last.press]}</code><br>{escape(last.said)}</p>'
    head = ("Press", "loss", *(f"‖∇‖ {layer}" for layer in bench.layers), "weight", "its gradient")
    rows = [
        _row_html(number, bench.rows[number], bench.rows[number - 1] if number else None, bench.start)
        for number in range(len(bench.rows))
    ]
    return said + table_html(head, rows[-1 : -LATEST - 1 : -1]) + title


def _row_html(number: int, row: Row, before: Row | None, start: float) -> str:
    """One press: its numbers, bold where the press changed them."""
    old = (before.loss, *before.gradient_norms, before.weight, before.gradient) if before else ()
    new = (row.loss, *row.gradient_norms, row.weight, row.gradient)
    old = old or (*[None] * (len(new) - 2), start, None)
    texts = [_text(value, 6 if place == len(new) - 2 else 4) for place, value in enumerate(new)]
    cells = "".join(
        f"<td><b>{text}</b></td>" if value != was else f"<td>{text}</td>"
        for text, value, was in zip(texts, new, old, strict=True)
    )
    word = f"{row.press.value}, refused" if row.is_refused else row.press.value
    return f'<tr><th scope="row">{number + 1} {word}</th>{cells}</tr>'


def _text(value: float | None, digits: int) -> str:
    if value is None:
        return "none"
    return f"{value:.{digits}f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.2e}"
