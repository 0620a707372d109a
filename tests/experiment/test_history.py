"""The arithmetic of early stopping and of the best epoch, on histories written by hand."""

import math

import pytest

from mnist_demo.experiment import history
from mnist_demo.experiment.history import Metrics


def points(*val_losses: float, per_epoch: int = 1) -> list[Metrics]:
    return [
        Metrics(
            step=i,
            epoch=i / per_epoch,
            examples_seen=i * 100,
            running_loss=math.nan if i == 0 else 1.0,
            train_loss=0.5,
            train_accuracy=0.9,
            val_loss=loss,
            val_accuracy=1 - abs(loss) if math.isfinite(loss) else 0.1,
        )
        for i, loss in enumerate(val_losses)
    ]


@pytest.mark.parametrize(
    ("val_losses", "expected"),
    [
        ((), None),
        ((math.nan,), None),
        ((math.inf, math.nan), None),
        ((2.3, 0.5, 0.7), 1),
        ((2.3, 0.5, 0.5), 1),
        ((math.nan, 0.9, 0.8), 2),
        ((0.9, -math.inf, 0.8), 2),
        ((0.9, -7.0, 0.8), 1),
    ],
)
def test_best_is_the_earliest_lowest_finite_validation_loss(val_losses: tuple[float, ...], expected: int) -> None:
    assert history.best_index(points(*val_losses)) == expected


def test_most_accurate_is_the_earliest_highest() -> None:
    assert history.most_accurate_index([]) is None
    assert history.most_accurate_index(points(0.9, 0.2, 0.2, 0.5)) == 1


@pytest.mark.parametrize(
    ("val_losses", "patience", "expected"),
    [
        ((2, 1, 3, 3, 3), 0, None),
        ((2, 1, 3, 3, 3), -1, None),
        ((), 1, None),
        ((2, 1, 3, 3, 3), 1, 2),
        ((2, 1, 3, 3, 3), 3, 4),
        ((2, 1, 3, 3, 3), 4, None),
        ((2, 1, 1, 1), 2, 3),  # equal is not better
        ((2, 3, 1, 3, 3), 2, 4),  # the count starts anew at each best
        ((math.nan, math.nan, math.nan), 1, None),  # divergence is not impatience
        ((2, math.nan, math.nan), 2, 2),
    ],
)
def test_stopping(val_losses: tuple[float, ...], patience: int, expected: int | None) -> None:
    assert history.stopping_index(points(*val_losses), patience) == expected


def test_patience_counts_epochs_not_points() -> None:
    assert history.stopping_index(points(1, 2, 2, 2, 2, 2, 2, per_epoch=3), 1) == 3
    assert history.stopping_index(points(1, 2, 2, 2, 2, 2, 2, per_epoch=3), 2) == 6


@pytest.mark.parametrize("per_epoch", [3, 7, 79, 313])
def test_patience_is_over_on_the_point(per_epoch: int) -> None:
    for best in range(per_epoch):  # parts of epochs such as 705 / 313 - 392 / 313 are a little less than 1
        losses = [2.0] * best + [1.0] + [3.0] * (2 * per_epoch + 1)
        assert history.stopping_index(points(*losses, per_epoch=per_epoch), 2) == best + 2 * per_epoch


def test_stopping_never_depends_on_what_comes_later() -> None:
    whole = points(3, 2, 2.5, 1, 2, 2, 0.5, 2)
    for patience in range(1, 5):
        stop = history.stopping_index(whole, patience)
        for length in range(len(whole) + 1):
            expected = stop if stop is not None and stop < length else None
            assert history.stopping_index(whole[:length], patience) == expected


def test_gap_and_finiteness() -> None:
    (point,) = points(0.75)
    assert history.gap(point) == pytest.approx(0.25)
    assert history.is_finite(point)
    assert not history.is_finite(points(math.nan)[0])
    assert not history.is_finite(points(math.inf)[0])
