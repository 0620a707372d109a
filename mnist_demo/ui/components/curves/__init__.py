"""The training curves of up to six runs: loss and accuracy, drawn once as SVG and grown point by point.

Knows the value the charts draw and how to make it from plain lists. Does not know what a run is. The caller says
which epoch is best.

A run's points are one line of text that only grows at its end, because Gradio then sends only the new part. With
the whole history in every update, the curves of one pair came to 246 kB; now they come to about 20 (2026-11-26).
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import gradio as gr

from mnist_demo.ui.components import build_component, pack

Numbers = Sequence[float | None]


class Curve(TypedDict):
    """One run. All lists have one entry a point, the first at epoch 0; None where there is no value."""

    name: str
    label: str
    epoch: list[float]
    examples: list[int]
    train_loss: list[float | None]
    val_loss: list[float | None]
    running_loss: list[float | None]
    train_accuracy: list[float | None]
    val_accuracy: list[float | None]
    best: int | None
    note: str


class CurvesValue(TypedDict):
    """What the charts show, as it is sent. Few texts, two of them JSON, because Gradio copies nested values slowly.

    `frame` is what stays the same while a pair trains: names, labels, the planned length of the x axis in epochs, and
    the accuracy of chance. `points` has one text a run: COLUMNS joined by ",", each point ended by ";", empty where
    there is no number. `state` is what changes: each run's best point and note, the cursor's epoch, `live`, and `seq`.
    """

    frame: str
    points: list[str]
    state: str


COLUMNS = ("epoch", "examples", "train_loss", "val_loss", "running_loss", "train_accuracy", "val_accuracy")


def curve(
    name: str,
    label: str,
    *,
    epoch: Sequence[float],
    examples: Sequence[int],
    train_loss: Numbers,
    val_loss: Numbers,
    running_loss: Numbers,
    train_accuracy: Numbers,
    val_accuracy: Numbers,
    best: int | None = None,
    note: str = "",
) -> Curve:
    """One run's curve from plain lists of one length; accuracies in 0..1, `best` an index, NaN and infinity allowed.

    Raises ValueError where the lists differ in length: the caller's mistake, not a visitor's.
    """
    measured = [train_loss, val_loss, running_loss, train_accuracy, val_accuracy]
    lengths = {len(epoch), len(examples), *map(len, measured)}
    if len(lengths) != 1:
        raise ValueError(f"the lists of curve {name!r} differ in length: {sorted(lengths)}")
    if best is not None and not 0 <= best < len(epoch):
        raise ValueError(f"best point {best} of curve {name!r} is not one of its {len(epoch)} points")
    return Curve(
        name=name,
        label=label,
        epoch=[round(float(value), 4) for value in epoch],
        examples=[int(value) for value in examples],
        train_loss=_finite(train_loss),
        val_loss=_finite(val_loss),
        running_loss=_finite(running_loss),
        train_accuracy=_finite(train_accuracy),
        val_accuracy=_finite(val_accuracy),
        best=best,
        note=note,
    )


def curves_value(
    runs: Sequence[Curve],
    epochs: float,
    *,
    cursor: float | None = None,
    is_live: bool = False,
    chance: float = 0.1,
    seq: int = 0,
) -> CurvesValue:
    """The value of the charts. While they grow (`is_live`) nobody looks back; `seq` is `data-seq` once it is drawn."""
    names = [{"name": run["name"], "label": run["label"]} for run in runs]
    ends = [{"best": run["best"], "note": run["note"]} for run in runs]
    return CurvesValue(
        frame=pack({"runs": names, "columns": COLUMNS, "epochs": float(epochs), "chance": chance}),
        points=[_points(run) for run in runs],
        state=pack({"runs": ends, "cursor": cursor, "live": is_live, "seq": seq}),
    )


def _points(run: Curve) -> str:
    columns: list[Sequence[float | None]] = [
        *(run["epoch"], run["examples"], run["train_loss"], run["val_loss"]),
        *(run["running_loss"], run["train_accuracy"], run["val_accuracy"]),
    ]
    rows = zip(*columns, strict=True)
    return "".join(",".join("" if number is None else f"{number:.10g}" for number in row) + ";" for row in rows)


def create_curves(value: CurvesValue | None = None, elem_id: str | None = "curves") -> gr.HTML:
    """The two charts and the slider below. Event `select`: an epoch is looked at; `SelectData.value` is the epoch."""
    shown = curves_value([], epochs=1) if value is None else value
    return build_component(Path(__file__).parent, shown, "Training curves", elem_id)


def _finite(values: Numbers) -> list[float | None]:
    # JSON has no NaN; five digits are more than a chart can show and halve what is sent.
    return [None if value is None or not math.isfinite(value) else float(f"{value:.5g}") for value in values]
