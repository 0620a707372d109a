"""What a finished run looked like at one of its points: weights as tiles, answers, numbers and sentences.

Runs and kept weights in, values of components out. Knows no events; remembers what it has computed, for
one process and within bounds.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics, best_index, most_accurate_index, stopping_index
from mnist_demo.images.data import CLASSES, Split, load_validation_data
from mnist_demo.inference.evaluation import CalibrationBin, calibration_bins, evaluate
from mnist_demo.inference.explain import first_layer_weights
from mnist_demo.learning import checkpoints
from mnist_demo.learning.networks import multiply_adds
from mnist_demo.serving.runs import Run, nearest_index
from mnist_demo.ui.components.tiles import ColorMap, Tile, tile
from mnist_demo.ui.run_view import row_head_html
from mnist_demo.ui.visit import table_html

UNITS = 15
CELL_IMAGES = 12
CALIBRATION_BINS = 10
LOOKS_IN_MEMORY = 300  # about 60 kB each
MULTIPLY_ADDS_PER_LOOK = 1e9  # 20 to 50 ms of one core (2026-11-23): a large network answers fewer images
FEWEST_IMAGES, MOST_IMAGES = 250, 2_000


@dataclass(frozen=True)
class Kept:
    """The weights kept nearest to a point of a run, with the last ones kept: they set units and colours."""

    run_id: str
    index: int  # in the history
    weights: bytes
    last_index: int
    last_weights: bytes


@dataclass(frozen=True)
class Look:
    """One network looked at: its first layer, and its answers on the first validation images."""

    tiles: list[Tile]
    predictions: NDArray[np.uint8]  # (N,)
    confidences: NDArray[np.float32]  # (N,), of the answers
    counts: list[list[int]]  # 10 x 10: row = the right digit, column = the answer
    calibration: list[CalibrationBin]

    @property
    def images(self) -> int:
        """How many images were answered."""
        return len(self.predictions)


@dataclass(frozen=True)
class _Lens:
    """How a run's weights are shown at every point alike, so that scrubbing shows them grow."""

    units: NDArray[np.int64]
    scale: float  # the weight with the full colour


class Looks:
    """Networks looked at, the latest ones remembered. May be used from several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: OrderedDict[tuple[str, int, int], Look] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, kept: Kept) -> Look:
        """The look at kept weights. Raises InvalidCheckpoint for weights that are not finite."""
        key = (kept.run_id, kept.index, kept.last_index)
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

    def tiles(self, look: Look, places: Sequence[int]) -> list[Tile]:
        """Those validation images, and how sure the network was."""
        images = load_validation_data(self._root).images
        return [tile("", images[at].numpy().tobytes(), note=f"{look.confidences[at]:.0%} sure") for at in places]


def kept_at(run: Run, index: int) -> Kept | None:
    """The weights nearest to a point of the history; None for a run without any."""
    snapshots = dict(run.snapshots)  # training goes on, and thins them
    nearest = nearest_index(snapshots, index)
    if nearest is None:
        return None
    last = max(snapshots)
    return Kept(run.id, nearest, snapshots[nearest], last, snapshots[last])


def nearest_point(run: Run, epoch: float) -> int:
    """Index of the point of the history nearest to an epoch."""
    return min(range(len(run.history)), key=lambda index: abs(run.history[index].epoch - epoch))


def scrub_epochs(pair_of_runs: Sequence[Run]) -> list[float]:
    """The epochs at which at least one of the runs was evaluated, in order."""
    return sorted({point.epoch for run in pair_of_runs for point in run.history})


def image_count(experiment: Experiment, budget: float = MULTIPLY_ADDS_PER_LOOK, most: int = MOST_IMAGES) -> int:
    """How many images a network of that size is asked for a budget of multiply-adds, a multiple of 250."""
    affordable = budget / multiply_adds(experiment)
    return min(max(round(affordable / FEWEST_IMAGES), 1) * FEWEST_IMAGES, most)


def _look(kept: Kept, val: Split) -> Look:
    checkpoint = checkpoints.unpack(kept.weights)
    experiment = checkpoint.experiment
    evaluation = evaluate(checkpoint, val.first(image_count(experiment)))
    weights = first_layer_weights(checkpoint)
    confidences = evaluation.probabilities.max(axis=1)
    known = np.isfinite(confidences)  # finite weights can still overflow on the way to the logits
    is_right = evaluation.predictions == evaluation.labels
    return Look(
        tiles=_weight_tiles(weights, _lens(kept, weights), experiment),
        predictions=evaluation.predictions.astype(np.uint8),
        confidences=confidences,
        counts=evaluation.confusion.tolist(),
        calibration=calibration_bins(confidences[known], is_right[known], CALIBRATION_BINS),
    )


def _lens(kept: Kept, weights: NDArray[np.float32]) -> _Lens:
    with contextlib.suppress(InvalidCheckpoint):  # the run diverged: what is looked at must do
        weights = first_layer_weights(checkpoints.unpack(kept.last_weights))
    lengths = np.linalg.norm(weights.reshape(len(weights), -1), axis=1)
    units = np.sort(np.argsort(-lengths, kind="stable")[:UNITS])  # the strongest, in the order of their index
    return _Lens(units, max(float(np.quantile(np.abs(weights[units]), 0.995)), 1e-9))


def _weight_tiles(weights: NDArray[np.float32], lens: _Lens, experiment: Experiment) -> list[Tile]:
    shares = np.clip(weights[lens.units] / lens.scale, -1, 1)
    pixels = (128 + np.round(127 * shares)).astype(np.uint8)
    word = "unit" if experiment.hidden_sizes else "digit"
    if weights.shape[1] < 28:
        word = "kernel"
    return [
        tile(f"{word} {unit}", picture.tobytes(), picture.shape[1], picture.shape[0], color_map=ColorMap.DIVERGING)
        for unit, picture in zip(lens.units, pixels, strict=True)
    ]


def numbers_html(names: Sequence[str], pair_of_runs: Sequence[Run], epoch: float) -> str:
    """What the runs measured at an epoch, as a table."""
    rows = [
        f"<tr>{row_head_html(name)}{_cells(run, epoch)}</tr>" for name, run in zip(names, pair_of_runs, strict=True)
    ]
    return table_html(("Run", "Epoch", "Train loss", "Val. loss", "Train acc.", "Val. acc."), rows)


def _cells(run: Run, epoch: float) -> str:
    point = run.history[nearest_point(run, epoch)]
    texts = [f"{point.epoch:.3g}", f"{point.train_loss:.3f}", f"{point.val_loss:.3f}"]
    texts += [f"{point.train_accuracy:.1%}", f"{point.val_accuracy:.1%}"]
    return "".join(f"<td>{text}</td>" for text in texts)


def heading_html(name: str, run: Run, index: int) -> str:
    """Whose weights are shown, and from when: only some epochs' weights are kept of a long run."""
    kept = kept_at(run, index)
    if kept is None:
        return f'<h3 class="mnist-look">Run {name}: no weights yet</h3>'
    epoch = run.history[kept.index].epoch
    note = "" if kept.index == index else f" (nearest kept to epoch {run.history[index].epoch:.3g})"
    return f'<h3 class="mnist-look">Run {name}, first layer at epoch {epoch:.3g}{escape(note)}</h3>'


