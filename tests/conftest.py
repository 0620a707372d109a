"""What many tests need: MNIST unpacked once, and runs small enough to train in a blink."""

from pathlib import Path

import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images import data
from mnist_demo.images.data import TrainingData

TINY = {"hidden_sizes": (16,), "train_size": 100, "batch_size": 32, "epochs": 3}


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    return data.mnist_root()


@pytest.fixture(scope="session")
def training_data(mnist_root: Path) -> TrainingData:
    return data.load_training_data(mnist_root)


@pytest.fixture(scope="session")
def tiny_data(training_data: TrainingData) -> TrainingData:
    """300 images to learn from and 200 to validate on."""
    return TrainingData(training_data.train.first(300), training_data.val.first(200))


@pytest.fixture
def tiny() -> Experiment:
    """100 images, 4 steps an epoch (the last of 4 images), 3 epochs."""
    return Experiment(**TINY)
