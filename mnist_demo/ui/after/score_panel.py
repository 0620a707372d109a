"""The test images: what the two networks score on images that were not used to choose anything.

Knows the button, the table and how often it was asked. Does not know how scores are measured: `serving.scores` does.
"""

import asyncio
from collections.abc import Sequence

import gradio as gr

from mnist_demo.inference.evaluation import interval
from mnist_demo.serving.scores import Score, comparison_sentence, scores_on_test
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.run_view import NAMES, row_head_html
from mnist_demo.ui.visit import Lab, Shown, note_html, table_html

WHY = (
    "No network here was trained on MNIST's 10,000 test images, and nothing was chosen by them. Use them last: if you "
    "choose a network by its test score, they become a second set of validation images."
)
EMPTY = "Train a pair first."
HEAD = ("Run", "Best epoch", "Val. acc.", "Test acc.", "95% interval")


class ScorePanel:
    """The panel. Build it inside the current Blocks context."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.gate = asyncio.Semaphore(1)
        gr.HTML(note_html(WHY))
        button = gr.Button("Test A and B on the test images", size="sm", elem_id="break-glass")
        self.result = gr.HTML("", elem_id="test-scores")
        queued = {"queue": True, "concurrency_limit": None, "show_progress": "minimal"}
        lab.on(button.click, self.ask, [], [], tell=self.result, **queued)

    @property
    def outputs(self) -> list[gr.HTML]:
        """What `clear` empties."""
        return [self.result]

    def clear(self) -> Shown:
        """Removes the scores of networks that are no longer on the page."""
        return {self.result: ""}

    async def ask(self, visitor: Visitor) -> Shown:
        """The table of scores, and how often the test images have been used so far."""
        if not visitor.measured_pair:
            return {self.result: note_html(EMPTY)}
        async with self.gate:
            scores = await asyncio.to_thread(scores_on_test, visitor.measured_pair, visitor.store, self.lab.root)
        visitor.tests_asked += 1
        table = table_html(HEAD, [_row(name, score) for name, score in zip(NAMES, scores, strict=True)])
        words = f"{comparison_sentence(scores)} {asked_sentence(visitor.tests_asked)} {machine_sentence(scores)}"
        return {self.result: f'<div role="status">{table}{note_html(words)}</div>'}


def _row(name: str, score: Score | None) -> str:
    head = row_head_html(name)
    if score is None:
        return f"<tr>{head}<td>–</td><td>–</td><td>diverged</td><td>–</td></tr>"
    right, images = int(score.is_right.sum()), len(score.is_right)
    low, high = interval(right, images)
    return (
        f"<tr>{head}<td>{score.point.epoch:.3g}</td><td>{score.point.val_accuracy:.1%}</td>"
        f"<td><b>{right / images:.2%}</b></td><td>{low:.2%} to {high:.2%}</td></tr>"
    )


def asked_sentence(times: int) -> str:
    """How far to trust the scores after they were asked for so many times."""
    if times == 1:
        return "You have tested once: these scores are a fair estimate."
    return f"You have tested {times} times: if a score made you change a knob, the scores are no longer fair."


def machine_sentence(scores: Sequence[Score | None]) -> str:
    """How many networks the test images have scored here, from this page, other visits and the command line."""
    asked = max((score.networks_asked or 0 for score in scores if score), default=0)
    return f"On this machine {asked:,} networks have been tested on them so far." if asked else ""
