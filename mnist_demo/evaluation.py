"""What a trained network gets right and wrong: arrays out, no pictures.

The only module that opens the 10,000 test images. They are for a finished network, asked once;
choosing between networks is what the validation images are for.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mnist_demo.checkpoints import Checkpoint
from mnist_demo.data import CLASSES, Split, load_test, normalize
from mnist_demo.losses import EVALUATION_BATCH


@dataclass(frozen=True)
class Evaluation:
    """A network's answers on a split of N images."""

    probabilities: NDArray[np.float32]  # (N, 10)
    labels: NDArray[np.int64]  # (N,)

    @property
    def predictions(self) -> NDArray[np.int64]:
        """Most probable digit of each image, (N,)."""
        digits: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return digits

    @property
    def accuracy(self) -> float:
        """Share of images answered right."""
        return float((self.predictions == self.labels).mean())

    @property
    def loss(self) -> float:
        """Mean cross-entropy: minus the log of the probability given to the right digit."""
        of_label = self.probabilities[np.arange(len(self.labels)), self.labels]
        return float(-np.log(np.maximum(of_label, 1e-12)).mean())

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts (10, 10): row = the right digit, column = the answer."""
        counts = np.zeros((CLASSES, CLASSES), dtype=np.int64)
        np.add.at(counts, (self.labels, self.predictions), 1)
        return counts


@torch.no_grad()
def evaluate(checkpoint: Checkpoint, split: Split) -> Evaluation:
    """Answers of a checkpoint's network, dropout off, on every image of a split."""
    checkpoint.model.eval()
    batches = [
        torch.softmax(checkpoint.model(normalize(images, checkpoint.experiment.normalize)), dim=1)
        for images in torch.split(split.images, EVALUATION_BATCH)
    ]
    return Evaluation(torch.cat(batches).numpy(), split.labels.numpy())


def evaluate_on_test(checkpoint: Checkpoint, root: Path) -> Evaluation:
    """The same on MNIST's 10,000 test images."""
    return evaluate(checkpoint, load_test(root))
