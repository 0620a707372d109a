"""What networks say of the drawing on the canvas, as the bars show it.

Canvas value and networks in, values of components out; knows neither who asks nor where a network came from.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_demo.checkpoints import Checkpoint
from mnist_demo.inference import BLANK, Prediction, recognize_by
from mnist_demo.sketch import Stage, read_picture
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.bars import Answer, answer, bars_value
from mnist_demo.ui.components.canvas import read_ink


@dataclass(frozen=True)
class Reader:
    """A network that is asked, and how its answer is headed."""

    name: str
    detail: str
    model: Checkpoint


def read_drawing(
    drawing: Any, readers: Sequence[Reader], skip: Collection[str] = frozenset(), blank: str = BLANK
) -> tuple[Packed, list[Stage]]:
    """The readers' answers, and the stages of the preprocessing; the sentence `blank` where nothing is drawn.

    Raises InvalidDrawing for what is no value of the canvas.
    """
    picture, seq = read_ink(drawing)
    if not picture or not readers:
        return bars_value([], message=blank, seq=seq), []
    predictions = recognize_by(read_picture(picture)[..., 0], [reader.model for reader in readers], skip)
    if not predictions[0].stages:
        return bars_value([], message=blank, seq=seq), []
    answers = [_answer(reader, prediction) for reader, prediction in zip(readers, predictions, strict=True)]
    return bars_value(answers, seq=seq), predictions[0].stages


def _answer(reader: Reader, prediction: Prediction) -> Answer:
    shares = None if prediction.digit is None else prediction.probabilities.tolist()
    return answer(reader.name, reader.detail, shares, refusal=prediction.refusal)
