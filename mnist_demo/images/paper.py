"""Finds the ink in a picture: where the sheet lies, what colour its paper has at each place, and what is drawn on it.

Knows photos, scans and screenshots: soft shadows, desks, frames, ruled lines. Does not know files or digits.
Paper is where the colour hardly changes from pixel to pixel. Under the ink, the paper's colour is taken from the
nearest paper. Ink is what differs from the paper beside it, so slow changes of light do no harm.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from mnist_demo.images.ink import INK_THRESHOLD, Ink
from mnist_demo.images.surroundings import Mask, on_sheet, wider, without_lines

COARSE_SIDE = 160  # pixels: paper is looked for on a copy of this size
FLAT = 20  # of 255: paper's colour changes less than this from one pixel of that copy to the next
EVEN = 1.9  # times the roughness of the smoothest quarter: noise on even paper stays below it
ALIKE = 24  # of 255: flat places this near to the paper's colour are paper, too
LEAST_SHEET = 0.08  # of the picture: smaller sheets on a desk are ignored
OPAQUE = 250  # of 255
NOISE = 4.0  # times the paper's median unevenness: a smaller difference is not ink

Colours = NDArray[np.float32]  # (H, W, 3), 0 to 255


@dataclass(frozen=True)
class FoundInk:
    """Ink (H, W), and a description for a person of what was left out."""

    ink: Ink
    left_out: tuple[str, ...] = ()


def find_ink(picture: NDArray[np.uint8]) -> FoundInk:
    """The ink of (H, W, 3) RGB or (H, W, 4) RGBA, dark on light or light on dark, as large as the picture."""
    if picture.shape[2] == 4:
        opacity = picture[..., 3]
        if np.median(_border(opacity)) < 128:
            box = _opaque_picture(picture)
            if box is None:
                return FoundInk(np.ascontiguousarray(opacity))  # the paper is transparent, and the ink opaque
            ink = np.zeros(opacity.shape, np.uint8)
            inner = find_ink(picture[box])
            ink[box] = inner.ink
            return FoundInk(ink, ("a transparent margin", *inner.left_out))
        picture = _on_paper(picture)
    return _find_ink(np.ascontiguousarray(picture))


def _find_ink(picture: NDArray[np.uint8]) -> FoundInk:
    """The same as `find_ink`, for an opaque picture (H, W, 3)."""
    small = np.asarray(Image.fromarray(picture).resize(_coarse_size(picture), Image.Resampling.BOX), np.float32)
    paper, sheet = _paper(small)
    ink = _difference(picture, _colour_under(small, paper))
    paper, sheet = (_as_large_as(picture, mask) for mask in (paper, sheet))
    unevenness = NOISE * float(np.median(ink[paper])) if paper.any() else 0.0
    ink[ink < unevenness] = 0
    cleaned, has_lines = without_lines(ink, sheet)
    kept = on_sheet(cleaned, sheet)
    left_out = ["lines across the picture"] if has_lines else []
    if kept is not None:
        cleaned = np.where(kept, cleaned, 0).astype(np.uint8)
        left_out.append("what lies beside the digit or around it")
    return FoundInk(cleaned, tuple(left_out))


def _paper(small: Colours) -> tuple[Mask, Mask]:
    """Which pixels are bare paper, and which lie on the sheet: inside the convex hull of its paper."""
    roughness = np.max([_range(small[..., channel]) for channel in range(3)], axis=0)
    zones, _ = ndimage.label(roughness < max(FLAT, EVEN * np.percentile(roughness, 25)))
    areas = np.bincount(zones.ravel())
    shares = areas / zones.size + np.bincount(_border(zones), minlength=len(areas)) / len(_border(zones))
    shares[0] = 0
    groups = [_with_alike(small, zones, zones == number) for number in np.argsort(-shares)[:6] if shares[number] > 0]
    groups = [group for group in groups if group.sum() >= LEAST_SHEET * zones.size]
    if not groups:  # no flat place: the colour of the border is taken for paper
        border = np.zeros(zones.shape, bool)
        border[[0, -1]] = border[:, [0, -1]] = True
        return border, np.ones(zones.shape, bool)
    paper = max(groups, key=lambda group: group.mean() + _border(group).mean())
    sheet = _hull(paper)
    ink = _difference(small, _colour_under(small, paper)) > INK_THRESHOLD
    for other in groups:  # perhaps this is a desk, and a sheet lies on it
        if paper[other].any():
            continue
        inside = _hull(other)
        own = (_difference(small, _colour_under(small, other)) > INK_THRESHOLD) & inside
        if other.sum() > 0.7 * inside.sum() and own.sum() > (ink & sheet & ~wider(inside, 3)).sum():
            paper, sheet = other, inside
            break
    unevenness = _difference(small, _colour_under(small, paper))
    is_bare = unevenness <= max(4, 4 * np.median(unevenness[paper]))  # without the soft edges of ink
    return paper & is_bare, sheet


def _with_alike(small: Colours, zones: NDArray[np.int32], paper: Mask) -> Mask:
    """Adds flat zones of nearly the nearest paper's colour: bands between ruled lines, insides of loops."""
    for _ in range(6):  # a band of ruled paper is compared with the band beside it
        distance = _difference(small, _colour_under(small, paper))
        medians = ndimage.median(distance, zones, np.arange(zones.max() + 1))
        medians[0] = np.inf  # not flat
        grown = paper | (medians < ALIKE)[zones]
        if (grown == paper).all():
            break
        paper = grown
    return paper


