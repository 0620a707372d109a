"""Drawings of an imitated hand, as the page would keep them."""

import base64
import io
import json
from collections.abc import Sequence

import numpy as np
from PIL import Image

from mnist_demo.images.own_digits import FORMAT
from mnist_demo.images.penmanship import Condition, put_on_canvas
from mnist_demo.images.pens import Pens


def png(ink: np.ndarray) -> bytes:
    with io.BytesIO() as buffer:
        Image.fromarray(ink).save(buffer, "PNG")
        return buffer.getvalue()


def drawings_of(pens: Pens, count: int) -> list[tuple[int, bytes]]:
    """The label and the PNG of the first digits, each drawn once."""
    rng, plain = np.random.default_rng(0), Condition("plain")
    return [(int(pens.labels[i]), png(put_on_canvas(rng, plain, pens.written(i)))) for i in range(count)]


def file_of(drawings: Sequence[tuple[object, bytes]]) -> str:
    """The file that the page would save."""
    digits = [{"label": label, "ink": base64.b64encode(ink).decode()} for label, ink in drawings]
    return json.dumps({"format": FORMAT, "digits": digits})
