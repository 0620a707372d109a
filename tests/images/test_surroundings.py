"""Of a picture's ink only the digit's is kept: no box, no edge of a scan, no ruled lines; a lone digit stays whole."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_demo.images.surroundings import on_sheet, wider, without_lines

SIDE = 200
Pixels = NDArray[np.uint8]
SHEET = np.ones((SIDE, SIDE), bool)


def ink_at(*places: tuple[slice, slice], strength: int = 255) -> Pixels:
    ink = np.zeros((SIDE, SIDE), np.uint8)
    for place in places:
        ink[place] = strength
    return ink


DIGIT = ink_at((slice(50, 60), slice(70, 130)), (slice(50, 155), slice(120, 130)))  # a seven
EDGE = ink_at((slice(0, SIDE), slice(194, SIDE)))


def box(low: int, high: int, width: int = 3) -> Pixels:
    frame = ink_at((slice(low, high), slice(low, high)))
    frame[low + width : high - width, low + width : high - width] = 0
    return frame


def kept(ink: Pixels, sheet: NDArray[np.bool_] = SHEET) -> Pixels:
    digit = on_sheet(ink, sheet)
    assert digit is not None
    return np.where(digit, ink, 0).astype(np.uint8)


def test_a_digit_alone_and_no_ink_at_all_have_nothing_around_them() -> None:
    assert on_sheet(DIGIT, SHEET) is None
    assert on_sheet(0 * DIGIT, SHEET) is None
    beside = ink_at((slice(20, 100), slice(120, 130)))
    assert on_sheet(np.maximum(box(20, 100), beside), SHEET) is None, "a box around nothing may be a zero"


@pytest.mark.parametrize("around", [box(20, 180), box(45, 165), EDGE, EDGE.T], ids=["box", "narrow", "edge", "below"])
def test_what_lies_around_a_digit_is_left_out_and_the_digit_stays_whole(around: Pixels) -> None:
    np.testing.assert_array_equal(kept(np.maximum(DIGIT, around)), DIGIT)


def test_ink_beside_the_sheet_is_not_the_digits() -> None:
    sheet = SHEET.copy()
    sheet[:, 150:] = False
    desk = ink_at((slice(40, 160), slice(160, 190)))
    np.testing.assert_array_equal(kept(np.maximum(DIGIT, desk), sheet), DIGIT)


def test_a_digit_that_runs_out_of_the_picture_is_kept_beside_a_speck() -> None:
    tall = ink_at((slice(0, SIDE), slice(90, 105)))
    assert on_sheet(tall, SHEET) is None
    speck = ink_at((slice(100, 104), slice(150, 154)))
    assert on_sheet(np.maximum(tall, speck), SHEET) is None


def ruled(strength: int, rows: range = range(20, SIDE, 40)) -> Pixels:
    return ink_at(*((slice(row, row + 2), slice(0, SIDE)) for row in rows), strength=strength)


@pytest.mark.parametrize("strength", [60, 255], ids=["faint", "as dark as the pen"])
@pytest.mark.parametrize("is_upright", [False, True], ids=["across", "downwards"])
def test_ruled_lines_go_and_the_digit_stays(strength: int, is_upright: bool) -> None:
    lines = ruled(strength)
    lines = lines.T if is_upright else lines
    cleaned, found = without_lines(np.maximum(DIGIT, lines), SHEET)
    assert found
    assert not cleaned[(lines > 0) & ~wider(DIGIT > 0, 3)].any()
    assert (cleaned[DIGIT > 0] == 255).mean() > 0.95


def test_without_lines_the_ink_is_as_it_was() -> None:
    for ink in (DIGIT, 0 * DIGIT, ink_at((slice(98, 101), slice(0, SIDE)))):  # the last may be the bar of a digit
        cleaned, found = without_lines(ink, SHEET)
        assert not found
        np.testing.assert_array_equal(cleaned, ink)