def _colour_under(small: Colours, paper: Mask) -> Colours:
    """The paper's colour at every pixel: slightly smoothed; where there is no paper, that of the nearest."""
    weight = ndimage.gaussian_filter(paper.astype(np.float32), 2)
    smooth = np.stack(
        [ndimage.gaussian_filter(small[..., c] * paper, 2) / np.maximum(weight, 1e-6) for c in range(3)], axis=2
    )
    nearest = ndimage.distance_transform_edt(~paper, return_distances=False, return_indices=True)
    filled = smooth[tuple(nearest)]
    return np.stack([ndimage.gaussian_filter(filled[..., c], 2) for c in range(3)], axis=2)


def _difference(picture: NDArray[Any], colour: Colours) -> Ink:
    """Difference of each pixel from a colour given on a coarse copy: (H, W), the largest of three channels."""
    size = (picture.shape[1], picture.shape[0])
    largest = np.zeros(picture.shape[:2], np.float32)
    for channel in range(3):
        plane = Image.fromarray(np.ascontiguousarray(colour[..., channel]))
        wide = np.asarray(plane.resize(size, Image.Resampling.BILINEAR) if plane.size != size else plane)
        np.maximum(largest, np.abs(picture[..., channel] - wide), out=largest)
    return largest.round().clip(0, 255).astype(np.uint8)


def _hull(mask: Mask) -> Mask:
    """The convex hull of a mask's pixels: a sheet of paper is convex, even if something covers part of it."""
    rows = np.flatnonzero(mask.any(axis=1))
    ends = [(row, column) for row in rows for column in np.flatnonzero(mask[row])[[0, -1]]]
    try:
        hull = ConvexHull(np.array(ends, float))
    except (QhullError, ValueError):  # a single line of pixels
        return mask
    row, column = np.indices(mask.shape).reshape(2, -1)
    inside = np.ones(row.size, bool)
    for down, across, offset in hull.equations:
        inside &= down * row + across * column + offset <= 1e-6
    return inside.reshape(mask.shape)


def _range(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest minus the smallest value within one pixel of each."""
    wide: NDArray[np.float32] = ndimage.maximum_filter(plane, 3) - ndimage.minimum_filter(plane, 3)
    return wide


def _coarse_size(picture: NDArray[np.uint8]) -> tuple[int, int]:
    height, width = picture.shape[:2]
    scale = min(1.0, COARSE_SIDE / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _as_large_as(picture: NDArray[np.uint8], mask: Mask) -> Mask:
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))


def _border(plane: NDArray[Any]) -> NDArray[Any]:
    """The outermost pixels of (H, W)."""
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])


def _opaque_picture(picture: NDArray[np.uint8]) -> tuple[slice, slice] | None:
    """The box of an opaque picture inside a transparent margin; None if the opaque part is the ink itself."""
    is_opaque = picture[..., 3] >= OPAQUE
    if not is_opaque.any():
        return None
    rows, columns = np.flatnonzero(is_opaque.any(axis=1)), np.flatnonzero(is_opaque.any(axis=0))
    box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    contrast = np.ptp(picture[box][is_opaque[box], :3], axis=0).max()
    return box if is_opaque[box].mean() > 0.8 and contrast > 2 * INK_THRESHOLD else None


def _on_paper(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 4) -> (H, W, 3): transparent pixels get the usual colour of the opaque border."""
    opacity = picture[..., 3]
    if (opacity == 255).all():
        return picture[..., :3]
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    paper = np.median(border[border[:, 3] >= 128, :3], axis=0)
    share = opacity[..., None].astype(np.float32) / 255
    mixed: NDArray[np.uint8] = (picture[..., :3] * share + paper * (1 - share)).round().astype(np.uint8)
    return mixed
