"""Ink on a canvas: its box, its separate pieces, how wide its strokes are, and wider or thinner strokes.

Knows grey pictures (255 = full ink). Does not know digits, MNIST or networks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Ink = NDArray[np.uint8]  # (H, W), 255 = full ink, 0 = paper

INK_THRESHOLD = 32  # of 255: anything fainter is paper
HALF_INK = 110  # of 255: where a stroke's edge is taken to be
GREY_REACH = 5  # pixels: grey farther than this from dark ink is a stroke, not a soft edge
WORKING_SIDE = 80  # pixels: strokes are measured, separated and redrawn on a copy of this size
SPECK_SHARE, SPECK_EXTENT = 0.02, 0.15  # a speck is below these shares of all ink, and of the largest piece's length


@dataclass(frozen=True)
class Piece:
    """A connected piece of a drawing: its ink alone, and its box on the canvas in pixels (ends excluded)."""

    ink: Ink
    left: int
    top: int
    right: int
    bottom: int

    @property
    def extent(self) -> int:
        """Its longer side, in pixels."""
        return max(self.right - self.left, self.bottom - self.top)


def crop(ink: Ink) -> Ink:
    """The smallest box that holds all ink; the whole canvas if there is no ink."""
    top, bottom, left, right = _box(ink)
    return ink[top:bottom, left:right]


def shrink(ink: Ink, scale: float) -> Ink:
    """The ink scaled down, antialiased, aspect kept; at least one pixel."""
    height, width = ink.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(ink).resize(size, how))


def pieces(ink: Ink) -> list[Piece]:
    """The connected pieces of a drawing, from left to right; found on a coarser copy if it is large."""
    top, bottom, left, right = _box(ink)
    numbers, scale = _labelled(ink[top:bottom, left:right])
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(numbers), start=1):
        own = np.where(numbers[rows, columns] == number, 255, 0).astype(np.uint8).repeat(scale, 0).repeat(scale, 1)
        x, y = left + columns.start * scale, top + rows.start * scale
        found.append(Piece(own, x, y, x + own.shape[1], y + own.shape[0]))
    return sorted(found, key=lambda piece: piece.left)


def side_by_side(pieces: Sequence[Piece]) -> list[Piece]:
    """Joins pieces that lie above one another; the result is separated from left to right."""
    return _apart(pieces, attrgetter("left"), attrgetter("right"))


def one_above_another(pieces: Sequence[Piece]) -> list[Piece]:
    """Joins pieces that lie beside one another; the result is separated from top to bottom."""
    return _apart(pieces, attrgetter("top"), attrgetter("bottom"))


def _apart(pieces: Sequence[Piece], start: Callable[[Piece], int], end: Callable[[Piece], int]) -> list[Piece]:
    """Joins pieces whose ranges from start to end overlap; sorted by start."""
    joined: list[Piece] = []
    for piece in sorted(pieces, key=start):
        if joined and start(piece) < end(joined[-1]):
            joined[-1] = _join(joined[-1], piece)
        else:
            joined.append(piece)
    return joined


def without_specks(ink: Ink) -> Ink | None:
    """The drawing without its stray dots; None if there are none.

    A speck is a separate piece with less than a fiftieth of all ink, and short beside the longest piece.
    """
    top, bottom, left, right = _box(ink)
    numbers, scale = _labelled(ink[top:bottom, left:right])
    areas = np.bincount(numbers.ravel())[1:]
    if len(areas) < 2:
        return None
    extents = np.array([max(side.stop - side.start for side in box) for box in ndimage.find_objects(numbers)])
    is_speck = (areas < SPECK_SHARE * areas.sum()) & (extents < SPECK_EXTENT * extents.max())
    if not is_speck.any():
        return None
    specks = np.concatenate([[False], is_speck])[numbers]
    around = ndimage.binary_dilation(specks, iterations=2) & ~np.concatenate([[False], ~is_speck])[numbers]
    cleaned = ink.copy()
    cleaned[top:bottom, left:right][around.repeat(scale, 0).repeat(scale, 1)[: bottom - top, : right - left]] = 0
    return cleaned


def stroke_width(ink: Ink) -> float:
    """The mean stroke width in pixels, from the distance of each ink pixel to the nearest paper."""
    mask = np.pad(ink > HALF_INK, 1)
    if not mask.any():
        return 0.0
    depth = ndimage.distance_transform_edt(mask)[mask]  # evenly spread from .5 to w / 2 + .5 for width w
    return max(1.0, 4 * (float(depth.mean()) - 0.5))


def with_dark_middle(ink: Ink) -> Ink:
    """Darkens the middle of strokes that are only grey, so that a threshold does not lose them.

    A pen thinner than a pixel leaves only grey. Cut at half ink, a 28x28 seven would lose its bar and become a 1.
    A drawing stays as it is if every stroke has a dark middle.
    """
    far = ndimage.distance_transform_edt(ink <= HALF_INK) > GREY_REACH  # pixels
    if not (far & (ink > INK_THRESHOLD)).any():
        return ink
    nearby = ndimage.maximum_filter(ndimage.gaussian_filter(ink.astype(np.float32), 1), 2 * GREY_REACH + 1)
    raised: Ink = np.where(ink > INK_THRESHOLD, np.minimum(255, ink * (255 / np.maximum(nearby, 1))), ink).astype(
        np.uint8
    )
    return raised


def with_width(ink: Ink, narrowest: float, widest: float) -> Ink:
    """Makes strokes wider or thinner until they lie between two shares of the drawing's longer side; cropped.

    Works on a copy of 80 pixels. A drawing stays as it is if it would change by less than a two-hundredth of that.
    """
    box = crop(ink)
    small = with_dark_middle(shrink(box, WORKING_SIDE / max(box.shape)))
    width = stroke_width(small)
    grow = (min(max(width, narrowest * WORKING_SIDE), widest * WORKING_SIDE) - width) / 2  # pixels, on either side
    if abs(grow) < WORKING_SIDE / 400:
        return ink
    redrawn = _redraw(np.pad(small, max(1, ceil(grow) + 1)), grow)
    return crop(redrawn) if redrawn.any() else ink


def _redraw(ink: Ink, grow: float) -> Ink:
    """Makes strokes wider by `grow` pixels on each side, or thinner if it is negative, with soft edges."""
    mask = ink > HALF_INK
    if grow > 0:
        inkiness = np.clip(grow + 1 - ndimage.distance_transform_edt(~mask), 0, 1)
    else:
        inkiness = np.clip(ndimage.distance_transform_edt(mask) + grow, 0, 1)
    redrawn: Ink = (255 * inkiness).round().astype(np.uint8)
    return redrawn


def _labelled(box: Ink) -> tuple[NDArray[np.int32], int]:
    """The piece number (from 1) of each pixel of a coarser copy, and how many pixels wide one of its pixels is."""
    scale = max(1, round(max(box.shape) / WORKING_SIDE))
    height, width = box.shape
    whole = np.pad(box, ((0, -height % scale), (0, -width % scale)))
    rows = whole.reshape(whole.shape[0] // scale, scale, -1).max(axis=1)  # max keeps a line whole
    coarse = rows.reshape(len(rows), -1, scale).max(axis=2)  # one axis after the other is five times as fast
    numbers, _ = ndimage.label(coarse > INK_THRESHOLD, np.ones((3, 3)))
    return numbers, scale


def _join(a: Piece, b: Piece) -> Piece:
    left, top = min(a.left, b.left), min(a.top, b.top)
    right, bottom = max(a.right, b.right), max(a.bottom, b.bottom)
    ink = np.zeros((bottom - top, right - left), np.uint8)
    for piece in (a, b):
        window = ink[piece.top - top : piece.bottom - top, piece.left - left : piece.right - left]
        np.maximum(window, piece.ink, out=window)
    return Piece(ink, left, top, right, bottom)


def _box(ink: Ink) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the ink, ends excluded; of the whole canvas if there is no ink."""
    is_ink = ink > INK_THRESHOLD
    rows, columns = np.flatnonzero(is_ink.any(axis=1)), np.flatnonzero(is_ink.any(axis=0))
    if not len(rows):
        return 0, ink.shape[0], 0, ink.shape[1]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
