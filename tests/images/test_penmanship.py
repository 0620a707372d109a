"""The development drawings: the same for everyone, and what their conditions say they are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_demo.images import ink
from mnist_demo.images.data import TrainingData
from mnist_demo.images.penmanship import CONDITIONS, NON_DIGITS, Condition, Hand, Traced
from mnist_demo.images.strokes import Stroke

BY_NAME = {condition.name: condition for condition in CONDITIONS}


@pytest.fixture(scope="module")
def hand(training_data: TrainingData) -> Hand:
    return Hand(Traced(training_data.val.first(200)))


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_a_condition_draws_its_digits_on_its_canvas(hand: Hand, condition: Condition) -> None:
    drawings = list(hand.drawings(condition, 10))
    assert {drawing.digit for drawing in drawings} == set(condition.digits)
    for drawing, again in zip(drawings, hand.drawings(condition, 10), strict=True):
        assert drawing.ink.shape == (condition.side, condition.side)
        assert drawing.ink.dtype == np.uint8
        np.testing.assert_array_equal(drawing.ink, again.ink)
        share = max(ink.crop(drawing.ink).shape) / condition.side
        smallest = max(condition.size[0], 2 * condition.brush[0] / condition.side)
        assert smallest - 0.06 < share < max(condition.size[1], 2 * condition.brush[1] / condition.side) + 0.06


class Recorded:
    """Digits that are dots, and remember which of them were asked for."""

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self.labels = labels
        self.asked: set[int] = set()

    def written(self, index: int) -> list[Stroke]:
        self.asked.add(index)
        return [np.array([[0.0, 0.0], [1.0, 1.0]])]


@pytest.mark.parametrize("condition", ["plain", "slashed 0", "underlined 1"])
def test_the_calibration_draws_other_digits_than_the_table(training_data: TrainingData, condition: str) -> None:
    table, calibration = (Recorded(training_data.val.labels.numpy()) for _ in range(2))
    for seed, digits in enumerate((table, calibration)):
        list(Hand(digits, seed).drawings(BY_NAME[condition], 200))
    assert len(table.asked) == len(calibration.asked) == 200
    assert not table.asked & calibration.asked


def test_brushes_are_as_wide_as_they_say(hand: Hand) -> None:
    widths = {
        name: np.median([ink.stroke_width(drawing.ink) for drawing in hand.drawings(BY_NAME[name], 20)])
        for name in ("thin brush (6)", "thick brush (28)")
    }
    assert widths["thin brush (6)"] == pytest.approx(7, abs=1.5)
    assert widths["thick brush (28)"] == pytest.approx(26, abs=4)


@pytest.mark.parametrize("kind", NON_DIGITS)
def test_non_digits_leave_ink_and_are_no_digit(hand: Hand, kind: str) -> None:
    drawings = list(hand.non_digits(kind, 5))
    assert all(drawing.digit is None and drawing.ink.max() == 255 for drawing in drawings)
    assert len({drawing.ink.tobytes() for drawing in drawings}) == 5
