"""How well a network reads one hand: right answers with an interval, confusion, and which drawings it gets wrong.

A set of own digits is a test set as long as nothing was trained on it or chosen by it. Knows networks and images. Does
not know where the drawings came from, or who asks.
"""

import functools
from dataclasses import dataclass

from mnist_demo.images.own_digits import OwnDigits
from mnist_demo.inference.evaluation import Evaluation, evaluate, interval
from mnist_demo.inference.mistakes import Mistakes, mistakes_of
from mnist_demo.learning.checkpoints import Checkpoint


@dataclass(frozen=True)
class HandScore:
    """A network's answers to own digits, and its mistakes."""

    answers: Evaluation
    mistakes: Mistakes

    @property
    def images(self) -> int:
        """How many drawings were asked."""
        return len(self.answers.labels)

    @property
    def right(self) -> int:
        """How many of them were answered right."""
        return self.images - self.mistakes.count

    @functools.cached_property
    def bounds(self) -> tuple[float, float]:
        """95% interval for the accuracy on many more drawings of this hand, drawn alike."""
        return interval(self.right, self.images)

    def is_below(self, accuracy: float) -> bool:
        """Whether this hand is read worse than that accuracy, by more than chance explains."""
        return self.bounds[1] < accuracy

    def is_above(self, accuracy: float) -> bool:
        """The opposite."""
        return self.bounds[0] > accuracy


def score(model: Checkpoint, own: OwnDigits) -> HandScore:
    """The likeliest digit of each drawing counts. Raises InvalidCheckpoint unless the answers are finite."""
    answers = evaluate(model, own.split)
    return HandScore(answers, mistakes_of(model, answers))
