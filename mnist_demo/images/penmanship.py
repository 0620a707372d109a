"""Drawings for measuring a network during development: validation digits as strokes, redrawn in many ways.

Knows how drawings differ (size, place, brush, tilt, stretch, fast mice, ways of writing). Does not know networks
and measures nothing. No network is trained on these drawings. Training uses `handwriting` and `nondigits`, which
change pictures of 28 pixels and use other fonts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mnist_demo.images import nondigits, strokes
from mnist_demo.images.data import Split
from mnist_demo.images.ink import Ink
from mnist_demo.images.nondigits import into_square, wobble
from mnist_demo.images.strokes import Stroke

Generator = np.random.Generator
Range = tuple[float, float]
Habit = Callable[[Generator, list[Stroke]], list[Stroke]]

DEVELOPMENT_FONTS = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSansMono")


@dataclass(frozen=True)
class Drawing:
    """Ink uint8 (side, side) and the digit it shows; None for no digit."""

    ink: Ink
    digit: int | None


@dataclass(frozen=True)
class Condition:
    """One way in which drawings differ. Values are chosen uniformly from each range."""

    name: str
    digits: tuple[int, ...] = tuple(range(10))
    habit: Habit | None = None  # redraws the strokes, which lie in the square from 0 to 1
    only: Callable[[Sequence[Stroke]], bool] | None = None  # which digits are drawn; None: all
    size: Range = (0.45, 0.75)  # longer side of the digit, as a share of the canvas
    brush: Range = (12, 18)  # pixels
    off_centre: float = 0.3  # 0 = in the middle, 1 = anywhere on the canvas
    tilt: Range = (0, 6)  # degrees, to either side
    stretch: Range = (1, 1.1)  # width over height, or the other way round
    step: float = 3  # pixels between two events of the mouse
    jitter: float = 0  # pixels, standard deviation of an event's position
    side: int = 280  # pixels


def _points(*pairs: tuple[float, float]) -> Stroke:
    return np.array(pairs, float)


def _arc(centre: tuple[float, float], radius: tuple[float, float], start: float, end: float) -> Stroke:
    """Part of an ellipse; angles in degrees, 0 to the right, 90 below."""
    angle = np.radians(np.linspace(start, end, 24))
    return np.stack([centre[0] + radius[0] * np.cos(angle), centre[1] + radius[1] * np.sin(angle)], axis=1)


def _slashed_0(rng: Generator, digit: list[Stroke]) -> list[Stroke]:
    low, high = strokes.box(digit)
    reach, shake = rng.uniform(-0.12, 0.2), rng.normal(0, 0.03, 4)
    extent = high - low
    start = np.array([low[0] + reach * extent[0] + shake[0], high[1] - reach * extent[1] + shake[1]])
    end = np.array([high[0] - reach * extent[0] + shake[2], low[1] + reach * extent[1] + shake[3]])
    return [*digit, np.stack([start, end])]


def _crossed_7(rng: Generator, digit: list[Stroke]) -> list[Stroke]:
    low, high = strokes.box(digit)
    row = low[1] + (high[1] - low[1]) * rng.uniform(0.42, 0.62)
    points = np.concatenate(digit)
    column = points[np.abs(points[:, 1] - row).argmin(), 0]
    half, slope = rng.uniform(0.12, 0.26), rng.normal(0, 0.03)
    return [*digit, _points((column - half, row + slope), (column + half, row - slope))]


def _flagged_1(rng: Generator, digit: list[Stroke]) -> list[Stroke]:
    points = np.concatenate(digit)
    head = points[points[:, 1].argmin()]
    fall, length = np.radians(rng.uniform(35, 75)), rng.uniform(0.15, 0.4)  # a flatter flag makes a 7
    return [*digit, np.stack([head, head + length * np.array([-np.cos(fall), np.sin(fall)])])]


def _underlined_1(rng: Generator, digit: list[Stroke]) -> list[Stroke]:
    if rng.random() < 0.6:
        digit = _flagged_1(rng, digit)
    points = np.concatenate(digit)
    foot = points[points[:, 1].argmax()]
    half, slope = rng.uniform(0.14, 0.32), rng.normal(0, 0.02)
    return [*digit, _points((foot[0] - half, foot[1] + slope), (foot[0] + half, foot[1] - slope))]


def _open_4(rng: Generator, _digit: list[Stroke]) -> list[Stroke]:
    corner, stem = rng.uniform(0.5, 0.68), rng.uniform(0.48, 0.66)
    tip = rng.uniform(0.05, 0.3)
    left = _points((tip, rng.uniform(0, 0.2)), (tip - 0.05, corner), (rng.uniform(0.75, 0.95), corner - 0.03))
    return [left, _points((stem, rng.uniform(0.1, 0.35)), (stem - rng.uniform(-0.05, 0.1), 1))]


def _closed_4(rng: Generator, _digit: list[Stroke]) -> list[Stroke]:
    corner, stem = rng.uniform(0.55, 0.72), rng.uniform(0.5, 0.68)
    foot = stem - rng.uniform(-0.04, 0.08)
    return [_points((stem, 1), (foot, 0), (rng.uniform(-0.05, 0.15), corner), (rng.uniform(0.75, 1), corner))]


def _tailless_9(rng: Generator, _digit: list[Stroke]) -> list[Stroke]:
    width, height = rng.uniform(0.2, 0.28), rng.uniform(0.2, 0.28)
    loop = _arc((0.4, height), (width, height), -20, -390)
    foot = 0.4 + width + rng.uniform(-0.14, 0.05)
    return [np.concatenate([loop, _points((foot, rng.uniform(0.85, 1.05)))])]


def _looped_2(rng: Generator, _digit: list[Stroke]) -> list[Stroke]:
    top = _arc((0.45, 0.25), (rng.uniform(0.28, 0.36), 0.25), -165, 45)
    loop = _arc((0.2, 0.86), (rng.uniform(0.1, 0.16), rng.uniform(0.07, 0.13)), 90, 360)
    tail = _points((0.45, rng.uniform(0.88, 0.95)), (rng.uniform(0.75, 0.95), rng.uniform(0.88, 1.05)))
    return [np.concatenate([top, loop, tail])]


CONDITIONS = (
    Condition("plain", off_centre=0),
    Condition("small (16-25%)", size=(0.16, 0.25), brush=(6, 8), off_centre=1),
    Condition("middling (25-45%)", size=(0.25, 0.45), brush=(7, 14), off_centre=1),
    Condition("large (80-93%)", size=(0.8, 0.93), brush=(12, 24), off_centre=1),
    Condition("in a corner", size=(0.3, 0.45), brush=(8, 14), off_centre=2),
    Condition("thin brush (6)", size=(0.5, 0.9), brush=(6, 7)),
    Condition("thick brush (28)", size=(0.6, 0.9), brush=(24, 28)),
    Condition("tilted (12-20°)", tilt=(12, 20)),
    Condition("tilted (20-28°)", tilt=(20, 28)),
    Condition("stretched (1.3-1.7)", stretch=(1.3, 1.7)),
    Condition("sparse events", step=26, jitter=1.5),
    Condition("jittery events", step=9, jitter=3),
    Condition("400×400", side=400, size=(0.16, 0.93), brush=(9, 28), off_centre=1),
    Condition(
        "all at once",
        size=(0.2, 0.93),
        brush=(8, 20),
        off_centre=1,
        tilt=(0, 15),
        stretch=(1, 1.4),
        step=12,
        jitter=1.5,
    ),
    Condition("slashed 0", (0,), _slashed_0),
    Condition("crossed 7", (7,), _crossed_7),
    Condition("flagged 1", (1,), _flagged_1),
    Condition("underlined 1", (1,), _underlined_1),
    Condition("open 4", (4,), _open_4),
    Condition("closed 4", (4,), _closed_4),
    Condition("tailless 9", (9,), _tailless_9),
    Condition("looped 2", (2,), _looped_2),
)


class Written(Protocol):
    """Digits that exist as strokes."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """The digits, (N,)."""

    def written(self, index: int) -> list[Stroke]:
        """The strokes of one digit, in the square from 0 to 1."""


class Traced:
    """The strokes along the middle of the ink of pictures."""

    def __init__(self, pictures: Split) -> None:
        self.pictures = pictures
        self.labels: NDArray[np.int64] = pictures.labels.numpy()
        self._strokes: dict[int, list[Stroke]] = {}

    def written(self, index: int) -> list[Stroke]:
        """The strokes of one picture, in the square from 0 to 1."""
        if index not in self._strokes:
            self._strokes[index] = into_square(strokes.from_picture(self.pictures.images[index].numpy()))
        return self._strokes[index]


@dataclass
class Hand:
    """Draws the drawings of a condition; the same seed draws the same ones."""

    digits: Written
    seed: int = 0

    def drawings(self, condition: Condition, count: int) -> Iterator[Drawing]:
        """`count` digits drawn under a condition, each digit equally often; nothing if no digit fits it."""
        rng = np.random.default_rng([self.seed, *condition.name.encode()])
        by_digit = {digit: found for digit in condition.digits if (found := self._choices(condition, digit))}
        digits = list(by_digit)
        for number in range(count if digits else 0):
            digit = digits[number % len(digits)]
            choices = by_digit[digit]
            first = self.seed * (len(choices) // 2)  # another seed draws other writers' digits
            written = self.digits.written(int(choices[(first + number // len(digits)) % len(choices)]))
            if condition.habit:
                written = into_square([wobble(rng, s, 0.012) for s in condition.habit(rng, written)])
            yield Drawing(put_on_canvas(rng, condition, written), digit)

    def non_digits(self, kind: str, count: int) -> Iterator[Drawing]:
        """`count` drawings of one of the `NON_DIGITS`."""
        rng = np.random.default_rng([self.seed, *kind.encode()])
        for _ in range(count):
            if kind == "dots":
                yield Drawing(_dots(rng), None)
                continue
            condition = Condition(kind, size=(0.3, 0.9), brush=(8, 20), off_centre=1)
            yield Drawing(put_on_canvas(rng, condition, self._no_digit(rng, kind)), None)

    def _no_digit(self, rng: Generator, kind: str) -> list[Stroke]:
        match kind:
            case "letters":
                return nondigits.letter(rng, DEVELOPMENT_FONTS, nondigits.LETTERS)
            case "signs":
                return nondigits.letter(rng, DEVELOPMENT_FONTS, nondigits.SIGNS)
            case "scribbles":
                return nondigits.scribble(rng)
            case "shapes":
                return nondigits.shape(rng)
        left, right = (self.digits.written(int(index)) for index in rng.integers(len(self.digits.labels), size=2))
        gap = float(strokes.box(left)[1][0] - strokes.box(right)[0][0]) + rng.uniform(0.05, 0.3)
        return into_square([*left, *(s + np.array([gap, rng.normal(0, 0.05)]) for s in right)])

    def _choices(self, condition: Condition, digit: int) -> list[int]:
        """Indices of the examples of one digit that a condition draws."""
        found = [int(index) for index in np.flatnonzero(self.digits.labels == digit)]
        if condition.only:
            found = [index for index in found if condition.only(self.digits.written(index))]
        return found


NON_DIGITS = ("letters", "signs", "scribbles", "shapes", "two digits", "dots")


def put_on_canvas(rng: Generator, condition: Condition, written: Sequence[Stroke]) -> Ink:
    """Strokes in the square from 0 to 1 -> ink uint8 (side, side), as the condition says."""
    side, brush = condition.side, rng.uniform(*condition.brush)
    turn = np.radians(rng.uniform(*condition.tilt) * rng.choice([-1, 1]))
    widen = rng.uniform(*condition.stretch) ** (rng.choice([-1, 1]) / 2)
    cos, sin = np.cos(turn), np.sin(turn)
    bend = np.array([[widen, 0], [0, 1 / widen]]) @ np.array([[cos, sin], [-sin, cos]])
    turned = into_square([s @ bend for s in written])
    extent = max(side * rng.uniform(*condition.size) - brush, brush)
    room = max(side - extent - brush, 0)
    place = np.clip(0.5 + condition.off_centre * rng.uniform(-0.5, 0.5, 2), 0, 1) * room + brush / 2
    events = [_as_events(rng, condition, s * extent + place) for s in turned]
    return strokes.draw(events, side, brush)


def _as_events(rng: Generator, condition: Condition, stroke: Stroke) -> Stroke:
    """The points that a mouse reports along a stroke: every `step` pixels, with a random error of `jitter`."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    places = np.linspace(0, along[-1], max(2, round(along[-1] / condition.step) + 1))
    events = np.stack([np.interp(places, along, stroke[:, axis]) for axis in (0, 1)], axis=1)
    shaken: NDArray[np.float64] = events + rng.normal(0, condition.jitter, events.shape) * (condition.jitter > 0)
    return shaken


def _dots(rng: Generator) -> Ink:
    """One to four single clicks of a brush."""
    places = rng.uniform(30, 250, (rng.integers(1, 5), 1, 2))
    return strokes.draw(places.repeat(2, axis=1), 280, rng.uniform(6, 28))
