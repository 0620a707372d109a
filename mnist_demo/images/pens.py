"""Real digits as pen strokes: read from one file, divided by writers, and drawn as pictures to train on.

Knows the file (`unipen` makes it from the published folder) and who wrote each digit. Does not know networks.
The file is not part of the project: UNIPEN train_r01_v07, International Unipen Foundation, CC BY 4.0,
doi 10.5281/zenodo.1195803.
"""

import functools
import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mnist_demo.errors import DataError
from mnist_demo.images import sketch, strokes
from mnist_demo.images.data import CLASSES, SIDE, Split, TrainingData
from mnist_demo.images.nondigits import into_square, wobble
from mnist_demo.images.penmanship import CONDITIONS, Condition, put_on_canvas
from mnist_demo.images.strokes import Stroke

ARRAYS = ("points", "stroke_points", "strokes", "labels", "writers", "donors")
FOLDS = 5  # the writers are divided into this many groups
MIDDLE = 0.12  # of a 0's box, to either side of its middle: a slash passes here
SLASH_REACH, STRAIGHT = 0.2, 0.75  # of the box: how far a slash goes on to both sides; cosine of the angle between them
UPSTROKE, STEM = 0.1, 0.5  # of a 1's height: how far an upstroke climbs and lies apart, and how far the stem falls
COPIES, CANVAS = 8, 140  # pictures of each digit to train on; pixels of a canvas
HABIT_SHARE = 0.4  # share of the plain 0s, 1s, 7s that get a slash, an upstroke, a bar


