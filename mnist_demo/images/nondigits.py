"""Drawings that are not digits: letters, scribbles, shapes and signs, as strokes and as training pictures.

Knows how to draw them as strokes in a square from 0 to 1, and how to turn and pair digits that it is given. Does
not know networks, and does not load MNIST. Letters that may be digits (O, l, Z, S, ...) are left out.
"""

import functools
import string
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from mnist_demo.images import sketch, strokes
from mnist_demo.images.sketch import Preprocessing
from mnist_demo.images.strokes import Stroke

TRAINING_FONTS = (  # the tests of a trained network use other fonts
    *("STIXGeneral", "STIXGeneralItalic", "cmss10", "cmtt10", "cmti10", "cmr10", "cmmi10"),
)
LIKE_DIGITS = "OoQDIilJjZzSsGbBgqyaeT"  # people may write each of these like a digit
LETTERS = "".join(letter for letter in string.ascii_letters if letter not in LIKE_DIGITS)
SIGNS = "?&@#%$+=<>~*{}€§"
POOL_SIZE = 6_000
AS_DRAWN = frozenset({Preprocessing.SPECKS, Preprocessing.WIDTH})  # left out: networks should see thin and thick ones
_CANVAS = 140  # pixels


def training_batch(
    digits: Tensor, labels: Tensor, count: int, seed: int, generator: torch.Generator | None = None
) -> Tensor:
    """Non-digits uint8 (count, 28, 28): half are drawn, a quarter are turned digits, a quarter paired digits.

    Digits uint8 (N, 28, 28), labels int64 (N,). Random numbers come from `generator` (None: torch's own).
    """
    drawn = _drawn(seed, torch.randint(POOL_SIZE, (count - 2 * (count // 4),), generator=generator))
    turnable = torch.isin(labels, torch.tensor([2, 3, 4, 5, 7])).nonzero()[:, 0]
    if len(turnable) < count // 4:
        return _drawn(seed, torch.randint(POOL_SIZE, (count,), generator=generator))
    turned = digits[turnable[: count // 4]].rot90(1 if torch.rand((), generator=generator) < 0.5 else -1, (1, 2))
    chosen = torch.randperm(len(digits), generator=generator)[: 2 * (count // 4)]
    return torch.cat([drawn, turned, _pairs(digits[chosen])])


def _pairs(digits: Tensor) -> Tensor:
    """Two digits side by side in each picture: uint8 (2N, 28, 28) -> (N, 28, 28)."""
    left, right = digits[:, :, 4:24].float().chunk(2)
    both = torch.cat([left, right], dim=2)[:, None]  # (N, 1, 28, 40)
    small = F.interpolate(both, size=(20, 22), mode="area")[:, 0]
    return F.pad(small, (3, 3, 4, 4)).round().to(torch.uint8)


def _drawn(seed: int, numbers: Tensor) -> Tensor:
    """Drawn non-digits (count, 28, 28) by their numbers (count,)."""
    return torch.stack([training_drawing(seed, number) for number in numbers.tolist()])


@functools.lru_cache(maxsize=2 * POOL_SIZE)  # two milliseconds to draw; 10 MB when full
def training_drawing(seed: int, number: int) -> Tensor:
    """One drawn non-digit as a network sees it, uint8 (28, 28): the same in every process.

    A seed has `POOL_SIZE` of them, and each is drawn when it is first asked for.
    """
    rng = np.random.default_rng((seed, number))
    while True:
        side = _CANVAS * rng.uniform(0.4, 0.9)
        drawing = [s * side + (_CANVAS - side) / 2 for s in random_drawing(rng, TRAINING_FONTS)]
        stages = sketch.preprocess(strokes.draw(drawing, _CANVAS, rng.uniform(3, 12), oversample=1), AS_DRAWN)
        if stages:  # a thin line can leave nothing
            return torch.from_numpy(stages[-1].image)


def random_drawing(rng: np.random.Generator, fonts: Sequence[str]) -> list[Stroke]:
    """A letter or sign (half the time), a scribble, a shape or a made-up letter, in the square from 0 to 1."""
    kinds: list[Callable[[], list[Stroke]]] = [
        lambda: letter(rng, fonts),
        lambda: letter(rng, fonts),
        lambda: letter(rng, fonts),
        lambda: scribble(rng),
        lambda: shape(rng),
        lambda: made_up_letter(rng),
    ]
    return kinds[rng.integers(len(kinds))]()


def letter(rng: np.random.Generator, fonts: Sequence[str], characters: str = LETTERS + SIGNS) -> list[Stroke]:
    """A letter of a font as pen strokes: the skeleton of its shape, slanted and stretched a little."""
    glyph = glyph_strokes(fonts[int(rng.integers(len(fonts)))], characters[int(rng.integers(len(characters)))])
    slant, stretch = rng.normal(0, 0.15), rng.uniform(0.8, 1.25)
    slanted = [(s - 0.5) @ np.array([[stretch, 0], [-slant, 1]]) + 0.5 for s in glyph]
    return into_square([wobble(rng, s, 0.012) for s in slanted])


@functools.cache
def glyph_strokes(font: str, character: str) -> tuple[Stroke, ...]:
    """The skeleton of one character, in the square from 0 to 1."""
    from matplotlib import get_data_path  # here: only this needs it, and every training worker imports this module

    image = Image.new("L", (120, 140), 0)
    face = ImageFont.truetype(Path(get_data_path()) / "fonts" / "ttf" / f"{font}.ttf", 72)
    ImageDraw.Draw(image).text((60, 100), character, fill=255, font=face, anchor="ms")
    skeleton = strokes.thin(np.asarray(image) > 100)
    return tuple(into_square([strokes.smooth(s) for s in strokes.trace(skeleton, min_length=6)]))


def scribble(rng: np.random.Generator) -> list[Stroke]:
    """One random pen line: a sum of slow and fast waves, or a zigzag."""
    if rng.random() < 0.3:
        turns = rng.integers(4, 12)
        zigzag = np.stack([np.linspace(0, 1, turns), np.arange(turns) % 2 * rng.uniform(0.3, 1)], axis=1)
        return into_square([wobble(rng, zigzag + rng.normal(0, 0.05, zigzag.shape), 0)])
    time = np.linspace(0, 1, 120)
    waves = np.arange(1, rng.integers(4, 9))
    phase = 2 * np.pi * (time[:, None, None] * waves + rng.random((2, len(waves))))  # (120, 2, waves)
    line = (np.sin(phase) * rng.normal(0, 1, (2, len(waves))) / waves**0.5).sum(axis=2)
    return into_square([line])


def made_up_letter(rng: np.random.Generator) -> list[Stroke]:
    """Three to five straight or bent lines, each starting near another: a letter of no real alphabet."""
    drawing: list[Stroke] = []
    for _ in range(rng.integers(3, 6)):
        start = rng.uniform(0, 1, 2)
        if drawing:
            other = drawing[rng.integers(len(drawing))]
            start = other[rng.choice([0, len(other) // 2, -1])] + rng.normal(0, 0.03, 2)
        angle = rng.choice([0, 90, 180, 270, 45, 135, 225, 315]) + rng.normal(0, 15)
        turns = np.radians(angle + np.linspace(0, 1, 16) * rng.normal(0, 130) * (rng.random() < 0.5))
        steps = rng.uniform(0.35, 1) / 16 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        drawing.append(start + np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)]))
    return into_square([wobble(rng, part, 0.012) for part in drawing])


def shape(rng: np.random.Generator) -> list[Stroke]:
    """A polygon, star, cross, arrow, heart, spiral, wave, house or smiling face."""
    turn = rng.uniform(0, 2 * np.pi)
    angle = np.linspace(0, 2 * np.pi, 41)
    corners = rng.integers(3, 6)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    kind = rng.integers(9)
    if kind == 0:
        drawing = [_polygon(np.ones(corners), turn)]
    elif kind == 1:
        drawing = [_polygon(np.tile([1, 0.4], 5), turn)]
    elif kind == 2:
        drawing = [np.array([[0.0, 0], [1, 1]]), np.array([[0.0, 1], [1, 0]])]
    elif kind == 3:
        drawing = [np.array([[0.0, 0.5], [1, 0.5]]), np.array([[0.6, 0.1], [1, 0.5], [0.6, 0.9]])]
    elif kind == 4:
        heart_y = -(13 * np.cos(angle) - 5 * np.cos(2 * angle) - 2 * np.cos(3 * angle) - np.cos(4 * angle)) / 16
        drawing = [np.stack([np.sin(angle) ** 3, heart_y], axis=1)]
    elif kind == 5:
        time = np.linspace(0.1, 1, 80)
        spin = turn + time * 2 * np.pi * rng.uniform(2, 4)
        drawing = [time[:, None] * np.stack([np.cos(spin), np.sin(spin)], axis=1)]
    elif kind == 6:
        time = np.linspace(0, 1, 60)
        drawing = [np.stack([time, 0.2 * np.sin(2 * np.pi * time * rng.uniform(1.5, 4))], axis=1)]
    elif kind == 7:
        drawing = [np.array([[0.0, 1], [0, 0.4], [0.5, 0], [1, 0.4], [1, 1], [0, 1]])]
    else:
        smile = np.stack([np.cos(angle[2:19]) * 0.5, np.sin(angle[2:19]) * 0.5], axis=1)
        eyes = [np.array([[x, -0.3], [x, -0.2]]) for x in (-0.3, 0.3)]
        drawing = [ring, smile, *eyes]
    return into_square([wobble(rng, part, 0.015) for part in drawing])


def _polygon(radii: Sequence[float] | np.ndarray[tuple[int], np.dtype[np.float64]], turn: float) -> Stroke:
    """A closed line through corners at these distances from its centre."""
    angle = turn + np.arange(len(radii) + 1) * 2 * np.pi / len(radii)
    radius = np.append(radii, radii[0])[:, None]
    corners: Stroke = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return corners


def wobble(rng: np.random.Generator, stroke: Stroke, amount: float) -> Stroke:
    """A stroke with a point at least every fiftieth of the square, shaken smoothly by about `amount`."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate([[0], np.cumsum(lengths)])
    places = np.linspace(0, along[-1], max(2, int(along[-1] / 0.02)))
    points = np.stack([np.interp(places, along, stroke[:, axis]) for axis in (0, 1)], axis=1)
    shake = 2 * strokes.smooth(np.asarray(rng.normal(0, amount, points.shape)), 3)
    return strokes.smooth(points + shake, 1)


def into_square(drawing: Sequence[Stroke]) -> list[Stroke]:
    """Moves and scales strokes: the longer side of their box fills 0 to 1, the other side is centred."""
    low, high = strokes.box(drawing)
    extent = max(float((high - low).max()), 1e-6)
    return [(s - (low + high) / 2) / extent + 0.5 for s in drawing]
