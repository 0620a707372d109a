"""Confusion matrices side by side: a row for each right digit, a column for each answer, each cell a button.

Knows counts. Does not know which network or which images they are of: the caller names each matrix.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import gradio as gr

from mnist_demo.ui.components import Packed, build_component, pack


class Matrix(TypedDict):
    """One matrix of counts; `name` "A" and "B" have their colours."""

    name: str
    label: str
    counts: list[list[int]]


class ConfusionValue(TypedDict):
    """What is shown; `selected` is [matrix, row, column] of the cell to outline."""

    matrices: list[Matrix]
    selected: list[int] | None
    seq: int


def matrix(name: str, label: str, counts: Sequence[Sequence[int]]) -> Matrix:
    """One matrix from its square of counts. Raises ValueError where it is not square."""
    if any(len(row) != len(counts) for row in counts):
        raise ValueError(f"the counts of matrix {name!r} are not a square")
    return Matrix(name=name, label=label, counts=[[int(count) for count in row] for row in counts])


def confusion_value(matrices: Sequence[Matrix], *, selected: Sequence[int] | None = None, seq: int = 0) -> Packed:
    """The value of the component; `seq` appears as `data-seq` once it is drawn."""
    return pack(ConfusionValue(matrices=list(matrices), selected=list(selected) if selected else None, seq=seq))


def create_confusion(value: Packed | None = None, elem_id: str | None = "confusion") -> gr.HTML:
    """The matrices. Event `select`: a cell was chosen; `SelectData.index` is [matrix, row, column],
    `SelectData.value` the matrix's name.
    """
    shown = confusion_value([]) if value is None else value
    return build_component(Path(__file__).parent, shown, "Confusion matrix", elem_id)
