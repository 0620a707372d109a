"""The answers of one to three models to one drawing: ten bars each, in the fixed order 0 to 9.

Knows probabilities, the answer, its confidence and a refusal as plain values. Does not know models or how they were
asked. Never re-sorts the digits: a bar keeps its place while its length changes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import gradio as gr

from mnist_demo.ui.components import Packed, build_component, pack

COLORS = ("a", "b", "0", "1", "2", "3", "4", "5")


class Answer(TypedDict):
    """One model's answer: ten probabilities or None (nothing to say), the digit, and why it is refused, if it is.

    `color` is one of COLORS: the two runs' own, or one of six for other networks.
    """

    name: str
    color: str
    detail: str
    probabilities: list[float] | None
    digit: int | None
    confidence: float | None
    refusal: str | None


class BarsValue(TypedDict):
    """What the bars show: one to three answers, a message where there is no drawing, the drawing's number."""

    models: list[Answer]
    message: str
    can_explain: bool
    seq: int


def answer(
    name: str,
    detail: str = "",
    probabilities: Sequence[float] | None = None,
    *,
    digit: int | None = None,
    confidence: float | None = None,
    refusal: str | None = None,
    color: str = "0",
) -> Answer:
    """One model's answer; `digit` and `confidence` default to the largest of the ten probabilities.

    Raises ValueError unless there are ten probabilities in 0..1, or None.
    """
    if probabilities is None:
        return Answer(
            name=name, color=color, detail=detail, probabilities=None, digit=None, confidence=None, refusal=refusal
        )
    rounded = [round(float(probability), 4) for probability in probabilities]
    if len(rounded) != 10 or not all(0 <= probability <= 1 for probability in rounded):
        raise ValueError(f"ten probabilities between 0 and 1 are needed, not {rounded}")
    best = rounded.index(max(rounded)) if digit is None else digit
    return Answer(
        name=name,
        color=color,
        detail=detail,
        probabilities=rounded,
        digit=best,
        confidence=rounded[best] if confidence is None else round(float(confidence), 4),
        refusal=refusal,
    )


def bars_value(models: Sequence[Answer], *, message: str = "", can_explain: bool = True, seq: int = 0) -> Packed:
    """The value of the bars; `can_explain` makes them buttons.

    `seq` appears as `data-seq` once it is drawn. A value with a lower `seq` than that came late and is dropped.
    """
    return pack(BarsValue(models=list(models), message=message, can_explain=can_explain, seq=seq))


def create_bars(value: Packed | None = None, elem_id: str | None = "bars") -> gr.HTML:
    """The bars. Event `select`: a digit was clicked; `SelectData.index` is [model, digit], `.value` the digit."""
    shown = bars_value([], message="Draw a digit") if value is None else value
    return build_component(Path(__file__).parent, shown, "Answers", elem_id)
