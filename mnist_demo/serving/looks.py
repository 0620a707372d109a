"""What a run looked like at one of its points: first-layer weights, answers, sureness. Arrays out, no pictures.

Knows which point of a run is meant, and which weights were kept nearest to it. Remembers what it has computed, for one
process and within bounds. Does not know pages: how an array becomes a picture is theirs.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.images.data import Split, load_validation_data
from mnist_demo.inference.evaluation import CalibrationBin, calibration_bins, evaluate
from mnist_demo.inference.explain import first_layer_weights
from mnist_demo.learning import checkpoints
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.learning.cost import image_count
from mnist_demo.serving.runs import Run, nearest_index
from mnist_demo.serving.snapshots import Snapshots

UNITS = 15
CELL_IMAGES = 12
CALIBRATION_BINS = 10
LOOKS_IN_MEMORY = 300  # about 60 kB each
MULTIPLY_ADDS_PER_LOOK = 1e9  # 20 to 50 ms of one core (2026-11-23): a large network answers fewer images
MOST_IMAGES = 2_000
GLANCE_UNITS, GLANCE_MISTAKES = 3, 3
MULTIPLY_ADDS_PER_GLANCE, GLANCE_IMAGES = 5e7, 200  # a few ms: it is taken while the network trains


class Point(StrEnum):
    """Which of a run's points is meant."""

    BEST = "best"  # the lowest validation loss
    LAST = "last"
    LOOKED_AT = "looked at"


@dataclass(frozen=True)
class Kept:
    """The weights kept nearest to a point of a run, with the last ones kept: they set units and colours."""

    training_id: str
    index: int  # in the history
    last_index: int
    snapshots: Snapshots

    @property
    def weights(self) -> bytes:
        """The checkpoint, read now."""
        return self.snapshots[self.index]

    @property
    def last_weights(self) -> bytes:
        """The last one kept, read now."""
        return self.snapshots[self.last_index]


@dataclass(frozen=True)
class Look:
    """One network looked at: its first layer, and its answers on the first N validation images."""

    units: NDArray[np.int64]  # (U,): which units, kernels or digits are shown
    weights: NDArray[np.float32]  # (U, 28, 28), or (U, K, K) of a convolution; in [-1, 1], one scale
    predictions: NDArray[np.uint8]  # (N,)
    confidences: NDArray[np.float32]  # (N,), of the answers
    counts: list[list[int]]  # 10 x 10: row = the right digit, column = the answer
    calibration: list[CalibrationBin]

    @property
    def images(self) -> int:
        """How many images were answered."""
        return len(self.predictions)

    @property
    def right(self) -> int:
        """How many of them were answered right."""
        return sum(self.counts[digit][digit] for digit in range(len(self.counts)))


@dataclass(frozen=True)
class Glance:
    """So much of a look as can be had at every point of a training: some units, and the first mistakes."""

    units: NDArray[np.int64]  # (U,)
    weights: NDArray[np.float32]  # (U, 28, 28) or (U, K, K), in [-1, 1]
    mistakes: list[tuple[int, int]]  # (place among the validation images, the answer)


def glance(model: Checkpoint, root: Path) -> Glance:
    """The same units at every point, evenly spread, and which of the first validation images are read wrongly."""
    weights = first_layer_weights(model)
    units = np.unique(np.linspace(0, len(weights) - 1, GLANCE_UNITS).round().astype(np.int64))
    chosen = weights[units]
    scale = max(float(np.quantile(np.abs(chosen), 0.995)), 1e-9)
    images = image_count(model.experiment, MULTIPLY_ADDS_PER_GLANCE, GLANCE_IMAGES)
    answers = evaluate(model, load_validation_data(root).first(images))
    wrong = np.flatnonzero(answers.predictions != answers.labels)[:GLANCE_MISTAKES]
    return Glance(units, np.clip(chosen / scale, -1, 1), [(int(at), int(answers.predictions[at])) for at in wrong])


