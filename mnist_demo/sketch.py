"""A drawing becomes the 28x28 image MNIST could contain.

Knows canvases and pictures: ink, paper, where the digit lies and how MNIST was made. Does not know
networks. Source: LeCun et al., "Gradient-based learning applied to document recognition" (1998):
the digit fits a 20x20 box, its aspect kept, its centre of mass at the centre of 28x28.
"""

import base64
import binascii
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from scipy import ndimage

from mnist_demo.data import SIDE
from mnist_demo.errors import InvalidDrawing

Ink = NDArray[np.uint8]  # (H, W), 255 = full ink, 0 = paper

BOX = 20  # pixels
MIN_SIDE, MAX_SIDE = 28, 1024  # pixels of a canvas
MAX_PICTURE_BYTES = 2_000_000
INK_THRESHOLD = 32  # of 255: fainter is paper


@dataclass(frozen=True)
class Stage:
    """What the drawing looks like after one step of the way to the network."""

    name: str
    image: Ink


def read_picture(picture: bytes) -> NDArray[np.uint8]:
    """Decodes a PNG, JPEG or WebP file to (H, W, 4) RGBA. The size is read from the header first.

    Raises InvalidDrawing for anything else, and over 1,024 pixels a side.
    """
    if len(picture) > MAX_PICTURE_BYTES:
        raise InvalidDrawing(f"The picture has {len(picture):,} bytes; {MAX_PICTURE_BYTES:,} is the most.")
    try:
        with Image.open(io.BytesIO(picture), formats=["PNG", "JPEG", "WEBP"]) as image:
            _check_size(image.height, image.width)
            return np.asarray(_to_8_bit(image).convert("RGBA"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidDrawing(f"This is not a picture that can be read as PNG, JPEG or WebP ({error}).") from error


def read_base64(text: str) -> NDArray[np.uint8]:
    """Decodes a base64 picture, with or without its `data:image/...;base64,` in front. As `read_picture`."""
    if len(text) > MAX_PICTURE_BYTES * 2:
        raise InvalidDrawing(f"The picture has {len(text):,} characters; {MAX_PICTURE_BYTES * 2:,} is the most.")
    try:
        return read_picture(base64.b64decode(text.rpartition(",")[2], validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidDrawing("The picture is not valid base64.") from error


def extract_ink(canvas: NDArray[np.uint8]) -> Ink:
    """(H, W) ink, (H, W, 3) RGB or (H, W, 4) RGBA, dark on light or light on dark -> ink (H, W).

    Paper is the colour of the border. Raises InvalidDrawing for another shape, dtype or size.
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
    if canvas.shape[2] == 4 and canvas[..., 3].min() < 255:
        return np.ascontiguousarray(canvas[..., 3])  # transparent paper: what is opaque is ink
    grey = canvas[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink: Ink = np.clip(np.abs(grey - np.median(border)), 0, 255).astype(np.uint8)
    return ink


def preprocess(ink: Ink) -> list[Stage]:
    """Ink (H, W) -> the stages up to the network's image (28, 28); empty for a blank canvas.

    Crop to the ink, shrink it (antialiased, aspect kept) into 20x20, put its centre of mass at the
    centre of 28x28.
    """
    rows, columns = np.nonzero(ink > INK_THRESHOLD)
    if len(rows) == 0:
        return []
    cropped = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    boxed = _fit_box(cropped)
    return [
        Stage("as drawn", ink),
        Stage("cropped to the ink", cropped),
        Stage("fitted into 20×20", _paste(boxed, (SIDE - boxed.shape[0]) // 2, (SIDE - boxed.shape[1]) // 2)),
        Stage("centred by mass", _centre(boxed)),
    ]


def _fit_box(cropped: Ink) -> Ink:
    """Scales the longer side to 20 pixels; strokes are brought to full ink, as MNIST's are."""
    height, width = cropped.shape
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(
        Image.fromarray(cropped).resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)
    )


def _paste(boxed: Ink, top: int, left: int) -> Ink:
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + boxed.shape[0], left : left + boxed.shape[1]] = boxed
    return image


def _centre(boxed: Ink) -> Ink:
    """Places the box so that the centre of mass falls on pixel (14, 14), as far as it fits."""
    mass_row, mass_column = ndimage.center_of_mass(boxed)
    top = round(SIDE / 2 - mass_row - 0.5)
    left = round(SIDE / 2 - mass_column - 0.5)
    return _paste(boxed, _clamp(top, SIDE - boxed.shape[0]), _clamp(left, SIDE - boxed.shape[1]))


def _clamp(value: int, largest: int) -> int:
    return min(max(value, 0), largest)


def _check_size(height: int, width: int) -> None:
    if not (min(height, width) >= MIN_SIDE and max(height, width) <= MAX_SIDE):
        raise InvalidDrawing(
            f"The picture is {width:,} by {height:,} pixels; each side must have {MIN_SIDE} to {MAX_SIDE:,}."
        )


def _to_8_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    return image