@dataclass(frozen=True)
class Pens:
    """Digits as strokes in device units, x to the right and y downwards, with their writers and donors."""

    digits: Sequence[Sequence[Stroke]]
    labels: NDArray[np.int64]  # (N,)
    writers: NDArray[np.int64]  # (N,)
    donors: NDArray[np.int64]  # (N,) who gave the digits of each writer to the collection
    places: NDArray[np.int64]  # (N,) index in the file; a digit keeps it, and its pictures depend on it
    _squares: dict[int, list[Stroke]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def written(self, index: int) -> list[Stroke]:
        """One digit's strokes in the square from 0 to 1."""
        if index not in self._squares:
            self._squares[index] = into_square(self.digits[index])
        return self._squares[index]

    def those(self, chosen: Sequence[int] | NDArray[np.int64]) -> "Pens":
        """The digits at these places."""
        digits = [self.digits[i] for i in chosen]
        return Pens(digits, self.labels[chosen], self.writers[chosen], self.donors[chosen], self.places[chosen])

    def fold(self, number: int) -> tuple["Pens", "Pens"]:
        """The digits of all other groups of writers, then those of this group (1 to 5). No writer is in both."""
        writers = np.random.default_rng(0).permutation(np.unique(self.writers))
        is_held_out = np.isin(self.writers, writers[number - 1 :: FOLDS])
        return self.those(np.flatnonzero(~is_held_out)), self.those(np.flatnonzero(is_held_out))


def load(path: Path) -> Pens:
    """The digits of a file that `save` wrote, in mixed order; in the file they are sorted by writer.

    Raises DataError for any other file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            points, of_stroke, of_digit, labels, writers, donors = (file[name] for name in ARRAYS)
        per_stroke = np.split(points.astype(float), np.cumsum(of_stroke)[:-1])
        ends = np.cumsum(of_digit)
        is_whole = points.shape == (of_stroke.sum(), 2) and len(of_stroke) == ends[-1]
        is_whole &= len(of_digit) == len(labels) == len(writers) == len(donors)
        is_whole &= min(of_stroke.min(), of_digit.min()) > 0 and 0 <= labels.min() <= labels.max() < CLASSES
    except (ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} is no file of pen strokes: make one with `python -m mnist_demo pens`.") from error
    if not is_whole:
        raise DataError(f"The arrays of {path} do not fit together: make the file again.")
    digits = [per_stroke[end - count : end] for end, count in zip(ends, of_digit, strict=True)]
    labels, writers, donors = (array.astype(np.int64) for array in (labels, writers, donors))
    pens = Pens(digits, labels, writers, donors, places=np.arange(len(labels)))
    return pens.those(np.random.default_rng(1).permutation(len(pens)))


def save(pens: Pens, path: Path) -> None:
    """Writes the digits as one NumPy archive: points int32 (P, 2), points of each stroke, strokes of each digit, ..."""
    of_all = [stroke for digit in pens.digits for stroke in digit]
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            points=np.concatenate(of_all).round().astype(np.int32),
            stroke_points=np.array([len(stroke) for stroke in of_all], np.int32),
            strokes=np.array([len(digit) for digit in pens.digits], np.int16),
            labels=pens.labels.astype(np.int8),
            writers=pens.writers.astype(np.int16),
            donors=pens.donors.astype(np.int8),
        )


# Real digits are drawn for measuring in the same way as imitated ones. The two kinds read worst are measured apart.
PEN_CONDITIONS = (
    *(condition for condition in CONDITIONS if not condition.habit),
    Condition("slashed 0", (0,), only=lambda digit: is_slashed(digit)),
    Condition("1 with upstroke", (1,), only=lambda digit: has_upstroke(digit)),
)


def is_slashed(digit: Sequence[Stroke]) -> bool:
    """Whether a line goes through the middle of a 0, from one side to the other."""
    square = into_square(digit)
    low, high = strokes.box(square)
    middle, extent = (low + high) / 2, np.maximum(high - low, 1e-6)
    for stroke in square:
        dense = wobble(np.random.default_rng(0), stroke, 0)
        nearest = int(np.abs((dense - middle) / extent).max(axis=1).argmin())
        if (np.abs(dense[nearest] - middle) / extent).max() < MIDDLE:
            before, after = (side - dense[nearest] for side in (dense[: nearest + 1], dense[nearest:]))
            starts = before[np.hypot(*before.T) > SLASH_REACH][-1:]
            ends = after[np.hypot(*after.T) > SLASH_REACH][:1]
            if len(starts) and len(ends) and (starts @ ends.T).item() < -STRAIGHT * SLASH_REACH**2:
                return True
    return False


def has_upstroke(digit: Sequence[Stroke]) -> bool:
    """Whether a 1 begins with a stroke that climbs from the left, apart from the stem that falls after it."""
    stroke = digit[0]
    low, high = strokes.box(digit)
    height = high[1] - low[1]
    top = int(stroke[:, 1].argmin())
    start, head = stroke[0], stroke[top]
    foot = stroke[top + int(stroke[top:, 1].argmax())]
    stem = foot - head
    if stem[1] < STEM * height or start[1] - head[1] < UPSTROKE * height:
        return False
    apart = (stem[1] * (head - start)[0] - stem[0] * (head - start)[1]) / np.hypot(*stem)  # to the left of the stem
    return bool(apart > UPSTROKE * height)


@dataclass(frozen=True)
class PenDigits:
    """The digits a run learns from besides MNIST's: a file, and which fifth of its writers is held out."""

    path: Path
    fold: int | None = None


@functools.cache  # minutes to draw
def with_pens(data: TrainingData, chosen: PenDigits) -> TrainingData:
    """The same data with pictures of these digits as its extra digits. Raises DataError."""
    written = load(chosen.path)
    if chosen.fold:
        written, _ = written.fold(chosen.fold)
    drawn = pictures(written, COPIES, seed=0)
    digest = hashlib.sha256(drawn.images.numpy().tobytes() + drawn.labels.numpy().tobytes())
    return replace(data, extra=drawn, extra_sha256=digest.hexdigest())


def pictures(pens: Pens, copies: int, seed: int) -> Split:
    """Every digit drawn `copies` times in different ways, and preprocessed as the app does.

    Uint8 (N * copies, 28, 28), all digits of the first copy first. A picture depends only on its digit,
    the digit's index in the file, the number of the copy and the seed.
    """
    images = np.zeros((copies * len(pens), SIDE, SIDE), np.uint8)
    for copy in range(copies):
        for index, (label, place) in enumerate(zip(pens.labels, pens.places, strict=True)):
            rng = np.random.default_rng([seed, copy, place])
            written = with_habit(rng, pens.written(index), int(label))
            stages = sketch.preprocess(put_on_canvas(rng, _some_condition(rng), written))
            images[copy * len(pens) + index] = stages[-1].image
    return Split(torch.from_numpy(images), torch.from_numpy(pens.labels).repeat(copies))


def _some_condition(rng: np.random.Generator) -> Condition:
    """A way to draw: often plain; sometimes small, thick, tilted, stretched, sparse, shaky, or several of these."""
    size = rng.uniform(0.16, 0.95)
    brush = max(2.5, min(rng.uniform(3, 14), rng.uniform(0.1, 0.3) * size * CANVAS))
    tilt = abs(rng.normal(0, 8)) if rng.random() < 0.8 else rng.uniform(0, 26)
    stretch = 1.1 if rng.random() < 0.6 else 1.6
    step = rng.choice([1.5, 1.5, 4, 8, 14])
    jitter = rng.uniform(0, 1.5) * (rng.random() < 0.4)
    return Condition(
        "training",
        size=(size, size),
        brush=(brush, brush),
        off_centre=1,
        tilt=(0, tilt),
        stretch=(1, stretch),
        step=step,
        jitter=jitter,
        side=CANVAS,
    )


def with_habit(rng: np.random.Generator, digit: list[Stroke], label: int) -> list[Stroke]:
    """The digit in the square from 0 to 1. Some plain 0s get a slash, some plain 1s an upstroke, some 7s a bar."""
    if rng.random() >= HABIT_SHARE:
        return digit
    low, high = strokes.box(digit)
    if label == 0 and not is_slashed(digit):
        added = [_slash(rng, low, high)]
    elif label == 1 and len(digit) == 1 and not has_upstroke(digit):
        added = _upstroke(rng, digit[0])
    elif label == 7 and len(digit) == 1:
        added = [_bar(rng, digit[0])]
    else:
        return digit
    return into_square([*digit, *(wobble(rng, stroke, 0.01) for stroke in added)])


def _slash(rng: np.random.Generator, low: NDArray[np.float64], high: NDArray[np.float64]) -> Stroke:
    """A line through the middle of a box: mostly from lower left to upper right, also level or upright."""
    kind = rng.random()
    steepness = rng.uniform(25, 75) if kind < 0.75 else rng.uniform(-10, 10) if kind < 0.88 else rng.uniform(75, 105)
    angle = np.radians(steepness)
    direction = np.array([np.cos(angle), -np.sin(angle)])
    half = (high - low) / 2
    to_edge = 1 / np.hypot(*(direction / np.maximum(half, 0.02)))  # of an ellipse
    reach = to_edge * rng.uniform(0.65, 1.7, (2, 1))
    middle = (low + high) / 2 + rng.normal(0, 0.06, 2) * half
    line: Stroke = middle + reach * np.array([[-1], [1]]) * direction
    return line


def _upstroke(rng: np.random.Generator, stem: Stroke) -> list[Stroke]:
    """From the lower left to the head of a 1, straight or bent, at most as long as the stem. Half also get a foot."""
    head, foot = stem[stem[:, 1].argmin()], stem[stem[:, 1].argmax()]
    lean = np.arctan2(head[0] - foot[0], foot[1] - head[1])  # radians to the right
    length = rng.uniform(0.12, 1) ** 1.6  # of the stem
    fall = min(lean + np.radians(rng.uniform(15, 60 if length > 0.5 else 70)), 1.2)  # from straight down, to the left
    along = length * np.hypot(*(foot - head)) * np.array([-np.sin(fall), np.cos(fall)])
    bulge = rng.normal(0.07, 0.07) * np.array([-along[1], along[0]])  # upwards: most people begin with a curve
    time = np.linspace(1, 0, 12)[:, None]
    lines = [head + time * along - 4 * time * (1 - time) * bulge * np.sign(along[0] or 1)]
    if rng.random() < 0.5:
        half, slope = rng.uniform(0.1, 0.35, 2), rng.normal(0, 0.03)
        lines.append(np.array([[foot[0] - half[0], foot[1] + slope], [foot[0] + half[1], foot[1] - slope]]))
    return lines


def _bar(rng: np.random.Generator, seven: Stroke) -> Stroke:
    """Across the stem of a 7."""
    low, high = seven.min(axis=0), seven.max(axis=0)
    row = low[1] + (high[1] - low[1]) * rng.uniform(0.4, 0.65)
    dense = wobble(rng, seven, 0)
    column = dense[np.abs(dense[:, 1] - row).argmin(), 0]
    half, slope = rng.uniform(0.1, 0.28, 2), rng.normal(0, 0.04)
    return np.array([[column - half[0], row + slope], [column + half[1], row - slope]])
