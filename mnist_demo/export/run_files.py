"""A visitor's runs as files to download: weights, tables, a figure's caption. Returns bytes, writes nothing to disk.

Knows formats and file names. Does not know who asks or which button was pressed.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from enum import StrEnum

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment, changed_fields, knobs, non_default
from mnist_demo.experiment.differences import knob_words, value_words
from mnist_demo.experiment.history import Metrics
from mnist_demo.experiment.knobs import to_text
from mnist_demo.learning import checkpoints
from mnist_demo.serving.looks import Point, kept_at, point_index
from mnist_demo.serving.runs import Run

CAPTION_KNOBS = ("network", "hidden_sizes", "activation", "optimizer", "learning_rate", "batch_size", "epochs", "seed")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class WeightsFormat(StrEnum):
    SAFETENSORS = "safetensors"
    PTH = "pth"


def weights_file(run: Run, point: Point, form: WeightsFormat, cursor: int | None = None) -> tuple[str, bytes]:
    """(name, bytes) of the weights kept nearest to a point. Raises RunError where there are none.

    `cursor` is the index of the point looked at: the last one, if the visitor has not moved the slider.
    The .pth is a state dict as PyTorch loads it. Both formats also hold the experiment and the scores.
    """
    if not run.snapshots:
        raise RunError(f"Run {run.name} has no weights yet: train it for a moment first.")
    wanted = point_index(run, point, len(run.history) - 1 if cursor is None else cursor)
    kept = None if wanted is None else kept_at(run, wanted)
    if kept is None:
        raise RunError(f"Run {run.name} has no best epoch: its loss never was a number. Choose another epoch.")
    content = kept.weights
    if form is WeightsFormat.PTH:
        kept_one = checkpoints.unpack(content)
        content = checkpoints.to_pth(kept_one.model.state_dict(), kept_one.experiment, kept_one.scores)
    return f"mnist-lab-{run.name}-epoch-{run.history[kept.index].epoch:.3g}.{form}", content


def runs_csv(runs: Sequence[Run]) -> bytes:
    """One row a run: what it was, how it ended, its best and its last point."""
    names = list(knobs())
    head = ["run", "status", *names, "epochs_done", "best_epoch", "best_val_loss", "best_val_accuracy"]
    rows: list[list[object]] = [[*head, "last_val_loss", "last_val_accuracy"]]
    for run in runs:
        row = [run.name, run.status, *(to_text(getattr(run.experiment, name)) for name in names)]
        last = run.history[-1] if run.history else None
        best = run.history[run.best] if run.best is not None else None
        numbers = [last.epoch if last else None, *_scores(best, "epoch", "val_loss", "val_accuracy")]
        rows.append([*row, *numbers, *_scores(last, "val_loss", "val_accuracy")])
    return _csv(rows)


def points_csv(runs: Sequence[Run]) -> bytes:
    """One row a point of every run: step, epoch, losses, accuracies."""
    names = [each.name for each in fields(Metrics) if each.name != "probe"]
    rows: list[list[object]] = [["run", *names]]
    rows += [[run.name, *_scores(point, *names)] for run in runs for point in run.history]
    return _csv(rows)


def caption(experiments: Sequence[Experiment]) -> str:
    """The settings that runs share, as the small print of a figure."""
    first = experiments[0]
    differing = {name for other in experiments[1:] for name in changed_fields(first, other)}
    shared = [name for name in (*CAPTION_KNOBS, *non_default(first)) if name not in differing and name != "train_size"]
    settings = ", ".join(f"{knob_words(name)} {value_words(getattr(first, name))}" for name in dict.fromkeys(shared))
    images = "" if "train_size" in differing else f"{first.train_size:,} training images, "
    return f"MNIST, {images}5,000 validation images. Shared settings: {settings}."


def guarded(cell: object) -> object:
    """A cell that a spreadsheet will not run as a formula: text that begins like one gets an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([guarded(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")  # with a byte order mark: it shows a spreadsheet that the file is UTF-8


def _scores(point: Metrics | None, *names: str) -> list[object]:
    return [getattr(point, name) if point else None for name in names]
