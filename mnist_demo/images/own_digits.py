"""A visitor's own digits: the one file that holds them, read strictly, and each drawing as an image like MNIST's.

For a visitor who has not drawn yet there is a sample: a hand that slants far to the right. Knows the format that the
page writes: JSON with a label and a PNG, white ink on black, for every drawing. Does not know who drew them, or
networks. The order of the drawings means nothing: the same drawings are the same set.
"""

import base64
import functools
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from mnist_demo.errors import InvalidDrawing
from mnist_demo.experiment.choices import Augmentation
from mnist_demo.experiment.knobs import SAMPLE_HAND, shown
from mnist_demo.images import sketch
from mnist_demo.images.data import CLASSES, SIDE, Split, TrainingData, augment
from mnist_demo.images.pictures import read_picture

FORMAT = "mnist-lab-own-digits-1"
MAX_DIGITS = 200  # two minutes give 30
MAX_INK_CHARACTERS = 120_000  # base64 of one drawing: a photo's ink, which is the largest
MAX_CHARACTERS = 4_000_000  # of the file; a browser keeps about five million
MAX_SIDE = 280  # pixels of a drawing: the page's canvas
OWN_SHARE = 0.2  # of a batch's size; 0.5 cost MNIST one or two points more with three of four hands (2026-11-26)
SAMPLE_OF = 1_000  # the last training images, of which
SAMPLE_OF_EACH = 3  # of each digit are slanted
SLANT = 0.7  # of a row's distance from the middle: 35 degrees
DIGEST_LENGTH = 16  # hexadecimal digits
NOT_OURS = "This is not a file of own digits: choose one that the Draw tab has saved."


@dataclass(frozen=True, eq=False)
class OwnDigits:
    """The drawings of one hand, sorted: by label, then by image."""

    split: Split

    def __len__(self) -> int:
        return len(self.split)

    @functools.cached_property
    def digest(self) -> str:
        """What identifies the set: the start of a SHA-256 of its labels and images."""
        labels, images = (part.numpy().tobytes() for part in (self.split.labels, self.split.images))
        return hashlib.sha256(labels + images).hexdigest()[:DIGEST_LENGTH]

    def parted(self) -> tuple["OwnDigits", "OwnDigits | None"]:
        """Those to learn from, the larger half of each digit's drawings, and those to test on, if any are left.

        Chance decides which: the hashes of the images do, so the same set is always divided in the same way.
        """
        images, labels = self.split.images, self.split.labels
        ranks = [hashlib.sha256(image.numpy().tobytes()).digest() for image in images]
        learned, tested = [], []
        for label in range(CLASSES):
            of_digit = sorted(np.flatnonzero(labels.numpy() == label).tolist(), key=lambda index: ranks[index])
            learned += of_digit[::2]
            tested += of_digit[1::2]
        return self.those(learned), self.those(tested) if tested else None

    def those(self, places: Sequence[int]) -> "OwnDigits":
        """The drawings at these places."""
        return own_digits(self.split.images[list(places)], self.split.labels[list(places)])

    def new_to(self, learned: "OwnDigits") -> "OwnDigits | None":
        """The drawings whose images are not among those; None if there is none."""
        known = {image.numpy().tobytes() for image in learned.split.images}
        fresh = [at for at, image in enumerate(self.split.images) if image.numpy().tobytes() not in known]
        return self.those(fresh) if fresh else None

    def to_bytes(self) -> bytes:
        """To send to another process: a byte for each label, then the pixels."""
        return bytes(self.split.labels.tolist()) + self.split.images.numpy().tobytes()


def from_bytes(blob: bytes) -> OwnDigits:
    """Reads what `to_bytes` wrote."""
    count = len(blob) // (1 + SIDE * SIDE)
    pixels = np.frombuffer(blob, np.uint8).copy()
    labels = torch.from_numpy(pixels[:count].astype(np.int64))
    return own_digits(torch.from_numpy(pixels[count:]).reshape(count, SIDE, SIDE), labels)


def with_own(data: TrainingData, blob: bytes) -> TrainingData:
    """The same data with these digits to learn from."""
    own = from_bytes(blob)
    return replace(data, own=own.split, own_digest=own.digest)


