"""Reads a drawing: `recognize(canvas, model) -> Prediction`, with a reason if the answer should not be believed.

Knows `sketch` (what the network sees), a network and its calibration. Does not know browsers, and
never trains. Temperature after Guo et al., "On calibration of modern neural networks" (2017).
"""

import copy
import functools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnist_demo.images import sketch
from mnist_demo.images.data import CLASSES, normalize
from mnist_demo.images.ink import Ink, Piece, one_above_another, shrink, side_by_side, stroke_width
from mnist_demo.images.ink import pieces as pieces_of
from mnist_demo.images.sketch import Stage
from mnist_demo.learning import checkpoints, devices, networks
from mnist_demo.learning.checkpoints import LEAST_CONFIDENCE, TEMPERATURE, Checkpoint

LEAST_SIZE = 0.06  # of the canvas: a smaller drawing is not read as a digit
LARGE_DOT = 0.4  # of the canvas: a larger dot was painted, not clicked
# How long ink is beside its width, measured 2026-11-23: single clicks of a brush 1.5 to 1.7, two that touch 2.0 to 3.5,
# drawn digits from 2.4. Between these it counts as a blot unless the network is this sure. The shipped CNN gave 89
# of 90 blots at most 0.92, and 15 of the 17 digits as thick that it read right 0.96 or more.
CLICK_LENGTH, BLOT_LENGTH, BLOT_CONFIDENCE = 2.0, 3.6, 0.94
PART_HEIGHT = 0.55  # of the tallest part: a part lower than this belongs to its neighbour
# Separate parts are several digits if the network is surer than this of two of them, and surer than of the whole.
PART_CONFIDENCE, UNLIKE_PART_CONFIDENCE = 0.8, 0.5
MAX_PARTS = 6


class Refusal(StrEnum):
    """Why a drawing has no answer, as a sentence for the person who drew it."""

    BLANK = "The canvas is blank: draw a digit."
    NO_INK = "No ink was found in the picture: take it from closer, with the digit darker than the paper."
    TOO_LITTLE_INK = "There is too little ink for a digit: draw it larger."
    TOO_MUCH_INK = "There is so much ink that no digit can be seen: draw with thinner lines."
    SEVERAL_DIGITS = "These look like several digits: draw one at a time."
    NOT_A_DIGIT = "This looks like something that is not a digit."
    NO_NUMBER = "The network's answer is not a number: its weights have grown too large."


BLANK = Refusal.BLANK


@dataclass(frozen=True)
class Prediction:
    """A network's answer to one drawing, and the reason not to believe it, if there is one."""

    probabilities: NDArray[np.float32]  # (10,), calibrated; all zero if the network was not used
    refusal: Refusal | None
    stages: list[Stage]  # the preprocessing, last the 28x28 image; empty for a blank canvas

    @property
    def digit(self) -> int | None:
        """The most probable digit, even if the drawing is no digit; None if the network was not used."""
        return int(self.probabilities.argmax()) if self.probabilities.any() else None

    @property
    def confidence(self) -> float:
        """The calibrated probability that `digit` is right: low for non-digits, 0 if the network was not used."""
        return float(self.probabilities.max())


def recognize(
    canvas: NDArray[np.uint8], model: Checkpoint | None = None, skip: Collection[str] = frozenset()
) -> Prediction:
    """Reads a canvas: uint8 (H, W) ink, or (H, W, 3 or 4) colours, 28 to 1,024 pixels a side.

    `model` is a checkpoint; None is the shipped CNN. `skip` names stages of preprocessing to leave out
    (`sketch.Preprocessing`). Raises InvalidDrawing for anything that is not a canvas. Threads may share a model.
    """
    return recognize_by(canvas, [model or shipped_cnn()], skip)[0]


def recognize_by(
    canvas: NDArray[np.uint8], models: Sequence[Checkpoint], skip: Collection[str] = frozenset()
) -> list[Prediction]:
    """Like `recognize`, with several networks: one answer from each. The canvas is preprocessed only once."""
    ink = sketch.extract_ink(canvas)
    stages = sketch.preprocess(ink, skip)
    if not stages:
        refusal = Refusal.BLANK if canvas.ndim == 2 else Refusal.NO_INK  # in a picture it may be too faint to be found
        return [Prediction(np.zeros(CLASSES, np.float32), refusal, [])] * len(models)
    pieces = _pieces(stages, ink)
    length = max(_length(piece) for piece in pieces)
    if _is_tiny(pieces, max(ink.shape)) or length < CLICK_LENGTH:
        refusal = _why_no_lines(pieces, max(ink.shape))
        return [Prediction(np.zeros(CLASSES, np.float32), refusal, stages)] * len(models)
    drawing = _Drawing(stages, is_blot=length < BLOT_LENGTH, parts=_parts(pieces))
    return [_answer(drawing, model) for model in models]


@dataclass(frozen=True)
class _Drawing:
    """A drawing with enough ink, ready for a network."""

    stages: list[Stage]
    is_blot: bool  # every piece is so short that it may be one or two clicks
    parts: list[Ink]  # (28, 28) each: the separate parts, if there is more than one


