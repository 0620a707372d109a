"""What many tests need: MNIST unpacked once, and runs small enough to train in a blink."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images import data, pens
from mnist_demo.images.data import TrainingData
from mnist_demo.images.pens import Pens
from mnist_demo.learning.chunks import train_chunk
from mnist_demo.serving.runs import Run, RunStore

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


@pytest.fixture
def run(mnist_root: Path, tiny: Experiment) -> Run:
    """The tiny experiment, trained to its end, every point seen."""
    run = RunStore().create(tiny, "me", "1A")
    run.training.record(train_chunk(run.training.state.read(), 100_000, mnist_root))
    run.see(run.training.step)
    return run


@pytest.fixture(scope="session")
def written() -> Pens:
    """Real-looking digits as strokes, in device units: twenty writers of two donors, each with five digits.

    A 0, a slashed 0, a 1, a 1 with an upstroke, and a 7.
    """
    turn = np.linspace(0, 2 * np.pi, 40)
    ring = np.stack([np.cos(turn), 1.5 * np.sin(turn)], axis=1)
    each = (
        (0, [ring]),
        (0, [ring, np.array([(-0.9, 1.2), (0.9, -1.2)])]),
        (1, [np.array([(0.0, -1.0), (0, 1)])]),
        (1, [np.array([(-0.5, -0.4), (0, -1), (0, 1)])]),
        (7, [np.array([(-0.6, -1.0), (0.6, -1), (-0.1, 1)])]),
    )
    sizes = np.random.default_rng(0).uniform(50, 500, 20)
    digits = [[(s * size + 700).round() for s in digit] for size in sizes for _, digit in each]
    writers = np.arange(100) // 5
    return Pens(digits, np.array([label for label, _ in each] * 20), writers, writers // 10, np.arange(100))


@pytest.fixture(scope="session")
def pens_file(written: Pens, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file."""
    path = tmp_path_factory.mktemp("pens") / "pens.npz"
    pens.save(written, path)
    return path