def sample(images: Tensor, labels: Tensor) -> OwnDigits:
    """Thirty digits of the sample hand, made from all training images: uint8 (55000, 28, 28), labels int64 (55000,)."""
    images, labels = images[-SAMPLE_OF:], labels[-SAMPLE_OF:]
    places = torch.cat([(labels == digit).nonzero()[:SAMPLE_OF_EACH, 0] for digit in range(CLASSES)])
    return own_digits(slanted(images[places]), labels[places])


def slanted(images: Tensor) -> Tensor:
    """Images uint8 (N, 28, 28) as the sample hand writes them."""
    count = len(images)
    bend = torch.tensor([[1, SLANT, 0], [0, 1, 0]]).expand(count, 2, 3)
    grid = F.affine_grid(bend, [count, 1, SIDE, SIDE], align_corners=False).to(images.device)
    return F.grid_sample(images[:, None].float(), grid, align_corners=False)[:, 0].round().to(torch.uint8)


def with_sample(data: TrainingData) -> TrainingData:
    """The same data with the sample hand to learn from."""
    return replace(data, own=sample(data.train.images, data.train.labels).split, own_digest=SAMPLE_HAND)


def drawn_again(own: Split, batch: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """A share of a batch's size, each turned, stretched and moved a little: uint8 (N, 28, 28) and labels (N,).

    The drawings are few, so the same one comes often, and never twice alike.
    """
    drawn = torch.randint(len(own), (round(OWN_SHARE * batch),), generator=generator)
    return augment(own.images[drawn], Augmentation.AFFINE, generator=generator), own.labels[drawn]


def own_digits(images: Tensor, labels: Tensor) -> OwnDigits:
    """The set of these images, uint8 (N, 28, 28), with labels int64 (N,)."""
    order = sorted(range(len(labels)), key=lambda index: (int(labels[index]), images[index].numpy().tobytes()))
    return OwnDigits(Split(images[order].contiguous(), labels[order].contiguous()))


def read_file(text: str | bytes) -> OwnDigits:
    """Reads the text of a file. Raises InvalidDrawing with a sentence that says what is wrong."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidDrawing(f"The file has {len(text):,} characters; {MAX_CHARACTERS:,} is the most.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidDrawing(NOT_OURS) from error
    return read_set(value)


def read_set(value: object) -> OwnDigits:
    """Reads the file's JSON, already parsed; each drawing goes through `preprocess`. Raises InvalidDrawing."""
    drawings = value.get("digits") if isinstance(value, dict) and value.get("format") == FORMAT else None
    if not isinstance(drawings, list):
        raise InvalidDrawing(NOT_OURS)
    if not 1 <= len(drawings) <= MAX_DIGITS:
        raise InvalidDrawing(f"The set has {len(drawings):,} digits; it must have 1 to {MAX_DIGITS}.")
    read = [_read_drawing(drawing, f"Drawing {number} of the set") for number, drawing in enumerate(drawings, 1)]
    labels, images = zip(*read, strict=True)
    return own_digits(torch.stack(images), torch.tensor(labels))


def _read_drawing(drawing: object, name: str) -> tuple[int, Tensor]:
    """A drawing's label, and its image (28, 28)."""
    if not isinstance(drawing, dict) or set(drawing) != {"label", "ink"}:
        raise InvalidDrawing(f"{name} is not a label and its ink.")
    label, ink = drawing["label"], drawing["ink"]
    if type(label) is not int or not 0 <= label < CLASSES:  # bool is an int
        raise InvalidDrawing(f"{name} has the label {shown(label)}; a label is a digit from 0 to 9.")
    stages = sketch.preprocess(read_picture(_png(ink, name))[..., 0])
    if not stages:
        raise InvalidDrawing(f"{name} is blank: delete it and draw it again.")
    return label, torch.from_numpy(stages[-1].image)


def _png(ink: object, name: str) -> bytes:
    """The bytes of a small PNG. Its size is read from its header, before anything is unpacked."""
    try:
        if not isinstance(ink, str) or len(ink) > MAX_INK_CHARACTERS:
            raise ValueError("not the page's")
        png = base64.b64decode(ink, validate=True)
        with Image.open(io.BytesIO(png), formats=["PNG"]) as header:
            if max(header.size) > MAX_SIDE:
                raise ValueError("too large")
    except Exception as error:  # a damaged file can make its decoder raise anything
        raise InvalidDrawing(f"{name} is not a PNG of at most {MAX_SIDE} by {MAX_SIDE} pixels.") from error
    return png
