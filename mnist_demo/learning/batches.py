"""The batches of a run: which images, in which order, how they are augmented, and which non-digits are added.

Knows images and random numbers. Does not know networks.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mnist_demo.experiment.choices import Augmentation, Mistake
from mnist_demo.experiment.config import Experiment
from mnist_demo.images import nondigits
from mnist_demo.images.data import NO_DIGIT, Split, augment, noisy_labels, normalize
from mnist_demo.images.own_digits import drawn_again
from mnist_demo.learning.schedule import steps_per_epoch

EXTRA_SHARE = 0.3  # of a batch's size: this many extra digits are added to it


@dataclass(frozen=True)
class Batch:
    """The images of one step as a network sees them: first B digits, then non-digits."""

    images: Tensor  # float32 (B + others, 1, 28, 28)
    labels: Tensor  # int64 (B,), the digits' labels as the run learns them


class Batches:
    """The batches of a run from a given step on, epoch after epoch without end.

    One generator decides the order, another the augmentation, so augmentation does not change the order. Both belong
    to the run, and their states change.
    """

    def __init__(
        self,
        experiment: Experiment,
        train: Split,
        step: int,
        order_rng: torch.Generator,
        noise_rng: torch.Generator,
        extra: Split | None = None,
        device: str = "cpu",
        own: Split | None = None,
    ) -> None:
        self.experiment = experiment
        self.train = train.first(experiment.train_size)
        self.labels = noisy_labels(self.train.labels, experiment.label_noise, experiment.seed)
        self.device = device
        if not (extra or own) and not experiment.non_digits and experiment.augmentation is Augmentation.NONE:
            # Nothing is done to the images on the processor, so all go to the device at once and not batch by batch.
            self.train = Split(self.train.images.to(device), self.train.labels)
        self.position = step % steps_per_epoch(experiment)  # batches of this epoch that are done
        self.order_rng, self.noise_rng = order_rng, noise_rng
        self.extra, self.own = extra, own
        self._rng_at_epoch = order_rng.get_state()
        self.order = self._draw_order() if self.position else torch.empty(0, dtype=torch.int64)

    @property
    def order_state(self) -> Tensor:
        """State of the order's generator before this epoch's order was drawn, so that it can be drawn again."""
        return self._rng_at_epoch if self.position else self.order_rng.get_state()

    def next_batch(self) -> Batch:
        """The next `batch_size` images, or the rest of the epoch; and a share of extra and own digits, if any."""
        size = self.experiment.batch_size
        if self.position == 0:
            self._rng_at_epoch = self.order_rng.get_state()
            self.order = self._draw_order()
        chosen = self.order[self.position * size :][:size]
        self.position = (self.position + 1) % steps_per_epoch(self.experiment)
        images, labels, learned = self.train.images[chosen], self.train.labels[chosen], self.labels[chosen]
        if self.extra:
            drawn = torch.randint(len(self.extra), (round(EXTRA_SHARE * len(chosen)),), generator=self.noise_rng)
            images = torch.cat([images, self.extra.images[drawn]])
            labels, learned = (torch.cat([some, self.extra.labels[drawn]]) for some in (labels, learned))
        if self.own:
            again, theirs = drawn_again(self.own, len(chosen), self.noise_rng)
            images = torch.cat([images, again])
            labels, learned = (torch.cat([some, theirs]) for some in (labels, learned))
        changed = self._changed(images, labels).to(self.device)
        return Batch(normalize(changed, self.experiment.normalize), learned.to(self.device))

    def _changed(self, images: Tensor, labels: Tensor) -> Tensor:
        """The images, augmented, then the experiment's share of non-digits: uint8 (N, 28, 28)."""
        experiment = self.experiment
        if count := round(experiment.non_digits * len(images)):
            others = nondigits.training_batch(images, labels, count, experiment.seed, self.noise_rng)
            images = torch.cat([images, others])
            labels = torch.cat([labels, labels.new_full((count,), NO_DIGIT)])
        return augment(images, experiment.augmentation, labels, self.noise_rng)

    def _draw_order(self) -> Tensor:
        order = torch.randperm(len(self.train), generator=self.order_rng)
        if self.experiment.mistake is Mistake.NO_SHUFFLE:
            return self.train.labels.argsort(stable=True)
        return order
