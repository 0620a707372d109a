"""Ink: its pieces, its specks, and strokes made wider or thinner."""

import numpy as np
import pytest

from mnist_demo.images import ink, strokes
from mnist_demo.images.ink import Ink


def line(width: float, length: float = 180, side: int = 280) -> Ink:
    start = (side - length) / 2
    return strokes.draw([np.array([[side / 2, start], [side / 2, start + length]])], side, width).copy()


@pytest.mark.parametrize("width", [4, 8, 16, 28])
def test_the_width_of_a_stroke_is_what_the_brush_was(width: float) -> None:
    assert ink.stroke_width(line(width)) == pytest.approx(width, abs=1.3)


@pytest.mark.parametrize("width", [3, 6, 14, 20, 40])
def test_widths_are_brought_into_the_range_and_no_further(width: float) -> None:
    drawn = line(width)
    redrawn = ink.with_width(drawn, 0.1, 0.19)
    share = ink.stroke_width(redrawn) / max(ink.crop(redrawn).shape)
    assert 0.075 < share < 0.205
    if 0.11 < width / (180 + width) < 0.18:
        assert redrawn is drawn


def test_a_hole_survives_growing_and_shrinking() -> None:
    angle = np.linspace(0, 2 * np.pi, 60)
    ring = np.stack([140 + 80 * np.cos(angle), 140 + 80 * np.sin(angle)], axis=1)
    for brush in (5, 50):
        redrawn = ink.with_width(strokes.draw([ring], 280, brush), 0.1, 0.19)
        assert redrawn[redrawn.shape[0] // 2, redrawn.shape[1] // 2] == 0
        assert len(ink.pieces(redrawn)) == 1


def test_pieces_come_from_left_to_right_with_their_boxes() -> None:
    canvas = np.zeros((100, 200), np.uint8)
    canvas[20:60, 120:150] = 255
    canvas[10:90, 30:40] = 255
    left, right = ink.pieces(canvas)
    assert (left.left, left.top, left.bottom) == (30, 10, left.top + left.ink.shape[0])
    assert abs(right.left - 120) <= 2
    assert abs(right.right - 150) <= 2
    assert left.extent == pytest.approx(80, abs=2)


def test_a_hairline_on_a_large_canvas_is_one_piece() -> None:
    assert len(ink.pieces(strokes.draw([np.array([[100.0, 80], [900, 950]])], 1024, 3))) == 1


def test_pieces_above_one_another_belong_together() -> None:
    canvas = np.zeros((100, 200), np.uint8)
    canvas[10:20, 30:60] = 255  # the hat of a 5 ...
    canvas[30:90, 30:50] = 255  # ... above its body
    canvas[10:90, 120:130] = 255
    first, second = ink.side_by_side(ink.pieces(canvas))
    assert (first.top, first.left) == (10, 30)
    assert first.bottom >= 90
    assert second.left >= 119
    assert (first.ink > 0).sum() == pytest.approx(10 * 30 + 60 * 20, rel=0.1)
    assert len(ink.one_above_another(ink.pieces(canvas))) == 1
    upper, lower = ink.one_above_another(ink.pieces(canvas.T.copy()))
    assert upper.bottom <= lower.top


def test_specks_go_and_the_rest_stays_as_it_was() -> None:
    drawn = line(14)
    assert ink.without_specks(drawn) is None
    spotted = drawn.copy()
    spotted[30:36, 30:36] = 255
    cleaned = ink.without_specks(spotted)
    assert cleaned is not None
    np.testing.assert_array_equal(cleaned, drawn)


def test_the_dot_of_an_i_and_a_broken_stroke_are_no_specks() -> None:
    two = np.maximum(line(14, 60), np.roll(line(14, 60), 80, axis=0))
    assert ink.without_specks(two) is None
    dotted = line(20, 120)
    dotted[40:62, 130:152] = 255
    assert ink.without_specks(dotted) is None
