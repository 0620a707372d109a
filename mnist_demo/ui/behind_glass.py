"""The test images, behind glass: what two finished networks score on images that decided nothing.

Knows the button, the table and how often the glass was broken. What is measured belongs to `evaluation`.
"""

import asyncio
from typing import Any

import gradio as gr

from mnist_demo.errors import MnistLabError
from mnist_demo.evaluation import evaluate_on_test
from mnist_demo.runs import Run
from mnist_demo.ui.looking_back import image_count
from mnist_demo.ui.run_view import NAMES
from mnist_demo.ui.visit import Visit, error_html, note_html

TEST_IMAGES = 10_000
MULTIPLY_ADDS_PER_TEST = 5e10  # some 5 seconds of one core (2026-11-23)
CERTAINTY = 1.96  # standard deviations to either side of a mean hold 95 % of what chance does
WHY = (
    "No network here has seen MNIST's 10,000 test images, and nothing was chosen by them. Ask them last: whoever "
    "chooses a network by its test score has made a second set of validation images."
)
EMPTY = "Train a pair first."
BUSY = "Wait until the training has ended: the test images are for finished networks."


class BehindGlass:
    """The panel. Build it inside the current Blocks context."""

    def __init__(self, visit: Visit, current: gr.State) -> None:
        self.visit = visit
        self.gate = asyncio.Semaphore(1)
        times = gr.State(0)  # that the glass was broken in this visit
        gr.HTML(note_html(WHY))
        button = gr.Button("Break the glass: ask the test images about A and B", size="sm", elem_id="break-glass")
        result = gr.HTML("", elem_id="test-scores")
        button.click(
            self.ask,
            [current, times],
            [result, times],
            show_progress="minimal",
            concurrency_limit=None,
            api_visibility="private",
        )

    async def ask(self, ids: Any, times: Any, request: gr.Request) -> tuple[str, int]:
        """The table of scores, and how often the glass has been broken now."""
        count = times if isinstance(times, int) and 0 <= times < 1_000_000 else 0
        pair_of_runs = [run for run in self.visit.runs(ids, request) if run.history]
        if not pair_of_runs:
            return note_html(EMPTY), count
        if any(run.is_busy for run in pair_of_runs):
            return note_html(BUSY), count
        try:
            rows = [await self._row(name, run) for name, run in zip(NAMES, pair_of_runs, strict=False)]
        except MnistLabError as error:
            return error_html(error), count
        head = "".join(f'<th scope="col">{title}</th>' for title in ("Run", "Best epoch", "Val. acc.", "Test acc."))
        table = f'<table class="mnist-numbers"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        return f'<div class="mnist-wide">{table}</div>{note_html(broken_sentence(count + 1))}', count + 1

    async def _row(self, name: str, run: Run) -> str:
        """One run's best network (lowest validation loss) on the test images."""
        dot = f'<i class="mnist-dot mnist-dot-{name.lower()}"></i>{name}'
        if run.best is None:
            return f'<tr><th scope="row">{dot}</th><td>–</td><td>–</td><td>never had a finite loss</td></tr>'
        images = image_count(run.experiment, MULTIPLY_ADDS_PER_TEST, TEST_IMAGES)
        checkpoint = self.visit.store.checkpoint(run, run.best)
        async with self.gate:
            test = await asyncio.to_thread(evaluate_on_test, checkpoint, self.visit.root, images)
        point = run.history[run.best]
        score = score_text(test.accuracy, images) + (f" of the first {images:,}" if images < TEST_IMAGES else "")
        return (
            f'<tr><th scope="row">{dot}</th><td>{point.epoch:.3g}</td><td>{point.val_accuracy:.1%}</td>'
            f"<td><b>{score}</b></td></tr>"
        )


def score_text(accuracy: float, images: int) -> str:
    """An accuracy and how far chance alone may move it, "98.12% ± 0.27%"."""
    spread = CERTAINTY * (accuracy * (1 - accuracy) / images) ** 0.5
    return f"{accuracy:.2%} ± {spread:.2%}"


def broken_sentence(times: int) -> str:
    """What the scores are worth, now that they have been asked for so often."""
    chance = "± is what chance alone moves in 95 of 100 such sets of images."
    if times == 1:
        return f"{chance} You have asked once: these scores are honest."
    return f"{chance} You have asked {times} times: if a score made you change a knob, it says less than it seems."