class Looks:
    """Networks looked at, the latest ones remembered. May be used from several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: OrderedDict[tuple[str, int, int], Look] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, kept: Kept) -> Look:
        """The look at kept weights. Raises InvalidCheckpoint for weights that are not finite."""
        key = (kept.training_id, kept.index, kept.last_index)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        look = _look(kept, load_validation_data(self._root))
        with self._lock:
            self._found[key] = look
            while len(self._found) > LOOKS_IN_MEMORY:
                self._found.popitem(last=False)
        return look

    def cell(self, look: Look, row: int, column: int) -> tuple[int, ...]:
        """Places, among the validation images, of some of one cell of the matrix, the surest answers first."""
        labels = load_validation_data(self._root).labels[: look.images].numpy()
        found = np.flatnonzero((labels == row) & (look.predictions == column))
        return tuple(found[np.argsort(-look.confidences[found], kind="stable")][:CELL_IMAGES].tolist())


def kept_at(run: Run, index: int) -> Kept | None:
    """The weights nearest to a point of the history; None for a run without any."""
    snapshots = run.snapshots.copy()  # training continues meanwhile, and drops some of them
    nearest = nearest_index(snapshots, index)
    if nearest is None:
        return None
    return Kept(run.training.id, nearest, max(snapshots), snapshots)


def point_index(run: Run, point: Point, cursor: int | None) -> int | None:
    """Where in the history a point is; None for a run without it. `cursor` is the index looked at, if any was."""
    last = len(run.history) - 1 if run.history else None
    return {Point.BEST: run.best, Point.LAST: last, Point.LOOKED_AT: cursor}[point]


def nearest_place(epochs: Sequence[float], epoch: float) -> int:
    """Index of the epoch, in a list of at least one, that lies nearest to another."""
    return min(range(len(epochs)), key=lambda index: abs(epochs[index] - epoch))


def nearest_point(run: Run, epoch: float) -> int:
    """Index of the point of the history nearest to an epoch."""
    return nearest_place([point.epoch for point in run.history], epoch)


def scrub_epochs(pair_of_runs: Sequence[Run]) -> list[float]:
    """The epochs at which at least one of the runs was evaluated, in order."""
    return sorted({point.epoch for run in pair_of_runs for point in run.history})


def _look(kept: Kept, val: Split) -> Look:
    checkpoint = checkpoints.unpack(kept.weights)
    images = image_count(checkpoint.experiment, MULTIPLY_ADDS_PER_LOOK, MOST_IMAGES)
    evaluation = evaluate(checkpoint, val.first(images))
    weights = first_layer_weights(checkpoint)
    units, scale = _lens(kept, weights)
    confidences = evaluation.probabilities.max(axis=1)
    known = np.isfinite(confidences)  # finite weights can still overflow on the way to the logits
    is_right = evaluation.predictions == evaluation.labels
    return Look(
        units=units,
        weights=np.clip(weights[units] / scale, -1, 1),
        predictions=evaluation.predictions.astype(np.uint8),
        confidences=confidences,
        counts=evaluation.confusion.tolist(),
        calibration=calibration_bins(confidences[known], is_right[known], CALIBRATION_BINS),
    )


def _lens(kept: Kept, weights: NDArray[np.float32]) -> tuple[NDArray[np.int64], float]:
    """Which units to show, and the weight with the full colour: alike at every point, so that weights grow in place."""
    with contextlib.suppress(InvalidCheckpoint):  # the run diverged: what is looked at must do
        weights = first_layer_weights(checkpoints.unpack(kept.last_weights))
    lengths = np.linalg.norm(weights.reshape(len(weights), -1), axis=1)
    units = np.sort(np.argsort(-lengths, kind="stable")[:UNITS])  # the strongest, in the order of their index
    return units, max(float(np.quantile(np.abs(weights[units]), 0.995)), 1e-9)
