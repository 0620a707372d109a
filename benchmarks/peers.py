"""The training step beside its peers, and the CNN beside a tutorial's network, in seconds of one core.

Everything runs in this process on one thread; processor time, so that waiting for a busy core is not counted.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import Split, TrainingData, normalize
from mnist_demo.learning import networks
from mnist_demo.learning.arithmetic import set_for_training
from mnist_demo.learning.losses import logits_of
from mnist_demo.learning.optimizers import build_optimizer
from mnist_demo.learning.schedule import steps_per_epoch
from mnist_demo.learning.state import start
from mnist_demo.learning.step import Learner

Row = tuple[str, float, str]

MLP = Experiment.from_dict({"train_size": 55_000, "epochs": 5, "dropout": 0.2})
# As fast as it learns: the learning rate rises and falls once in two epochs.
CNN = Experiment.from_dict(
    {
        "network": "cnn",
        "train_size": 55_000,
        "epochs": 2,
        "batch_size": 128,
        "learning_rate": 0.005,
        "schedule": "one_cycle",
    }
)
STEPS, ROUNDS = 200, 9
GOAL = 0.99
MAX_TUTORIAL_EPOCHS = 5


def step_rows(data: TrainingData) -> list[Row]:
    """Images a second of one core: our step, a plain loop, and the matrix products of both alone.

    All with numbers that fade set to 0, as `advance` does; without it, Adam makes each step slower and slower.
    """
    kinds = {"our step": _ours(data), "a plain PyTorch loop": _plain(data), "its matrix products alone": _products()}
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    with set_for_training():
        for name, step in list(kinds.items()) * ROUNDS:  # in turn, so that a busy moment hits all
            started = time.thread_time()
            for _ in range(STEPS):
                step()
            seconds[name].append(time.thread_time() - started)
    medians = {name: statistics.median(found[1:]) for name, found in seconds.items()}
    bound = medians["its matrix products alone"]
    rows: list[Row] = [(f"MLP, {name}", MLP.batch_size * STEPS / found, "images/s") for name, found in medians.items()]
    return rows + [(f"MLP, {name}, of that bound", bound / medians[name], "times") for name in list(kinds)[:2]]


def _ours(data: TrainingData) -> Callable[[], object]:
    return Learner(start(MLP), data.train).train_step


def _plain(data: TrainingData) -> Callable[[], object]:
    """The loop that anyone would write with the images in memory as floats."""
    images, labels = normalize(data.train.images), data.train.labels
    model = networks.build(MLP).train()
    optimizer = build_optimizer(MLP, model)
    batches = _endless(len(labels), MLP.batch_size)

    def step() -> None:
        batch = next(batches)
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def _products() -> Callable[[], object]:
    """Forward, and backward but for the images: what the layers multiply, and nothing else."""
    batch = MLP.batch_size
    widths = [784, *MLP.hidden_sizes, 10]
    layers = [
        (torch.randn(batch, a), torch.randn(a, b), torch.randn(batch, b), torch.empty(batch, b))
        for a, b in pairwise(widths)
    ]

    def step() -> None:
        for inputs, weights, gradients, outputs in layers:
            torch.mm(inputs, weights, out=outputs)
            torch.mm(inputs.t(), gradients)
        for _, weights, gradients, _ in layers[1:]:
            torch.mm(gradients, weights.t())

    return step


def cnn_rows(data: TrainingData) -> list[Row]:
    """Seconds of one core until 99% of the validation images are right, measuring not counted."""
    ours, at = _seconds_to_goal(_our_epochs(data), data.val, CNN)
    rows: list[Row] = [(f"CNN to {GOAL:.0%} (after epoch {at})", ours, "s of one core")]
    plain, at = _seconds_to_goal(_tutorial_epochs(data), data.val, CNN)
    rows.append((f"a tutorial's CNN to {GOAL:.0%} (after epoch {at})", plain, "s of one core"))
    return [*rows, ("the tutorial's, of ours", plain / ours, "times")]


def _seconds_to_goal(
    epochs: Iterator[tuple[nn.Module, float]], val: Split, experiment: Experiment
) -> tuple[float, int]:
    """Seconds and epochs until the goal is reached, or until the epochs are over: then the accuracy is said."""
    total, number, accuracy = 0.0, 0, 0.0
    for number, (model, seconds) in enumerate(epochs, start=1):
        total += seconds
        model.eval()
        accuracy = (logits_of(model, val, experiment).argmax(dim=1) == val.labels).float().mean().item()
        model.train()
        if accuracy >= GOAL:
            return total, number
    print(f"| not {GOAL:.0%} after {number} epochs | {accuracy:.4f} | ")
    return total, number


def _our_epochs(data: TrainingData) -> Iterator[tuple[nn.Module, float]]:
    learner = Learner(start(CNN), data.train)
    for _ in range(CNN.epochs):
        started = time.thread_time()
        with set_for_training():
            for _ in range(steps_per_epoch(CNN)):
                learner.train_step()
        yield learner.model, time.thread_time() - started


def _tutorial_epochs(data: TrainingData) -> Iterator[tuple[nn.Module, float]]:
    """Two 3x3 convolutions at full size, max pooling and two linear layers, trained by Adadelta in batches of 64."""
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)),
        *(nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)),
    )
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    images, labels = normalize(data.train.images), data.train.labels
    batches = _endless(len(labels), 64)
    for _ in range(MAX_TUTORIAL_EPOCHS):
        started = time.thread_time()
        for _ in range(-(-len(labels) // 64)):
            batch = next(batches)
            optimizer.zero_grad()
            F.cross_entropy(model(images[batch]), labels[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= 0.7
        yield model, time.thread_time() - started


def _endless(count: int, size: int) -> Iterator[Tensor]:
    """Shuffled batches of indices, epoch after epoch."""
    generator = torch.Generator().manual_seed(0)
    while True:
        yield from torch.randperm(count, generator=generator).split(size)  # type: ignore[no-untyped-call]
