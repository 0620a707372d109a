"""Sums up a run's history: its first, best and last point, how far its loss rose, whether it diverged.

Lessons and hints use these names: `a.last.val_accuracy`, `b.best.epoch`, `a.rise`. Knows only the numbers of the
history. Does not know experiments or training.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from mnist_demo.experiment.history import History, Metrics, Probe, best_index, gap, is_finite, most_accurate_index


class NotMeasured(ValueError):
    """A value is needed that was not recorded for this run."""


@dataclass(frozen=True)
class RunSummary:
    """One recorded run, at least one point long. Losses are per image, accuracies shares in [0, 1]."""

    history: History

    @property
    def first(self) -> Metrics:
        """The untrained network."""
        return self.history[0]

    @property
    def last(self) -> Metrics:
        """The end of the run."""
        return self.history[-1]

    @property
    def best(self) -> Metrics:
        """The point of the lowest validation loss; the first one if no loss was a number."""
        return self.history[best_index(self.history) or 0]

    @property
    def most_accurate(self) -> Metrics:
        """The point of the highest validation accuracy."""
        return self.history[most_accurate_index(self.history) or 0]

    @property
    def start(self) -> Probe:
        """The probe of the untrained network."""
        return _evidence(self.first)

    @property
    def turn(self) -> Probe:
        """The probe at the lowest validation loss."""
        return _evidence(self.best)

    @property
    def end(self) -> Probe:
        """The probe at the end of the run."""
        return _evidence(self.last)

    @property
    def early_best(self) -> float:
        """The highest validation accuracy in the first tenth of the run."""
        return max(point.val_accuracy for point in self.history if point.epoch <= self.last.epoch / 10)

    @property
    def early_loss(self) -> float:
        """The training loss at the end of the first quarter of the run."""
        return [point.train_loss for point in self.history if point.epoch <= self.last.epoch / 4][-1]

    @property
    def rise(self) -> float:
        """How far the validation loss climbed from its lowest to the end of the run."""
        return self.last.val_loss - self.best.val_loss

    @property
    def fall(self) -> float:
        """How far the validation accuracy fell from its highest to the end of the run."""
        return self.most_accurate.val_accuracy - self.last.val_accuracy

    @property
    def gap(self) -> float:
        """Validation loss minus training loss at the end, both with dropout off."""
        return gap(self.last)

    @property
    def swing(self) -> float:
        """The largest drop of the validation accuracy from one point to the next."""
        accuracies = [point.val_accuracy for point in self.history]
        return max((x - y for x, y in pairwise(accuracies)), default=0.0)

    @property
    def new_mistakes(self) -> float:
        """Of the validation images wrong at the end, the share that was right at the lowest loss; 0 if none is wrong.

        Counts only the images that probes record.
        """
        before, after = (int(probe.wrong, 16) for probe in (self.turn, self.end))
        return (after & ~before).bit_count() / after.bit_count() if after else 0.0

    @property
    def fitted_epoch(self) -> float:
        """The first epoch at which 99.5% of the training images are right; infinite if there is none."""
        return min((point.epoch for point in self.history if point.train_accuracy >= 0.995), default=math.inf)

    @property
    def diverged(self) -> bool:
        """Whether the loss stopped being a number."""
        return not (is_finite(self.last) and (len(self.history) == 1 or math.isfinite(self.last.running_loss)))

    @property
    def running_losses(self) -> list[float]:
        """The running training loss at every point after the first."""
        return [point.running_loss for point in self.history[1:]]


def _evidence(point: Metrics) -> Probe:
    if point.probe is None:
        raise NotMeasured("This point was recorded without its evidence.")
    return point.probe
