"""MNIST's images: read, split, normalized and augmented.

Knows the form in which a network gets an image. Does not know what is done with the images. `load_test` reads the
test images, and only `evaluation.py` may call it.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits" (CC BY-SA 3.0).
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_demo.experiment.choices import Augmentation, Normalize
from mnist_demo.experiment.config import TRAIN_IMAGES
from mnist_demo.experiment.knobs import NO_OWN_DIGITS
from mnist_demo.images import handwriting
from mnist_demo.images.bundle import mnist_root as mnist_root  # so that callers can import it from here

CLASSES = 10
NO_DIGIT = -1  # label of a picture that shows no digit
SIDE = 28  # pixels
SPLIT_SEED = 0
MAX_SHIFT = 2  # pixels, augmentation "shift"


@dataclass(frozen=True)
class Split:
    """Images uint8 (N, 28, 28), ink 255 on paper 0, with their labels int64 (N,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> "Split":
        """The first `count` images, sharing memory with this split."""
        return Split(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class TrainingData:
    """MNIST's 60,000 training images as the app divides them, and extra digits from another source, if any."""

    train: Split  # 55,000
    val: Split  # 5,000
    extra: Split | None = None  # added to every batch of MNIST images; not counted in an epoch
    extra_sha256: str = ""  # of the extra digits: a run checks that it continues with the same ones
    own: Split | None = None  # a visitor's own digits: a share of each batch is drawn again from them
    own_digest: str = NO_OWN_DIGITS  # what identifies them in an experiment


@functools.cache  # 47 MB, read once per process; the files never change
def load_training_data(root: Path) -> TrainingData:
    """The 60,000 training images, always split the same way: `random_split` with a fixed seed."""
    from torchvision import datasets  # here, because importing it takes seconds and 170 MB

    mnist = datasets.MNIST(str(root), train=True, download=False)
    train, val = (Split(mnist.data[indices], mnist.targets[indices]) for indices in split_indices())
    return TrainingData(train, val)


@functools.cache
def load_validation_data(root: Path) -> Split:
    """Only the validation images, the same as in `load_training_data`: 4 MB, read without torchvision."""
    _, val = split_indices()
    return _read_in_place(root, "train", 60_000, val)


def load_test(root: Path) -> Split:
    """The 10,000 test images. Only `evaluation.py` may call this: training never sees them."""
    return _read_in_place(root, "t10k", 10_000, range(10_000))


def split_indices() -> list[Sequence[int]]:
    """Indices into MNIST's 60,000 images: first those to train on, then those to validate on."""
    everything = torch.utils.data.TensorDataset(torch.arange(60_000))
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    lengths = [TRAIN_IMAGES, len(everything) - TRAIN_IMAGES]
    return [subset.indices for subset in torch.utils.data.random_split(everything, lengths, generator)]


def _read_in_place(root: Path, name: str, count: int, chosen: Sequence[int]) -> Split:
    """The chosen images of MNIST's files `name`-..., which hold `count` images. Avoids torchvision (170 MB)."""
    raw = root / "MNIST" / "raw"
    images = np.memmap(raw / f"{name}-images-idx3-ubyte", np.uint8, "r", 16, (count, SIDE, SIDE))
    labels = np.memmap(raw / f"{name}-labels-idx1-ubyte", np.uint8, "r", 8, (count,))
    return Split(torch.from_numpy(images[chosen]), torch.from_numpy(labels[chosen].astype(np.int64)))


def normalize(images: Tensor, scale: Normalize = Normalize.SYMMETRIC) -> Tensor:
    """Images of bytes 0..255, (N, 28, 28) or (N, 1, 28, 28), any dtype -> float32 (N, 1, 28, 28).

    The one normalization of training, drawing and the exported script.
    """
    pixels = images.reshape(-1, 1, SIDE, SIDE).to(torch.float32, copy=True)
    if scale is Normalize.RAW:
        return pixels
    pixels.div_(255)  # what ToTensor() does
    return pixels if scale is Normalize.UNIT else pixels.sub_(0.5).div_(0.5)


def noisy_labels(labels: Tensor, share: float, seed: int) -> Tensor:
    """A copy of int64 labels (N,) in which a random `share` is replaced by a uniformly random digit.

    A tenth of the replacements are right by chance, as in Zhang et al., "Understanding deep learning
    requires rethinking generalization" (2017). Which labels change does not depend on N.
    """
    generator = torch.Generator().manual_seed(seed)
    is_replaced = torch.rand(TRAIN_IMAGES, generator=generator)[: len(labels)] < share
    random_labels = torch.randint(CLASSES, (TRAIN_IMAGES,), generator=generator)[: len(labels)]
    return torch.where(is_replaced, random_labels, labels)


def augment(
    images: Tensor, how: Augmentation, labels: Tensor | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """Randomly changes uint8 images (N, 28, 28), same shape; uses `generator` (None: torch's own).

    `shift` moves each image by up to two whole pixels; `affine` turns it by up to 12 degrees, scales
    it by up to 12%, shears it by up to .15 and shifts it by up to 1.5 pixels. Pixels that
    come in from outside are paper. `handwriting` is `handwriting.vary`, which needs the labels, int64 (N,).
    """
    if how is Augmentation.NONE:
        return images
    count = len(images)
    if how is Augmentation.HANDWRITING:
        labels = labels if labels is not None else torch.full((count,), NO_DIGIT)
        return handwriting.vary(images, labels, generator)
    if how is Augmentation.SHIFT:
        padded = F.pad(images, (MAX_SHIFT,) * 4)
        offsets = torch.randint(2 * MAX_SHIFT + 1, (2, count, 1), generator=generator)
        rows, columns = offsets + torch.arange(SIDE)  # each (N, 28)
        return padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    turn, log_scale_x, log_scale_y, shear, shift_x, shift_y = 2 * torch.rand(6, count, generator=generator) - 1
    cos, sin = torch.cos(turn * 0.21), torch.sin(turn * 0.21)
    scale_x, scale_y, shear = 1 + 0.12 * log_scale_x, 1 + 0.12 * log_scale_y, 0.15 * shear
    shift_x, shift_y = shift_x * 1.5 / (SIDE / 2), shift_y * 1.5 / (SIDE / 2)
    top = torch.stack([scale_x * cos, shear - sin, shift_x], dim=1)
    bottom = torch.stack([sin, scale_y * cos, shift_y], dim=1)
    grid = F.affine_grid(torch.stack([top, bottom], 1), [count, 1, SIDE, SIDE], align_corners=False)
    moved = F.grid_sample(images[:, None].float(), grid, align_corners=False)
    return moved[:, 0].round().to(torch.uint8)