def _answer(drawing: _Drawing, model: Checkpoint) -> Prediction:
    stages = drawing.stages
    answer = probabilities([stages[-1].image], model)[0]
    if not np.isfinite(answer).all():  # finite weights can still overflow on the way to the logits
        return Prediction(np.zeros(CLASSES, np.float32), Refusal.NO_NUMBER, stages)
    confidence = float(answer.max())
    least = model.scores.get(LEAST_CONFIDENCE, 0.0)
    if drawing.is_blot and confidence < max(least, BLOT_CONFIDENCE):
        return Prediction(_doubted(answer), Refusal.TOO_LITTLE_INK, stages)
    is_unlike = confidence < least
    surest = _second_surest(drawing.parts, model)
    if surest > (UNLIKE_PART_CONFIDENCE if is_unlike else max(PART_CONFIDENCE, confidence)):
        return Prediction(_doubted(answer), Refusal.SEVERAL_DIGITS, stages)
    return Prediction(answer, Refusal.NOT_A_DIGIT if is_unlike else None, stages)


def _doubted(answer: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same most probable digit, but with a confidence of little more than one half at most."""
    doubted: NDArray[np.float32] = (answer + np.float32(1 / CLASSES)) / np.float32(2)
    return doubted


@torch.inference_mode()
def logits(images: Sequence[Ink], model: Checkpoint) -> torch.Tensor:
    """The network's logits for images of ink (28, 28), as float32 (N, 10)."""
    pixels = normalize(torch.from_numpy(np.stack(images)), model.experiment.normalize)  # (N, 1, 28, 28)
    answer: torch.Tensor = model.model(pixels.to(devices.of(model.model)))
    return answer.cpu()


def probabilities(images: Sequence[Ink], model: Checkpoint) -> NDArray[np.float32]:
    """Calibrated probabilities of the digits for images of ink (28, 28): (N, 10)."""
    answer: NDArray[np.float32] = torch.softmax(
        logits(images, model) / model.scores.get(TEMPERATURE, 1.0), dim=1
    ).numpy()
    return answer


def calibrated(probabilities: NDArray[np.float32], model: Checkpoint) -> NDArray[np.float32]:
    """Calibrates probabilities (N, 10), a softmax of logits: as if the logits had been divided by T."""
    powers = probabilities ** (1 / model.scores.get(TEMPERATURE, 1.0))
    shares: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def with_dropout_on(model: Checkpoint) -> Checkpoint:
    """The same network with its dropout left on, as if `model.eval()` were forgotten; batch norm stays as it is.

    Its dropout uses a generator of its own, started anew at each call. So its answers are random, but do not
    change the random numbers of others.
    """
    forgetful = copy.deepcopy(model.model)
    generator = torch.Generator()
    generator.seed()
    networks.draw_from(forgetful, generator)
    for layer in forgetful.modules():
        if isinstance(layer, nn.Dropout):
            layer.train()
    return replace(model, model=forgetful)


@functools.cache  # read once per process
def shipped_cnn() -> Checkpoint:
    """The CNN that comes with the app."""
    return checkpoints.load(checkpoints.SHIPPED / "cnn.safetensors")


def _pieces(stages: Sequence[Stage], ink: Ink) -> list[Piece]:
    """The connected pieces of the drawing, stray specks left out, from left to right."""
    cleaned = next((stage.image for stage in stages if stage.name == sketch.Preprocessing.SPECKS), ink)
    return pieces_of(cleaned)


def _is_tiny(pieces: Sequence[Piece], canvas_side: int) -> bool:
    """Whether the whole drawing is too small for a canvas of this side."""
    width = max(piece.right for piece in pieces) - min(piece.left for piece in pieces)
    height = max(piece.bottom for piece in pieces) - min(piece.top for piece in pieces)
    return max(width, height) < LEAST_SIZE * canvas_side


def _why_no_lines(pieces: Sequence[Piece], canvas_side: int) -> Refusal:
    """Why a drawing without lines is refused: small dots are too little ink, a painted canvas is too much."""
    is_large = max(piece.extent for piece in pieces) > LARGE_DOT * canvas_side
    return Refusal.TOO_MUCH_INK if is_large else Refusal.TOO_LITTLE_INK


def _length(piece: Piece) -> float:
    """How many times as long as it is wide a piece is; infinite for one without dark ink."""
    side = min(piece.extent, 40)  # pixels: enough to tell, and fast
    width = stroke_width(shrink(piece.ink, side / piece.extent))
    return side / width if width else math.inf


def _parts(pieces: Sequence[Piece]) -> list[Ink]:
    """The parts side by side, else one above another, each as a 28x28 image of its own; empty if there is only one."""
    parts = side_by_side(pieces)
    if len(parts) < 2:
        parts = one_above_another(pieces)
    tallest = max(part.bottom - part.top for part in parts)
    parts = [part for part in parts if part.bottom - part.top >= PART_HEIGHT * tallest]
    if len(parts) < 2:
        return []
    return [sketch.preprocess(part.ink)[-1].image for part in parts[:MAX_PARTS]]


def _second_surest(parts: Sequence[Ink], model: Checkpoint) -> float:
    """How sure the network is of the second surest of several parts; 0 if there are none."""
    return float(np.sort(probabilities(parts, model).max(axis=1))[-2]) if parts else 0.0
