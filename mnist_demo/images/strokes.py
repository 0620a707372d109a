"""Pen strokes: a picture's skeleton as polylines, and polylines drawn again by a round brush.

Knows lines. Does not know digits or networks. Thinning after Zhang and Suen,
"A fast parallel algorithm for thinning digital patterns" (1984).
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Stroke = NDArray[np.float64]  # (points, 2): x to the right, y downwards
Mask = NDArray[np.bool_]  # (H, W)
Pixel = tuple[int, int]  # row, column

_AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # clockwise from above


def thin(mask: Mask) -> Mask:
    """The skeleton of a shape (H, W): one pixel wide, connected as the shape is.

    A weakness of the method: a stroke at exactly 45 degrees is lost if a pass leaves it two pixels wide.
    """
    padded = np.pad(mask, 1).astype(np.uint8)
    while True:
        before = padded.sum()
        for first_pass in (True, False):
            padded[1:-1, 1:-1][_removable(padded, first_pass)] = 0
        if padded.sum() == before:
            skeleton: Mask = padded[1:-1, 1:-1].astype(bool)
            return skeleton


def _removable(padded: NDArray[np.uint8], first_pass: bool) -> Mask:
    """Pixels that one pass of Zhang and Suen removes: on the border, but not an end or a bridge."""
    height, width = padded.shape
    p = [padded[1 + r : height - 1 + r, 1 + c : width - 1 + c] for r, c in _AROUND]
    neighbours = np.sum(p, axis=0)
    crossings = np.sum([(a == 0) & (b == 1) for a, b in zip(p, [*p[1:], p[0]], strict=True)], axis=0)
    up, right, down, left = p[0], p[2], p[4], p[6]
    if first_pass:
        sides = (up * right * down == 0) & (right * down * left == 0)
    else:
        sides = (up * right * left == 0) & (up * down * left == 0)
    chosen: Mask = (padded[1:-1, 1:-1] == 1) & (neighbours >= 2) & (neighbours <= 6) & (crossings == 1) & sides
    return chosen


def trace(skeleton: Mask, min_length: float = 0) -> list[Stroke]:
    """Polylines along a skeleton (H, W), in pixels; drops branches with a free end below `min_length`."""
    pixels = {(int(r), int(c)) for r, c in np.argwhere(skeleton)}
    links = {pixel: _linked(pixel, pixels) for pixel in pixels}
    unused = {frozenset((a, b)) for a, others in links.items() for b in others}
    knots = [pixel for pixel in sorted(pixels) if len(links[pixel]) != 2]
    paths = [
        _walk(knot, onward, links, unused)
        for knot in knots
        for onward in links[knot]
        if frozenset((knot, onward)) in unused
    ]
    for pixel in sorted(pixels):  # closed loops have no ends or junctions
        for onward in links[pixel]:
            if frozenset((pixel, onward)) in unused:  # walking removes links
                paths += [_walk(pixel, onward, links, unused)]
    alone = [[pixel, pixel] for pixel in sorted(pixels) if not links[pixel]]
    kept = [path for path in paths if not _is_spur(path, links, min_length)] or paths
    return [np.array(path, float)[:, ::-1] for path in kept + alone]


def _linked(pixel: Pixel, pixels: set[Pixel]) -> list[Pixel]:
    """Neighbours of a pixel; a diagonal one counts only if no shared side neighbour leads to it."""
    row, column = pixel
    found = []
    for r, c in _AROUND:
        diagonal = bool(r and c)
        if (row + r, column + c) in pixels and not (
            diagonal and ((row + r, column) in pixels or (row, column + c) in pixels)
        ):
            found.append((row + r, column + c))
    return found


def _walk(start: Pixel, onward: Pixel, links: dict[Pixel, list[Pixel]], unused: set[frozenset[Pixel]]) -> list[Pixel]:
    path = [start, onward]
    unused.discard(frozenset(path))
    while len(links[path[-1]]) == 2:
        ahead = [pixel for pixel in links[path[-1]] if frozenset((path[-1], pixel)) in unused]
        if not ahead:
            break
        unused.discard(frozenset((path[-1], ahead[0])))
        path.append(ahead[0])
    return path


def _is_spur(path: list[Pixel], links: dict[Pixel, list[Pixel]], min_length: float) -> bool:
    ends = [len(links[path[0]]), len(links[path[-1]])]
    return len(path) <= min_length and min(ends) == 1 and max(ends) > 2


def smooth(stroke: Stroke, reach: int = 2) -> Stroke:
    """Each point replaced by the mean of its 2 x reach + 1 neighbours along the stroke; the ends stay."""
    if len(stroke) <= 2 * reach:
        return stroke
    padded = np.concatenate([stroke[:1].repeat(reach, 0), stroke, stroke[-1:].repeat(reach, 0)])
    kernel = np.ones(2 * reach + 1) / (2 * reach + 1)
    smoothed = np.stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)], axis=1)
    smoothed[[0, -1]] = stroke[[0, -1]]
    return smoothed


def from_picture(picture: NDArray[np.uint8], enlarge: int = 4, threshold: int = 110) -> list[Stroke]:
    """The strokes of ink (H, W), 255 = ink, in pixels of the picture: enlarged, thinned, traced, smoothed."""
    height, width = picture.shape
    large = Image.fromarray(picture).resize((width * enlarge, height * enlarge), Image.Resampling.BICUBIC)
    skeleton = thin(np.asarray(large) > threshold)
    return [(smooth(s) + 0.5) / enlarge for s in trace(skeleton, min_length=1.5 * enlarge)]


def box(strokes: Iterable[Stroke]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The smallest and the largest x and y of some strokes, each (2,)."""
    points = np.concatenate(list(strokes))
    return points.min(axis=0), points.max(axis=0)


def draw(strokes: Iterable[Stroke], side: int, brush: float, oversample: int = 2) -> NDArray[np.uint8]:
    """Ink (side, side) left by a round brush of `brush` pixels across, antialiased; strokes in pixels."""
    image = Image.new("L", (side * oversample, side * oversample), 0)
    pen = ImageDraw.Draw(image)
    radius = brush * oversample / 2
    for stroke in strokes:
        points = [(float(x) * oversample, float(y) * oversample) for x, y in stroke]
        pen.line(points, fill=255, width=max(1, round(2 * radius)))
        for x, y in points:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))
