"""What a network says of a drawing: `recognize(canvas, checkpoint) -> Prediction`.

Joins `sketch` (what the network sees) with a network. Does not know browsers, and never trains.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mnist_demo import sketch
from mnist_demo.checkpoints import Checkpoint
from mnist_demo.data import normalize
from mnist_demo.sketch import Stage

BLANK = "The canvas is blank: draw a digit."


@dataclass(frozen=True)
class Prediction:
    """A network's answer to one drawing, or the reason why there is none."""

    probabilities: NDArray[np.float32]  # (10,), all zero where nothing was asked
    refusal: str | None
    stages: list[Stage]  # the preprocessing, last the 28x28 image; empty for a blank canvas

    @property
    def digit(self) -> int | None:
        """The most probable digit; None for a refusal."""
        return None if self.refusal else int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """The probability of the answer."""
        return float(self.probabilities.max())


def recognize(canvas: NDArray[np.uint8], checkpoint: Checkpoint) -> Prediction:
    """Answers a canvas: uint8 (H, W) ink, or (H, W, 3 or 4) colours, 28 to 1,024 pixels a side.

    Raises InvalidDrawing for what is no canvas. Threads may share a checkpoint: nothing is changed.
    """
    stages = sketch.preprocess(sketch.extract_ink(canvas))
    if not stages:
        return Prediction(np.zeros(10, np.float32), BLANK, [])
    return Prediction(probabilities(stages[-1].image, checkpoint), None, stages)


@torch.inference_mode()
def probabilities(image: NDArray[np.uint8], checkpoint: Checkpoint) -> NDArray[np.float32]:
    """Softmax of the network's logits for one 28x28 image of ink, dropout off: (10,)."""
    pixels = normalize(torch.from_numpy(np.array(image)), checkpoint.experiment.normalize)  # (1, 1, 28, 28)
    answer: NDArray[np.float32] = torch.softmax(checkpoint.model(pixels), dim=1)[0].numpy()
    return answer
