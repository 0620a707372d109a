"""What a rule gets and what it may return. Does not know the rules."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mnist_demo.experiment.choices import Mistake, Optimizer
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import History, Metrics, Probe
from mnist_demo.experiment.summary import RunSummary
from mnist_demo.hints.sentences import say

# Rates that an optimizer does well with here, in the lessons and in Basics.
USUAL_RATES = {Optimizer.SGD: 0.1, Optimizer.MOMENTUM: 0.02, Optimizer.ADAM: 1e-3, Optimizer.ADAMW: 1e-3}


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


class Promise(StrEnum):
    """What an advised run B should do better; the check tries it."""

    ACCURACY = "accuracy"  # a higher validation accuracy at the end
    LOSS = "loss"  # a lower validation loss at the end


@dataclass(frozen=True)
class Hint:
    """One remark, for a person, in Markdown; `try_b` are the changes that make the next run B of this run."""

    kind: Kind
    text: str
    try_b: dict[str, Any] | None = field(default=None)
    cause: Cause | None = None
    promise: Promise | None = None


@dataclass(frozen=True)
class Case:
    """A run to judge, and the run beside it."""

    experiment: Experiment
    history: History
    other: tuple[Experiment, History] | None

    @property
    def summary(self) -> RunSummary:
        """The history's numbers, under the names that lessons use."""
        return RunSummary(self.history)

    @property
    def last(self) -> Metrics:
        """The latest point."""
        return self.history[-1]

    @property
    def probes(self) -> list[Probe]:
        """The evidence of each point that has some."""
        return [point.probe for point in self.history if point.probe]

    @property
    def probe(self) -> Probe:
        """The latest evidence. Rules are called only if there is some."""
        return self.probes[-1]

    @property
    def is_sound(self) -> bool:
        """Whether the loss is still finite."""
        return not self.summary.diverged

    @property
    def growth(self) -> float:
        """Length of all weights now, as a multiple of that before training."""
        return self.probe.weight_norm / self.probes[0].weight_norm

    @property
    def worst_layer(self) -> int:
        """The hidden layer with the largest share of units without a slope; -1 where none is hidden."""
        stuck = self.probe.stuck
        return max(range(len(stuck)), key=lambda layer: stuck[layer], default=-1)

    @property
    def is_dead(self) -> bool:
        """Whether nearly all units of a hidden layer have no slope on any image, and there are enough of them."""
        layer = self.worst_layer
        return layer >= 0 and self.probe.stuck[layer] >= 0.9

    def say(self, *sentences: str, **numbers: object) -> str:
        """The text of a hint: the sentences whose claims are true of this run (see `sentences`).

        Claims and placeholders name the `case`, its `knobs`, its `run` summed up, the `last` point, the latest `probe`,
        and what `numbers` holds.
        """
        names = {"case": self, "knobs": self.experiment, "run": self.summary, "last": self.last, "probe": self.probe}
        return say(names | numbers, *sentences)

    @property
    def without_mistake(self) -> dict[str, Any] | None:
        """The change that corrects the wrong line, if the run has one."""
        return None if self.experiment.mistake is Mistake.NONE else {"mistake": Mistake.NONE.value}


Rule = Callable[[Case], Hint | None]