def best_sentence(name: str, history: Sequence[Metrics]) -> str:
    """Which epoch a run calls its best, and openly whether another one was more accurate."""
    best, accurate = best_index(history), most_accurate_index(history)
    if best is None or accurate is None:
        return f"Run {name} never had a finite validation loss."
    point, rival = history[best], history[accurate]
    text = f"Run {name}: lowest validation loss {point.val_loss:.3f} at epoch {point.epoch:.3g}"
    if rival.val_accuracy <= point.val_accuracy:
        return f"{text}, where its accuracy was highest too ({point.val_accuracy:.1%})."
    return (
        f"{text} with accuracy {point.val_accuracy:.1%}; but epoch {rival.epoch:.3g} was more accurate, "
        f"{rival.val_accuracy:.1%}. Best means lowest loss here."
    )


def stopping_sentence(name: str, history: Sequence[Metrics], patience: int, epochs: int) -> str:
    """Where early stopping with that patience would have ended a run of so many epochs, and what it would have kept."""
    end = stopping_index(history, patience)
    if not history or best_index(history) is None:
        return f"Run {name} has no finite validation loss to watch."
    if end is None and history[-1].epoch < epochs:
        return f"Run {name} ended at epoch {history[-1].epoch:.3g}, before a patience of {patience} could decide."
    if end is None:
        return f"Run {name} would not have been stopped: it went on to epoch {history[-1].epoch:.3g}."
    kept_index = best_index(history[: end + 1])
    assert kept_index is not None  # a run is only stopped after a best point
    kept, last = history[kept_index], history[-1]
    text = (
        f"Run {name} would have stopped at epoch {history[end].epoch:.3g} and kept epoch {kept.epoch:.3g}: "
        f"validation loss {kept.val_loss:.3f}, accuracy {kept.val_accuracy:.1%}, "
        f"instead of {last.val_loss:.3f} and {last.val_accuracy:.1%} at epoch {last.epoch:.3g}."
    )
    overall = best_index(history)
    if overall is not None and history[overall].val_loss < kept.val_loss:
        later = history[overall]
        text += f" It would have missed epoch {later.epoch:.3g} with loss {later.val_loss:.3f}: too little patience."
    return text


def is_cell(value: object) -> bool:
    """Whether a value from the page is the place of a cell: [matrix or run, row, column]."""
    return (
        isinstance(value, list | tuple)
        and len(value) == 3
        and all(isinstance(number, int) and not isinstance(number, bool) for number in value)
        and value[0] in (0, 1)
        and all(0 <= number < CLASSES for number in value[1:])
    )


def is_number(value: Any) -> bool:
    """Whether a value from the page is a number that can be compared with an epoch."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def whole_number(value: Any, low: int, high: int, default: int) -> int:
    """A value from the page as a whole number within bounds; NaN and what is no number become the default."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return default
    return round(min(max(value, low), high))
