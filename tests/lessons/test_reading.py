"""The words and the small language of claims."""

import math

import pytest

from mnist_demo.experiment.history import Metrics
from mnist_demo.lessons.reading import Reading, is_true


def _point(epoch: int, val_loss: float, val_accuracy: float, running_loss: float = 0.5) -> Metrics:
    return Metrics(epoch * 10, float(epoch), epoch * 100, running_loss, 0.1, 0.9, val_loss, val_accuracy)


HISTORY = (
    _point(0, 2.3, 0.1, math.nan),
    _point(1, 0.6, 0.8),
    _point(2, 0.4, 0.85),
    _point(3, 0.7, 0.75),
    *(_point(epoch, 0.8, 0.84) for epoch in range(4, 21)),
)


def test_reading_finds_the_points_that_lessons_speak_of() -> None:
    reading = Reading(HISTORY)
    assert (reading.first.epoch, reading.best.epoch, reading.most_accurate.epoch, reading.last.epoch) == (0, 2, 2, 20)
    assert reading.rise == pytest.approx(0.4)
    assert reading.fall == pytest.approx(0.01)
    assert reading.swing == pytest.approx(0.1)
    assert reading.gap == pytest.approx(0.7)
    assert reading.early_best == pytest.approx(0.85)
    assert not reading.diverged


def test_nan_is_divergence_and_the_untrained_network_is_not() -> None:
    assert Reading((*HISTORY, _point(21, math.nan, 0.1))).diverged
    assert Reading((*HISTORY, _point(21, 0.7, 0.1, math.nan))).diverged
    assert not Reading(HISTORY[:1]).diverged


def test_claims_compare_and_calculate() -> None:
    readings = {"a": Reading(HISTORY), "b": Reading(HISTORY[:2])}
    assert is_true("a.last.val_accuracy - b.last.val_accuracy >= 0.03", readings)
    assert is_true("abs(b.rise) <= 0.01 and not a.diverged", readings)
    assert not is_true("a.rise <= b.rise / 2 or a.fall > 1", readings)


@pytest.mark.parametrize(
    "expression",
    ["__import__('os')", "a.__class__", "open('x')", "c.last.epoch", "[a for a in b]", "a.last.epoch := 1"],
)
def test_claims_cannot_say_anything_else(expression: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        is_true(expression, {"a": Reading(HISTORY), "b": Reading(HISTORY)})
