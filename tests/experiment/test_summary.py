"""What lessons and hints say of a run: its points, its rise and fall, and whether it diverged."""

import math

import pytest

from mnist_demo.experiment.history import Metrics
from mnist_demo.experiment.summary import RunSummary


def _point(epoch: int, val_loss: float, val_accuracy: float, running_loss: float = 0.5) -> Metrics:
    return Metrics(epoch * 10, float(epoch), epoch * 100, running_loss, 0.1, 0.9, val_loss, val_accuracy)


HISTORY = (
    _point(0, 2.3, 0.1, math.nan),
    _point(1, 0.6, 0.8),
    _point(2, 0.4, 0.85),
    _point(3, 0.7, 0.75),
    *(_point(epoch, 0.8, 0.84) for epoch in range(4, 21)),
)


def test_summary_finds_the_points_that_lessons_speak_of() -> None:
    summary = RunSummary(HISTORY)
    assert (summary.first.epoch, summary.best.epoch, summary.most_accurate.epoch, summary.last.epoch) == (0, 2, 2, 20)
    assert summary.rise == pytest.approx(0.4)
    assert summary.fall == pytest.approx(0.01)
    assert summary.swing == pytest.approx(0.1)
    assert summary.gap == pytest.approx(0.7)
    assert summary.early_best == pytest.approx(0.85)
    assert not summary.diverged


def test_nan_is_divergence_and_the_untrained_network_is_not() -> None:
    assert RunSummary((*HISTORY, _point(21, math.nan, 0.1))).diverged
    assert RunSummary((*HISTORY, _point(21, 0.7, 0.1, math.nan))).diverged
    assert not RunSummary(HISTORY[:1]).diverged
