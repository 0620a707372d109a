"""What a run measured, point by point, and what can be read from it without retraining.

Pure functions of numbers. Does not know how a point was measured or how it is drawn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probe:
    """Measurements at one point besides loss and accuracy: the evidence that hints cite. Numbers, not causes.

    The first four are means over the images of the training loss, from the same logits. Layers go from the image to
    the logits; in a convolution, a unit is a channel. None: there was no update yet.
    """

    cross_entropy: float  # of the logits, whatever loss the run is trained with
    probability_cross_entropy: float  # of the probabilities, used as logits
    label_probability: float  # mean probability of the label
    label_logit: float  # the label's logit
    confidence: float  # mean of the highest probability, on validation images
    sure_mistakes: float  # share of the wrong validation answers that were over 90% sure; 0 where none is wrong
    wrong: str  # which of the first 512 validation images were answered wrong: a bit each, first image last, as hex
    common_answer: float  # share of the validation images that got the most frequent answer
    blank_loss: float  # cross-entropy if every training image got the answer to a blank image
    input_size: float  # largest absolute pixel value that the network gets
    weight_norm: float  # length of all weights together
    spreads: tuple[float, ...]  # of each hidden layer: standard deviation over images, mean over its units
    stuck: tuple[float, ...]  # of each hidden layer: share of units with a slope of about 0 on every image
    gradients: tuple[float, ...]  # of each layer with weights: length of the gradient of the run's own loss
    update: float | None  # length of the last update, as a share of the length of all weights
    left_over: float | None  # gradient before backward(), as a share of that after it; 0 if cleared
    label_changes: float | None  # share of neighbours in the epoch's order that have different labels
    moved_accuracy: float | None = None  # on the first 256 validation images, moved three pixels to the right
    slanted_accuracy: float | None = None  # on the same, slanted as the sample of own digits is


@dataclass(frozen=True, slots=True)
class Metrics:
    """One evaluated point of a run. Losses are means per image; accuracies are shares in [0, 1]."""

    step: int  # optimizer updates so far
    epoch: float  # passes over the training images so far
    examples_seen: int
    running_loss: float  # mean of the batch losses since the last point, dropout on; NaN at step 0
    train_loss: float  # on a fixed slice of the training images, dropout off
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    changed_answers: float = 0.0  # share of images with several answers in repeated tests; 0 in eval mode
    probe: Probe | None = None


History = Sequence[Metrics]


def best_index(history: History) -> int | None:
    """Index of the lowest finite validation loss; the earliest of equals; None if there is none."""
    finite = [i for i, point in enumerate(history) if math.isfinite(point.val_loss)]
    return min(finite, key=lambda i: history[i].val_loss, default=None)


def most_accurate_index(history: History) -> int | None:
    """Index of the highest validation accuracy; the earliest of equals; None if nothing was measured."""
    return max(range(len(history)), key=lambda i: history[i].val_accuracy, default=None)


def stopping_index(history: History, patience: int) -> int | None:
    """Index of the point at which early stopping ends the run, or None while it goes on.

    It ends at the first point that lies `patience` epochs after the best one so far without having
    beaten it (Prechelt, "Early stopping, but when?", 1998). Patience 0 never ends a run.
    """
    if patience <= 0:
        return None
    best: Metrics | None = None
    for index, point in enumerate(history):
        if math.isfinite(point.val_loss) and (best is None or point.val_loss < best.val_loss):
            best = point
        elif best is not None and round(point.epoch - best.epoch, 6) >= patience:  # fractions of epochs are not exact
            return index
    return None


def gap(point: Metrics) -> float:
    """Validation loss minus training loss (both with dropout off): it grows with overfitting."""
    return point.val_loss - point.train_loss


def is_finite(point: Metrics) -> bool:
    """Whether both losses are ordinary numbers."""
    return math.isfinite(point.train_loss) and math.isfinite(point.val_loss)
