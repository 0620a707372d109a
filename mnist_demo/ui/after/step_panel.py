"""Step by step: the five lines of a training step as buttons, and what each leaves behind.

Knows buttons and a table. What a press does is `mnist_demo.learning.step_by_step`; the visit keeps only which were
pressed.
"""

import asyncio
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.errors import MnistLabError, RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import load_training_data
from mnist_demo.learning.cost import multiply_adds
from mnist_demo.learning.step_by_step import CODE, Bench, Press, Row, replay
from mnist_demo.ui.before.experiment_form import ExperimentForm
from mnist_demo.ui.run_view import difference_text
from mnist_demo.ui.visit import QUICK, Visit, error_html, note_html

LATEST = 8  # presses in the table
MAX_MULTIPLY_ADDS = 3e8  # of one batch: all presses are replayed at each, which then takes under half a second
WHOLE_STEP = tuple(Press)
INTRODUCTION = (
    "Press the lines of the training loop one by one, in this order or in a wrong one, and watch the loss, the length "
    "of each layer's gradient and one single weight."
)


@dataclass(frozen=True)
class Pressed:
    """What the page remembers: the network and the presses so far."""

    experiment: Experiment
    presses: tuple[Press, ...] = ()


class StepByStep:
    """The panel. Build it inside the current Blocks context."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.pressed = pressed = gr.State(Pressed(Experiment()))
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
        self.shown = shown = gr.HTML("", elem_id="bench")
        quick: dict[str, Any] = {**QUICK, "trigger_mode": "multiple"}
        for press, button in buttons.items():

            async def one(before: Any, press: Press = press) -> tuple[Any, str]:
                return await self.press(before, (press,))

            button.click(one, pressed, [pressed, shown], **quick)
        whole.click(self.press_all, pressed, [pressed, shown], **quick)
        again.click(self.start_again, pressed, [pressed, shown], **quick)

    def connect(self, form: ExperimentForm) -> None:
        """Lets the bench take the network and knobs of the form's run A."""

        async def take_run_a(*values: Any) -> tuple[Any, str]:
            try:
                experiment = checked(form.read(values).a)
            except MnistLabError as error:
                return gr.skip(), error_html(error)
            return await self.press(Pressed(experiment), ())

        self.use_a.click(take_run_a, form.inputs, [self.pressed, self.shown], **QUICK)

    async def press(self, before: Any, more: tuple[Press, ...]) -> tuple[Any, str]:
        """One press, or several, after the ones before."""
        now = before if isinstance(before, Pressed) else Pressed(Experiment())
        after = Pressed(now.experiment, (*now.presses, *more))
        try:
            return after, await self._bench_html(after)
        except MnistLabError as error:
            return gr.skip(), error_html(error)

    async def press_all(self, before: Any) -> tuple[Any, str]:
        """A whole training step in the right order."""
        return await self.press(before, WHOLE_STEP)

    async def start_again(self, before: Any) -> tuple[Any, str]:
        """The same network with its initial weights."""
        experiment = before.experiment if isinstance(before, Pressed) else Experiment()
        return await self.press(Pressed(experiment), ())

    async def _bench_html(self, pressed: Pressed) -> str:
        data = await asyncio.to_thread(load_training_data, self.visit.root)
        bench = await asyncio.to_thread(replay, pressed.experiment, pressed.presses, data)
        return bench_html(pressed.experiment, bench)


def checked(experiment: Experiment) -> Experiment:
    """An experiment whose batch is light enough to be replayed. Raises RunError."""
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
    layers = "".join(f'<th scope="col">‖∇‖ {escape(layer)}</th>' for layer in bench.layers)
    head = (
        f'<th scope="col">Press</th><th scope="col">loss</th>{layers}'
        '<th scope="col">weight</th><th scope="col">its gradient</th>'
    )
    rows = [
        _row_html(number, bench.rows[number], bench.rows[number - 1] if number else None, bench.start)
        for number in range(len(bench.rows))
    ]
    table = f"<thead><tr>{head}</tr></thead><tbody>{''.join(reversed(rows[-LATEST:]))}</tbody>"
    return f'{said}<div class="mnist-wide"><table class="mnist-numbers">{table}</table></div>{title}'


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
