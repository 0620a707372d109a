"""The test images, behind glass: what the two networks score on images that decided nothing.

Knows the button, the table and how often the glass was broken. What is measured belongs to `evaluation`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from mnist_demo.errors import MnistLabError
from mnist_demo.experiment.history import Metrics
from mnist_demo.inference.evaluation import evaluate_on_test, interval
from mnist_demo.learning.cost import image_count
from mnist_demo.serving.runs import Run
from mnist_demo.ui.run_view import NAMES, row_head_html
from mnist_demo.ui.visit import QUICK, Visit, error_html, note_html, table_html

TEST_IMAGES = 10_000
MULTIPLY_ADDS_PER_TEST = 1e11  # of each run; a few seconds of one core (2026-11-23)
WHY = (
    "No network here has seen MNIST's 10,000 test images, and nothing was chosen by them. Ask them last: whoever "
    "chooses a network by its test score has made a second set of validation images."
)
EMPTY = "Train a pair first."
BUSY = "Wait until the training has ended, or stop it."
DIVERGED = "Neither run ever had a finite validation loss: there is no network to test."
HEAD = ("Run", "Best epoch", "Val. acc.", "Test acc.", "95% interval")


@dataclass(frozen=True)
class _Score:
    """One run's best network on the test images."""

    point: Metrics  # where the validation loss was lowest
    is_right: NDArray[np.bool_]  # (N,)


class BehindGlass:
    """The panel. Build it inside the current Blocks context."""

    def __init__(self, visit: Visit, current: gr.State, finished: gr.State) -> None:
        """`current` holds the ids of runs A and B; `finished` changes when a training ends or stops."""
        self.visit = visit
        self.gate = asyncio.Semaphore(1)
        times = gr.State(0)  # that the glass was broken in this visit
        gr.HTML(note_html(WHY))
        button = gr.Button("Break the glass: ask the test images about A and B", size="sm", elem_id="break-glass")
        result = gr.HTML("", elem_id="test-scores")
        options: dict[str, Any] = {"concurrency_limit": None, "api_visibility": "private"}
        button.click(self.ask, [current, times], [result, times], show_progress="minimal", **options)
        # Scores of networks that are no longer on the page.
        gr.on([current.change, finished.change], lambda: "", None, result, **QUICK)

    async def ask(self, ids: Any, times: Any, request: gr.Request) -> tuple[str, int]:
        """The table of scores, and how often the glass has been broken now."""
        count = times if isinstance(times, int) and 0 <= times < 1_000_000 else 0
        pair_of_runs = self.visit.runs(ids, request)
        if len(pair_of_runs) != 2 or not all(run.history for run in pair_of_runs):
            return note_html(EMPTY), count
        if any(run.is_busy for run in pair_of_runs):
            return note_html(BUSY), count
        if all(run.best is None for run in pair_of_runs):
            return note_html(DIVERGED), count
        try:
            async with self.gate:
                scores = await asyncio.to_thread(self._scores, [(run, run.best) for run in pair_of_runs])
        except MnistLabError as error:
            return error_html(error), count
        table = table_html(HEAD, [_row(name, score) for name, score in zip(NAMES, scores, strict=True)])
        words = f"{comparison_sentence(scores)} {broken_sentence(count + 1)}"
        return f'<div role="status">{table}{note_html(words)}</div>', count + 1

    def _scores(self, asked: Sequence[tuple[Run, int | None]]) -> list[_Score | None]:
        """Each run's score at its best point, on the same images; None for a run that has none."""
        images = min(image_count(run.experiment, MULTIPLY_ADDS_PER_TEST, TEST_IMAGES) for run, _ in asked)
        scores: list[_Score | None] = []
        for run, best in asked:
            if best is None:
                scores.append(None)
                continue
            test = evaluate_on_test(self.visit.store.checkpoint(run, best), self.visit.root, images)
            scores.append(_Score(run.history[best], test.predictions == test.labels))
        return scores


def _row(name: str, score: _Score | None) -> str:
    head = row_head_html(name)
    if score is None:
        return f"<tr>{head}<td>–</td><td>–</td><td>diverged</td><td>–</td></tr>"
    right, images = int(score.is_right.sum()), len(score.is_right)
    low, high = interval(right, images)
    return (
        f"<tr>{head}<td>{score.point.epoch:.3g}</td><td>{score.point.val_accuracy:.1%}</td>"
        f"<td><b>{right / images:.2%}</b></td><td>{low:.2%} to {high:.2%}</td></tr>"
    )


def comparison_sentence(scores: Sequence[_Score | None]) -> str:
    """Which images tell the two networks apart; they were asked the same ones."""
    known = [score for score in scores if score is not None]
    images = len(known[0].is_right)
    text = (
        "" if images == TEST_IMAGES else f"Asked {images:,} of the test images, evenly spread: the network is large. "
    )
    if len(known) < 2:
        return text
    a, b = (score.is_right for score in known)
    return f"{text}A alone is right on {int((a & ~b).sum()):,} images, B alone on {int((b & ~a).sum()):,}."


def broken_sentence(times: int) -> str:
    """What the scores are worth, now that they have been asked for so often."""
    if times == 1:
        return "You have asked once: these scores are honest."
    return f"You have asked {times} times: if a score made you change a knob, it says less than it seems."
