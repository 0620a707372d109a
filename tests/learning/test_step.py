"""One training step: its lines one by one are the step, and trainings in other threads do not change it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import networks
from mnist_demo.learning.state import start
from mnist_demo.learning.step import Learner

HARD = {"dropout": 0.5, "augmentation": "affine", "weight_averaging": 0.9, "schedule": "one_cycle"}


def trained(experiment: Experiment, data: TrainingData, steps: int) -> str:
    learner = Learner(start(experiment), data.train)
    for _ in range(steps):
        learner.train_step()
    return networks.weights_hash(learner.to_state().weights)


@pytest.mark.parametrize("changes", [{}, HARD, {"non_digits": 0.1, "label_smoothing": 0.2}])
def test_a_step_is_its_lines(tiny: Experiment, tiny_data: TrainingData, changes: dict[str, object]) -> None:
    experiment = tiny.replace(**changes)
    learner = Learner(start(experiment), tiny_data.train)
    for _ in range(5):
        batch = learner.batches.next_batch()
        learner.optimizer.zero_grad()
        learner.loss(learner.forward(batch), batch).backward()  # type: ignore[no-untyped-call]
        learner.update()
    assert networks.weights_hash(learner.to_state().weights) == trained(experiment, tiny_data, 5)


@pytest.mark.parametrize("augmentation", ["shift", "handwriting"])
def test_trainings_in_many_threads_are_those_of_one(
    augmentation: str, tiny: Experiment, tiny_data: TrainingData
) -> None:
    """Dropout and augmentation of one run would draw the other's numbers from a generator that all threads share."""
    runs = [tiny.replace(seed=seed, dropout=0.5, augmentation=augmentation) for seed in range(4)]
    alone = [trained(experiment, tiny_data, 40) for experiment in runs]
    before = torch.get_rng_state()
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda experiment: trained(experiment, tiny_data, 40), runs))
    assert together == alone
    assert torch.equal(torch.get_rng_state(), before)


def test_a_watched_step_tells_what_it_found_and_moved(tiny: Experiment, tiny_data: TrainingData) -> None:
    for mistake in ("none", "no_zero_grad"):
        learner = Learner(start(tiny.replace(mistake=mistake)), tiny_data.train)
        learner.train_step(is_watched=True)
        assert learner.left_over == 0
        before = {name: value.clone() for name, value in learner.model.named_parameters()}
        learner.train_step(is_watched=True)
        assert (learner.left_over > 0) == (mistake == "no_zero_grad")
        assert all(torch.equal(before[name], value) for name, value in learner.weights_before.items())
        learner.train_step()
        assert learner.weights_before == {}
