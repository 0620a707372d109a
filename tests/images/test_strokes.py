"""Skeletons and pens: what is drawn can be traced, and what is traced can be drawn."""

import numpy as np
import pytest

from mnist_demo.images import strokes
from mnist_demo.images.data import TrainingData


def test_the_skeleton_of_a_thick_line_is_the_line() -> None:
    drawn = strokes.draw([np.array([[20.0, 20], [100, 20]])], 120, 9)
    skeleton = strokes.thin(drawn > 100)
    rows, columns = np.nonzero(skeleton)
    assert np.abs(rows - 20).max() <= 1
    assert columns.max() - columns.min() > 70
    assert skeleton.sum() < 100


def test_a_loop_stays_a_loop_and_a_cross_has_four_arms() -> None:
    angle = np.linspace(0, 2 * np.pi, 50)
    ring = np.stack([60 + 30 * np.cos(angle), 60 + 30 * np.sin(angle)], axis=1)
    traced = strokes.trace(strokes.thin(strokes.draw([ring], 120, 8) > 100), min_length=5)
    assert len(traced) == 1
    assert np.hypot(*(traced[0][0] - traced[0][-1])) < 2
    cross = [np.array([[20.0, 30], [100, 90]]), np.array([[20.0, 90], [100, 35]])]
    arms = [s for s in strokes.trace(strokes.thin(strokes.draw(cross, 120, 8) > 100), 5) if len(s) > 20]
    assert len(arms) == 4


def test_redrawn_digits_cover_the_digits(training_data: TrainingData) -> None:
    shares = []
    for image in training_data.val.images[:30].numpy():
        redrawn = strokes.draw([s * 4 for s in strokes.from_picture(image)], 112, 12)
        digit = image.repeat(4, 0).repeat(4, 1) > 128
        shares.append((redrawn[digit] > 128).mean())
    assert np.mean(shares) > 0.85
    assert min(shares) > 0.6


@pytest.mark.parametrize("brush", [6, 28])
def test_a_brush_is_as_wide_as_it_says(brush: int) -> None:
    drawn = strokes.draw([np.array([[20.0, 60], [100, 60]])], 120, brush)
    assert (drawn[:, 60] > 127).sum() == pytest.approx(brush, abs=1)
    assert (drawn[60] > 127).sum() == pytest.approx(80 + brush, abs=2)


def test_a_dot_is_a_stroke() -> None:
    drawn = strokes.draw([np.array([[50.0, 50], [50, 50]])], 100, 10)
    assert (drawn > 127).sum() == pytest.approx(np.pi * 25, rel=0.2)
