"""What networks say of the drawing on the canvas, as the bars show it.

Canvas value and networks in, values of components out; knows neither who asks nor where a network came from.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images.sketch import Preprocessing, Stage, read_picture
from mnist_demo.inference.recognize import BLANK, Prediction, Refusal, recognize_by, shipped_cnn
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.bars import Answer, answer, bars_value
from mnist_demo.ui.components.canvas import read_ink


@dataclass(frozen=True)
class Reader:
    """A network that is asked, and how its answer is headed."""

    name: str
    detail: str
    model: Checkpoint | None  # None: its weights are no numbers


class Answers(NamedTuple):
    """What the bars show, the stages of the preprocessing, and the number of the drawing that both are of."""

    bars: Packed
    stages: list[Stage]
    seq: int


def read_drawing(
    drawing: Any,
    readers: Sequence[Reader],
    skip: Collection[str] = frozenset(),
    *,
    blank: str = BLANK,
    can_explain: bool = True,
) -> Answers:
    """The readers' answers; the sentence `blank` and no stages where nothing is drawn.

    `can_explain` says whether a click on a bar asks why. Raises InvalidDrawing for what is no value of the canvas.
    """
    picture, seq = read_ink(drawing)
    models = [reader.model for reader in readers if reader.model]
    # Without any model the canvas is read all the same: blank or not is the canvas's matter.
    predictions = recognize_by(read_picture(picture)[..., 0], models or [shipped_cnn()], skip) if picture else []
    if not predictions or not predictions[0].stages:
        return Answers(bars_value([], message=blank, seq=seq), [], seq)
    rest = iter(predictions)
    answers = [_answer(reader, next(rest) if reader.model else None) for reader in readers]
    return Answers(bars_value(answers, seq=seq, can_explain=can_explain), predictions[0].stages, seq)


def checked_steps(names: Any) -> frozenset[Preprocessing]:
    """The steps of the preprocessing to leave out. Raises InvalidDrawing for what is no list of their names."""
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name in Preprocessing.__members__ for name in names
    ):
        raise InvalidDrawing("The steps to leave out are a list of names of steps.")
    return frozenset(Preprocessing[name] for name in names)


def _answer(reader: Reader, prediction: Prediction | None) -> Answer:
    if prediction is None:
        return answer(reader.name, reader.detail, refusal=Refusal.NO_NUMBER)
    shares = None if prediction.digit is None else prediction.probabilities.tolist()
    return answer(reader.name, reader.detail, shares, refusal=prediction.refusal)
