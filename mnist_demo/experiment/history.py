"""What a run measured, point by point, and what can be read from it without retraining.

Pure functions over numbers: nothing here knows where a point came from or how it is drawn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


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
    changed_answers: float = 0.0  # share of images that get several answers when asked often; 0 in eval mode


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
        elif best is not None and round(point.epoch - best.epoch, 6) >= patience:  # parts of epochs are not exact
            return index
    return None


def gap(point: Metrics) -> float:
    """Validation loss minus training loss (both with dropout off): what overfitting widens."""
    return point.val_loss - point.train_loss


def is_finite(point: Metrics) -> bool:
    """Whether both losses are ordinary numbers."""
    return math.isfinite(point.train_loss) and math.isfinite(point.val_loss)
