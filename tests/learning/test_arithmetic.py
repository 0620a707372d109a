"""Training is on one thread, and its numbers do not fade to what processors are slow with."""

import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import training
from mnist_demo.learning.arithmetic import set_for_training

SMALLEST = torch.finfo(torch.float32).tiny


def faded(state: training.TrainState) -> int:
    """How many numbers of the optimizer are not 0, but too small to be written in full."""
    moments = [moment for name, moment in state.moments.items() if not name.endswith("step")]
    return sum(int(((moment != 0) & (moment.abs() < SMALLEST)).sum()) for moment in moments)


def test_the_settings_are_put_back() -> None:
    torch.set_num_threads(1)
    small = torch.tensor(1e-30)
    with set_for_training(threads=2):
        assert torch.get_num_threads() == 2
        assert small * 1e-10 == 0
        assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.deterministic
    assert torch.get_num_threads() == 1
    assert 0 < small * 1e-10 < SMALLEST


def test_adams_averages_fade_to_zero_and_the_weights_are_the_same(
    tiny: Experiment, tiny_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = tiny.replace(train_size=100, batch_size=1, epochs=12, learning_rate=0.01, hidden_sizes=(16, 8))
    fast, _ = training.advance(training.start(experiment), 1_000, tiny_data)
    monkeypatch.setattr(torch, "set_flush_denormal", lambda _: True)
    slow, _ = training.advance(training.start(experiment), 1_000, tiny_data)
    assert faded(slow) > 100, "else this test says nothing"
    assert faded(fast) == 0
    for name, weight in fast.weights.items():
        assert torch.equal(weight, slow.weights[name])
