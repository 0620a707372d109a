"""What a rule is given and what it may answer. Knows no rule."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mnist_demo.experiment.choices import Mistake, Optimizer
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import History, Metrics
from mnist_demo.experiment.summary import RunSummary

CHANCE = 0.2  # accuracy up to which a network of ten classes counts as guessing
GUESSING_LOSS = 2.303  # ln 10


class Kind(StrEnum):
    BUG = "bug"
    OVERFITTING = "overfitting"
    UNDERFITTING = "underfitting"
    INFO = "info"


class Cause(StrEnum):
    """What can be wrong with a run, as one answer to "why does it not learn"."""

    NO_ZERO_GRAD = "gradients pile up"
    NOT_SHUFFLED = "images come sorted"
    NO_EVAL = "asked in train mode"
    SOFTMAX_TWICE = "softmax twice"
    PROBABILITIES = "NLLLoss of probabilities"
    LOGITS = "NLLLoss of logits"
    RATE_TOO_HIGH = "learning rate too high"
    RATE_TOO_LOW = "learning rate too low"
    RAW_PIXELS = "pixels not scaled"
    SIGNAL_DIES = "signal dies"
    WEIGHT_DECAY = "weight decay too strong"
    TOO_NARROW = "too few units"
    TOO_MUCH_DROPOUT = "too much dropout"
    WRONG_LABELS = "wrong labels learned"
    FEW_UPDATES = "too few updates"
    OTHER = "other"


@dataclass(frozen=True)
class Hint:
    """One remark, for a person, in Markdown; `try_b` are the changes that make the next run B of this run."""

    kind: Kind
    text: str
    try_b: dict[str, Any] | None = field(default=None)


@dataclass(frozen=True)
class Case:
    """A run to judge, and the run beside it."""

    experiment: Experiment
    history: History
    other: tuple[Experiment, History] | None

    @property
    def summary(self) -> RunSummary:
        """The history in the words of the lessons."""
        return RunSummary(self.history)

    @property
    def last(self) -> Metrics:
        """The latest point."""
        return self.history[-1]

    @property
    def is_guessing(self) -> bool:
        """Whether, after an epoch or more, even the training images are at chance (and the labels are not random)."""
        last = self.last
        is_bad = last.train_accuracy <= CHANCE and last.val_accuracy <= CHANCE
        return is_bad and last.epoch >= 1 and self.experiment.label_noise < 0.9 and not self.summary.diverged

    @property
    def is_plain_descent(self) -> bool:
        """Whether one learning rate serves every weight, as in SGD without or with momentum."""
        return self.experiment.optimizer in (Optimizer.SGD, Optimizer.MOMENTUM)

    @property
    def without_mistake(self) -> dict[str, Any] | None:
        """The change that puts the wrong line right, if the run has one."""
        return None if self.experiment.mistake is Mistake.NONE else {"mistake": Mistake.NONE.value}


Rule = Callable[[Case], Hint | None]
