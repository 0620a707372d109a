"""What every run of an example shares: the MNIST folder, the training set, and one lock.

Examples seed PyTorch's global generator, as the notes do. So they run one at a time (each takes milliseconds), and the
generator is restored afterwards. Does not know any example by name.
"""

import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mnist_demo.basics.controls import Value
from mnist_demo.basics.example import Example, Outcome
from mnist_demo.basics.later import datasets, transforms
from mnist_demo.basics.pictures import block

if TYPE_CHECKING:
    from torchvision.datasets import MNIST


class Workbench:
    """Runs examples one at a time. `find_root()` gives the folder that holds `MNIST/raw` when an example needs it."""

    def __init__(self, find_root: Callable[[], Path]) -> None:
        self.find_root = find_root
        self.lock = threading.Lock()

    @cached_property
    def root(self) -> str:
        return str(self.find_root())

    @cached_property
    def trainset(self) -> "MNIST":
        """MNIST's training images as the notes make them: tensors from -1 to 1."""
        transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
        trainset: MNIST = datasets.MNIST(self.root, train=True, download=False, transform=transform)
        return trainset

    @cached_property
    def digits(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The first 4,000 training images, float32 (4000, 784) from -1 to 1, and their labels, int64 (4000,)."""
        pixels = self.trainset.data[:4000].float() / 127.5 - 1
        return pixels.view(4000, 784), self.trainset.targets[:4000]

    def run(self, example: Example, values: Mapping[str, Value]) -> Outcome:
        """Run one example with validated values; PyTorch's global generator is restored afterwards."""
        with self.lock, torch.random.fork_rng(devices=[]):
            uses = {name: getattr(self, name) for name in example.uses}
            return example.run(values, uses, block)
