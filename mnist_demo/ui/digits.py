"""MNIST's images as pictures for the page. Knows pixels only."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_demo.data import CLASSES, SIDE, split_indices

CANVAS_SIDE = 280  # pixels


def first_validation_digits(root: Path) -> list[NDArray[np.uint8]]:
    """The first validation image of each digit 0 to 9, uint8 (28, 28): a few pages of MNIST's files, nothing more."""
    raw = root / "MNIST" / "raw"
    images = np.memmap(raw / "train-images-idx3-ubyte", np.uint8, "r", 16, (60_000, SIDE, SIDE))
    labels = np.memmap(raw / "train-labels-idx1-ubyte", np.uint8, "r", 8, (60_000,))
    _, val = split_indices()
    return [np.array(images[next(index for index in val if labels[index] == digit)]) for digit in range(CLASSES)]


def to_png(image: NDArray[np.uint8]) -> bytes:
    """A 28x28 image as a PNG of the canvas's size, smoothly enlarged."""
    buffer = io.BytesIO()
    enlarged = Image.fromarray(image).resize((CANVAS_SIDE, CANVAS_SIDE), Image.Resampling.BICUBIC)
    enlarged.save(buffer, "PNG")
    return buffer.getvalue()
