"""MNIST's images as pictures for the page. Knows pixels only."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_demo.data import CLASSES, Split

CANVAS_SIDE = 280  # pixels


def examples(split: Split) -> list[NDArray[np.uint8]]:
    """The first image of each digit 0 to 9 in a split, each uint8 (28, 28)."""
    labels = split.labels.tolist()
    return [split.images[labels.index(digit)].numpy() for digit in range(CLASSES)]


def to_png(image: NDArray[np.uint8]) -> bytes:
    """A 28x28 image as a PNG of the canvas's size, smoothly enlarged."""
    buffer = io.BytesIO()
    enlarged = Image.fromarray(image).resize((CANVAS_SIDE, CANVAS_SIDE), Image.Resampling.BICUBIC)
    enlarged.save(buffer, "PNG")
    return buffer.getvalue()
