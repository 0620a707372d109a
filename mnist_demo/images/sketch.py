"""Turns a drawing into a 28x28 image like those of MNIST.

Knows canvases and pictures: ink, paper, where the digit lies and how MNIST was made. Does not know
networks. Source: LeCun et al., "Gradient-based learning applied to document recognition" (1998):
the digit fits a 20x20 box, its aspect kept, its centre of mass at the centre of 28x28.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images import paper
from mnist_demo.images.data import SIDE
from mnist_demo.images.ink import INK_THRESHOLD, Ink, crop, shrink, with_width, without_specks
from mnist_demo.images.pictures import MAX_SIDE, MIN_SIDE

BOX = 20  # pixels
FULL_INK = 200  # of 255: if the strongest ink is fainter than this, all ink is made stronger
USUAL_WIDTH = (2.1, 3.8)  # of a stroke, in pixels of the 20x20 box; MNIST's 5th to 95th percentile is 1.7 to 4.0


class Preprocessing(StrEnum):
    """The stages from a drawing to the network's image, in their order; each can be left out."""

    SPECKS = "without stray specks"
    CROP = "cropped to the ink"
    WIDTH = "stroke width evened"
    FIT = "fitted into 20×20"
    CENTRE = "centred by mass"


@dataclass(frozen=True)
class Stage:
    """What the drawing looks like after one stage of preprocessing."""

    name: str
    image: Ink


def extract_ink(canvas: NDArray[np.uint8]) -> Ink:
    """(H, W) ink, (H, W, 3) RGB or (H, W, 4) RGBA, dark on light or light on dark -> ink (H, W).

    In colours, `paper.find_ink` finds the ink. Raises InvalidDrawing for another shape, dtype or size.
    """
    if canvas.dtype != np.uint8 or canvas.ndim not in (2, 3):
        raise InvalidDrawing(
            f"A canvas is uint8 of shape (H, W), (H, W, 3) or (H, W, 4), not {canvas.dtype} {canvas.shape}."
        )
    if canvas.ndim == 3 and canvas.shape[2] not in (3, 4):
        raise InvalidDrawing(f"A canvas has 3 or 4 colour channels, not {canvas.shape[2]}.")
    _check_size(*canvas.shape[:2])
    if canvas.ndim == 2:
        return canvas
    return paper.find_ink(canvas).ink


def preprocess(ink: Ink, skip: Collection[str] = frozenset()) -> list[Stage]:
    """Ink (H, W) -> the stages up to the network's image (28, 28); empty for a blank canvas.

    Stages named in `skip` (members of `Preprocessing`) are left out, to show what each is worth. Without crop, fit
    and centre, the whole picture is only made smaller. Without the crop, strokes keep their width, because the
    usual width depends on the digit's size.
    """
    strongest = int(ink.max())
    if strongest <= INK_THRESHOLD:
        return []
    stages = [Stage("as drawn", ink)]

    def done(step: Preprocessing, image: Ink) -> Ink:
        stages.append(Stage(step, image))
        return image

    if strongest < FULL_INK:
        ink = (ink * np.float32(255 / strongest)).astype(np.uint8)  # faint pencil is ink, too
    side = max(ink.shape)
    image = ink
    if Preprocessing.SPECKS not in skip and (cleaned := without_specks(image)) is not None:
        image = done(Preprocessing.SPECKS, cleaned)
    if Preprocessing.CROP not in skip:
        image = done(Preprocessing.CROP, crop(image))
        if Preprocessing.WIDTH not in skip:
            image = done(Preprocessing.WIDTH, with_width(image, USUAL_WIDTH[0] / BOX, USUAL_WIDTH[1] / BOX))
    shrunk = shrink(image, BOX / max(image.shape) if Preprocessing.FIT not in skip else SIDE / side)
    rows, columns = shrunk.shape
    framed = _paste(shrunk, (SIDE - rows) // 2, (SIDE - columns) // 2)
    stages.append(Stage(Preprocessing.FIT if Preprocessing.FIT not in skip else "made small", framed))
    if Preprocessing.CENTRE not in skip:
        done(Preprocessing.CENTRE, _centre(shrunk))
    return stages


def _paste(boxed: Ink, top: int, left: int) -> Ink:
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + boxed.shape[0], left : left + boxed.shape[1]] = boxed
    return image


def _centre(boxed: Ink) -> Ink:
    """Places the box so that the centre of mass falls on pixel (14, 14), as far as it fits."""
    if not boxed.any():  # a very thin line can vanish when it is shrunk
        return np.zeros((SIDE, SIDE), np.uint8)
    mass_row, mass_column = ndimage.center_of_mass(boxed)
    top = round(SIDE / 2 - mass_row)  # in MNIST itself the centres lie within half a pixel of index 14, not 13.5
    left = round(SIDE / 2 - mass_column)
    return _paste(boxed, _clamp(top, SIDE - boxed.shape[0]), _clamp(left, SIDE - boxed.shape[1]))


def _clamp(value: int, largest: int) -> int:
    return min(max(value, 0), largest)


def _check_size(height: int, width: int) -> None:
    if not (min(height, width) >= MIN_SIDE and max(height, width) <= MAX_SIDE):
        raise InvalidDrawing(
            f"The picture is {width:,} by {height:,} pixels; each side must have {MIN_SIDE} to {MAX_SIDE:,}."
        )
