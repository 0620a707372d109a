"""Which images a network gets wrong, and how sure it was. Returns arrays, not pictures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.images.data import load_validation_data
from mnist_demo.inference.evaluation import Evaluation, evaluate
from mnist_demo.inference.recognize import Refusal, calibrated
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.learning.cost import image_count

MOST_MISTAKES = 20
MULTIPLY_ADDS = 1e11  # a few seconds of one core (2026-11-23): a larger network gets fewer images


@dataclass(frozen=True)
class Mistakes:
    """The M mistakes of a network, the ones it was most sure of first."""

    count: int
    images: int  # how many were tested
    places: tuple[int, ...]  # (M,), indices of the images
    labels: NDArray[np.int64]  # (M,)
    answers: NDArray[np.int64]  # (M,)
    sureness: NDArray[np.float32]  # (M,), calibrated


def find_mistakes(model: Checkpoint, root: Path) -> Mistakes:
    """Tests the network on the validation images; `root` is where torchvision finds MNIST. Takes seconds.

    Raises InvalidCheckpoint if the answers of the network are not finite.
    """
    val = load_validation_data(root)
    val = val.first(image_count(model.experiment, MULTIPLY_ADDS, len(val)))
    return mistakes_of(model, evaluate(model, val))


def mistakes_of(model: Checkpoint, evaluation: Evaluation) -> Mistakes:
    """The mistakes among the answers that the network has given. Raises InvalidCheckpoint unless they are finite."""
    if not np.isfinite(evaluation.probabilities).all():
        raise InvalidCheckpoint(Refusal.NO_NUMBER)
    sureness = calibrated(evaluation.probabilities, model).max(axis=1)
    wrong = np.flatnonzero(evaluation.predictions != evaluation.labels)
    surest = wrong[np.argsort(-sureness[wrong], kind="stable")][:MOST_MISTAKES]
    return Mistakes(
        count=len(wrong),
        images=len(evaluation.labels),
        places=tuple(surest.tolist()),
        labels=evaluation.labels[surest],
        answers=evaluation.predictions[surest],
        sureness=sureness[surest],
    )
