"""Separates the digit's ink from other ink in a picture: a desk, the edge of a scan, a box around it, ruled lines.

Knows ink as pieces and lines. Does not know colours or digits.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_demo.images.ink import INK_THRESHOLD, Ink

PEN = 0.65  # of the strongest ink: a fainter line was not drawn by the pen
WHOLE_PIECE = 0.25  # of a piece of ink: if this much lies on the sheet, all of the piece counts

Mask = NDArray[np.bool_]  # (H, W)


def on_sheet(ink: Ink, sheet: Mask) -> Mask | None:
    """Where the digit's ink is, if there is other ink too; None if all ink is the digit's.

    Other ink is: ink beside the sheet; a piece that runs out of the picture, if a large enough piece does not; a box
    drawn around ink.
    """
    strong = ink[sheet & (ink > INK_THRESHOLD)]
    if not len(strong):
        return None
    numbers, count = ndimage.label(ink > max(INK_THRESHOLD, 0.3 * np.percentile(strong, 95)), np.ones((3, 3)))
    if not count:
        return None
    areas = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    inside = np.bincount(numbers[sheet], minlength=count + 1)[1:]
    boxes = ndimage.find_objects(numbers)
    extents = np.array([max(side.stop - side.start for side in box) for box in boxes])
    is_inner = ~_in_rim(numbers, sheet)
    longest = extents[is_inner].max(initial=0)
    is_kept = is_inner | ((inside >= WHOLE_PIECE * areas) & (extents > 2 * longest))
    for index in np.flatnonzero(is_kept & (extents > longest / 2)):
        if _is_box(numbers, int(index) + 1, boxes, extents):
            is_kept[index] = False
    if is_kept.all() or not is_kept.any():
        return None
    lost = np.concatenate([[False], ~is_kept])[numbers]
    kept = np.concatenate([[False], is_kept])[numbers]
    digit: Mask = wider(kept, 3) & ~lost
    return digit


def without_lines(ink: Ink, sheet: Mask) -> tuple[Ink, bool]:
    """Ink without the thin straight lines that cross the whole picture; and whether there were any.

    A single line stays unless it is fainter than the rest: it may be the bar of a digit that fills the picture.
    """
    strong = ink[ink > INK_THRESHOLD]
    if not len(strong):
        return ink, False
    cleaned = _without_faint_lines(ink, sheet)
    found = cleaned is not ink
    for axis in (0, 1):  # across, downwards
        turned = cleaned if axis == 0 else cleaned.T
        lines = _lines_across(turned, float(np.percentile(strong, 95)))
        if lines is not None:
            thickness = 2 * _thickness(lines) + 3
            opened = ndimage.grey_opening(turned, (thickness, 1))  # keeps strokes that cross a line
            turned = np.where(wider(lines, 1), opened, turned)
            cleaned, found = turned if axis == 0 else turned.T, True
    return cleaned, found


def _in_rim(numbers: NDArray[np.int32], sheet: Mask) -> NDArray[np.bool_]:
    """For each numbered piece, from 1: whether it reaches the rim of the sheet or lies beyond it."""
    rim = ~ndimage.binary_erosion(sheet, np.ones((3, 3)), iterations=2)
    return np.bincount(numbers[rim], minlength=int(numbers.max()) + 1)[1:] > 0


def _is_box(
    numbers: NDArray[np.int32], number: int, boxes: list[tuple[slice, slice]], extents: NDArray[np.int64]
) -> bool:
    """Whether a piece is the thin outline of a rectangle with other ink inside."""
    rows, columns = boxes[number - 1]
    own = numbers[rows, columns] == number
    filled = ndimage.binary_fill_holes(own)
    if filled.sum() < 0.85 * own.size or own.sum() > 0.35 * own.size:
        return False
    inner = set(np.unique(numbers[rows, columns][filled])) - {0, number}
    return any(extents[other - 1] > 0.15 * extents[number - 1] for other in inner)


def _without_faint_lines(ink: Ink, sheet: Mask) -> Ink:
    """Removes ink fainter than the pen's, if some of it runs in from the sheet's edge like ruled lines."""
    visible = ink[sheet & (ink > INK_THRESHOLD)]
    if not len(visible):
        return ink
    strongest = float(np.percentile(visible, 99))
    near_pen = wider(ink > PEN * strongest, max(2, max(ink.shape) // 200))
    numbers, _ = ndimage.label(sheet & (ink > 0.1 * strongest) & ~near_pen, np.ones((3, 3)))
    boxes = ndimage.find_objects(numbers)
    extents = np.array([max(side.stop - side.start for side in box) for box in boxes])
    if not (_in_rim(numbers, sheet) & (extents > 0.12 * max(ink.shape))).any():
        return ink
    return np.where(near_pen, ink, 0).astype(np.uint8)


def _lines_across(ink: Ink, strong: float) -> Mask | None:
    """The pixels of horizontal lines from edge to edge, which are to be removed; None if there are none."""
    rows = np.flatnonzero((ink > 16).mean(axis=1) > 0.9)
    if not len(rows) or len(rows) > 0.3 * len(ink):
        return None
    groups = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    thin = [group for group in groups if len(group) <= max(2, 0.03 * len(ink))]
    level = max((float(np.median(ink[group])) for group in thin), default=0.0)
    if not thin or (len(thin) < 2 and level > 0.7 * strong):
        return None
    lines = np.zeros(ink.shape, bool)
    lines[np.concatenate(thin)] = True
    return lines


def _thickness(lines: Mask) -> int:
    """Rows of the thickest of the horizontal lines."""
    numbers, _ = ndimage.label(lines[:, 0])
    return int(np.bincount(numbers)[1:].max())


def wider(mask: Mask, by: int) -> Mask:
    wide: Mask = ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=by)
    return wide
