"""The training curves of up to six runs: loss and accuracy, drawn once as SVG and grown point by point.

Knows the value the charts draw and how to make it from plain lists. Does not know what a run is, nor which epoch is
best: the caller says so.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import gradio as gr

from mnist_demo.ui.components import Packed, build_component, pack

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
    """What the charts show. `epochs` is the planned length of the x axis, `cursor` an epoch, `chance` an accuracy."""

    runs: list[Curve]
    epochs: float
    cursor: float | None
    chance: float
    seq: int


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

    Raises ValueError where the lists differ in length, which is a mistake of the caller, not of a visitor.
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
    chance: float = 0.1,
    seq: int = 0,
) -> Packed:
    """The value of the charts. `seq` appears as `data-seq` once it is drawn."""
    return pack(CurvesValue(runs=list(runs), epochs=float(epochs), cursor=cursor, chance=chance, seq=seq))


def create_curves(value: Packed | None = None, elem_id: str | None = "curves") -> gr.HTML:
    """The two charts. Event `select`: a click at a point; `SelectData.value` is its epoch, `.index` [run, point]."""
    shown = curves_value([], epochs=1) if value is None else value
    return build_component(Path(__file__).parent, shown, "Training curves", elem_id)


def _finite(values: Numbers) -> list[float | None]:
    # JSON has no NaN; five digits are more than a chart can show and halve what is sent.
    return [None if value is None or not math.isfinite(value) else float(f"{value:.5g}") for value in values]
