"""Measures what a trained network gets right and wrong. Returns arrays; does not draw pictures.

The only module that opens the 10,000 test images. They are for testing a finished network once.
To choose between networks, use the validation images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mnist_demo.images.data import CLASSES, Split, load_test, normalize
from mnist_demo.learning import devices
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.learning.losses import EVALUATION_BATCH

OPENINGS = "test-images-opened"
DEVIATIONS = 1.96  # standard deviations to either side of a mean that hold 95% of random results


@dataclass(frozen=True)
class Evaluation:
    """A network's answers on a split of N images."""

    log_probabilities: NDArray[np.float32]  # (N, 10); logarithms, because a probability of e^-200 is 0 in float32
    labels: NDArray[np.int64]  # (N,)
    asked: int | None = None  # tests on the test images on this machine so far, with this one

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(N, 10)."""
        shares: NDArray[np.float32] = np.exp(self.log_probabilities)
        return shares

    @property
    def predictions(self) -> NDArray[np.int64]:
        """Most probable digit of each image, (N,)."""
        digits: NDArray[np.int64] = self.log_probabilities.argmax(axis=1)
        return digits

    @property
    def accuracy(self) -> float:
        """Share of images whose prediction is right."""
        return float((self.predictions == self.labels).mean())

    @property
    def loss(self) -> float:
        """Mean cross-entropy: minus the log of the probability given to the right digit."""
        return float(-self.log_probabilities[np.arange(len(self.labels)), self.labels].mean())

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts (10, 10): row = the right digit, column = the answer."""
        counts = np.zeros((CLASSES, CLASSES), dtype=np.int64)
        np.add.at(counts, (self.labels, self.predictions), 1)
        return counts


@dataclass(frozen=True)
class CalibrationBin:
    """The answers whose confidence lies in one interval, to compare confidence with accuracy."""

    low: float
    high: float
    answers: int  # at least one
    confidence: float  # mean
    accuracy: float


def calibration_bins(
    confidences: NDArray[np.floating], is_right: NDArray[np.bool_], count: int
) -> list[CalibrationBin]:
    """Confidences (N,) in [0, 1] and whether each answer was right, in `count` equal bins; empty ones left out."""
    numbers = np.clip((confidences * count).astype(int), 0, count - 1)
    bins = []
    for number in np.unique(numbers):
        chosen = numbers == number
        confidence, accuracy = float(confidences[chosen].mean()), float(is_right[chosen].mean())
        bins.append(CalibrationBin(number / count, (number + 1) / count, int(chosen.sum()), confidence, accuracy))
    return bins


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Expected calibration error: how far confidence and accuracy lie apart in the bins, on average over answers.

    Needs at least one bin. After Naeini et al., "Obtaining well calibrated probabilities using Bayesian
    binning" (2015).
    """
    gaps = sum(some.answers * abs(some.confidence - some.accuracy) for some in bins)
    return gaps / sum(some.answers for some in bins)


def interval(right: int, images: int) -> tuple[float, float]:
    """95% interval for the accuracy on infinitely many such images (Wilson's score interval, 1927)."""
    share, weight = right / images, DEVIATIONS**2 / images
    middle = (share + weight / 2) / (1 + weight)
    half = DEVIATIONS * (share * (1 - share) / images + weight / (4 * images)) ** 0.5 / (1 + weight)
    return max(middle - half, 0.0), min(middle + half, 1.0)


@torch.no_grad()
def evaluate(checkpoint: Checkpoint, split: Split) -> Evaluation:
    """The answers of a checkpoint's network, dropout off, to every image of a split."""
    checkpoint.model.eval()
    batches = [
        torch.log_softmax(checkpoint.model(normalize(images, checkpoint.experiment.normalize)), dim=1)
        for images in torch.split(split.images.to(devices.of(checkpoint.model)), EVALUATION_BATCH)
    ]
    return Evaluation(torch.cat(batches).cpu().numpy(), split.labels.numpy())


def evaluate_on_test(checkpoint: Checkpoint, root: Path, count: int | None = None) -> Evaluation:
    """The same on MNIST's 10,000 test images, or on `count` of them, evenly spread because the first half are harder.

    Each such test is counted in a file beside the images in `root`.
    """
    test = load_test(root)
    count = count or len(test)
    chosen = torch.arange(count) * len(test) // count
    answers = evaluate(checkpoint, Split(test.images[chosen], test.labels[chosen]))
    return replace(answers, asked=_count_opening(root))


def _count_opening(root: Path) -> int | None:
    """Counts one more test, from the page or the command line; None if the file cannot be written.

    Each test appends one byte, which needs no lock. The length of the file is the count.
    """
    try:
        with (root / OPENINGS).open("ab") as file:
            file.write(b".")
            file.flush()
            return file.tell()
    except OSError:
        return None
