"""What a pair of runs scores on the test images: each run's best network, both asked the same images.

Knows runs and what asking costs. How often anybody has asked is for the visitor's record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_demo.errors import RunError
from mnist_demo.experiment.history import Metrics
from mnist_demo.inference.evaluation import evaluate_on_test
from mnist_demo.learning.cost import image_count
from mnist_demo.serving.runs import Run, RunStore

TEST_IMAGES = 10_000
MULTIPLY_ADDS_PER_TEST = 1e11  # of each run; a few seconds of one core (2026-11-23)
BUSY = "Wait until the training has ended, or stop it."
DIVERGED = "Neither run ever had a finite validation loss: there is no network to test."


@dataclass(frozen=True)
class Score:
    """One run's best network on the test images."""

    point: Metrics  # where the validation loss was lowest
    is_right: NDArray[np.bool_]  # (N,)
    networks_asked: int | None  # on this machine so far, by whomever; None where that cannot be counted


def scores_on_test(pair_of_runs: Sequence[Run], store: RunStore, root: Path) -> list[Score | None]:
    """Each run's score at its best point, on the same images; None for a run without one.

    Takes seconds. Raises RunError while a run trains, and where none has a best point.
    """
    if any(run.is_busy for run in pair_of_runs):
        raise RunError(BUSY)
    if all(run.best is None for run in pair_of_runs):
        raise RunError(DIVERGED)
    images = min(image_count(run.experiment, MULTIPLY_ADDS_PER_TEST, TEST_IMAGES) for run in pair_of_runs)
    scores: list[Score | None] = []
    for run in pair_of_runs:
        best = run.best
        if best is None:
            scores.append(None)
            continue
        test = evaluate_on_test(store.checkpoint(run, best), root, images)
        scores.append(Score(run.history[best], test.predictions == test.labels, test.asked))
    return scores


def comparison_sentence(scores: Sequence[Score | None]) -> str:
    """Which images tell the two networks apart; they were asked the same ones."""
    known = [score for score in scores if score is not None]
    images = len(known[0].is_right)
    asked = f"Only {images:,} test images were used, evenly spread, because the network is large. "
    text = "" if images == TEST_IMAGES else asked
    if len(known) < 2:
        return text
    a, b = (score.is_right for score in known)
    return f"{text}A alone is right on {int((a & ~b).sum()):,} images, B alone on {int((b & ~a).sum()):,}."
