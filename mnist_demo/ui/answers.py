"""The networks' answers to the drawing on the canvas, as the bars show them.

Takes a drawing and networks, returns values of components. Does not know who asks or where a network came from.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mnist_demo.images.pictures import read_picture
from mnist_demo.images.sketch import Stage
from mnist_demo.inference.recognize import BLANK, Prediction, Refusal, recognize_by, shipped_cnn
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.bars import Answer, answer, bars_value
from mnist_demo.ui.components.canvas import Drawing


@dataclass(frozen=True)
class Reader:
    """A network that is asked, and the heading of its answer."""

    name: str
    detail: str
    model: Checkpoint | None  # None: its weights are not finite
    color: str  # one of the bars' COLORS


class Answers(NamedTuple):
    """What the bars show, and the stages of the preprocessing."""

    bars: Packed
    stages: list[Stage]


def read_drawing(
    drawing: Drawing,
    readers: Sequence[Reader],
    skip: Collection[str] = frozenset(),
    *,
    blank: str = BLANK,
    can_explain: bool = True,
) -> Answers:
    """The readers' answers; the sentence `blank` and no stages where nothing is drawn.

    `can_explain` says whether a click on a bar asks why. Raises InvalidDrawing for what is no picture.
    """
    models = [reader.model for reader in readers if reader.model]
    # Also without a model, the canvas is checked for being blank.
    asked = models or [shipped_cnn()]
    predictions = recognize_by(read_picture(drawing.png)[..., 0], asked, skip) if drawing.png else []
    if not predictions or not predictions[0].stages:
        return Answers(bars_value([], message=blank, seq=drawing.seq), [])
    rest = iter(predictions)
    answers = [_answer(reader, next(rest) if reader.model else None) for reader in readers]
    return Answers(bars_value(answers, seq=drawing.seq, can_explain=can_explain), predictions[0].stages)


def _answer(reader: Reader, prediction: Prediction | None) -> Answer:
    if prediction is None:
        return answer(reader.name, reader.detail, refusal=Refusal.NO_NUMBER, color=reader.color)
    shares = None if prediction.digit is None else prediction.probabilities.tolist()
    return answer(reader.name, reader.detail, shares, refusal=prediction.refusal, color=reader.color)
