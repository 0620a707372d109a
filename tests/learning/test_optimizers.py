"""The optimizers are torch's own, their memory carries a run on bit for bit, and the running average is its formula."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_demo.experiment.choices import Optimizer
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.learning import networks
from mnist_demo.learning.optimizers import average_weights, build_optimizer, load_moments, moments
from mnist_demo.learning.training import advance, start


def test_weight_decay_shrinks_and_zero_does_not(tiny: Experiment, tiny_data: TrainingData) -> None:
    def norm(decay: float) -> float:
        experiment = tiny.replace(epochs=6, weight_decay=decay, optimizer="adamw", learning_rate=0.05)
        state, _ = advance(start(experiment), 20, tiny_data)
        return sum(value.square().sum().item() for value in state.weights.values())

    assert norm(1.0) < 0.5 * norm(0.0)


@pytest.mark.parametrize("optimizer", list(Optimizer))
def test_each_optimizer_is_torchs_own(optimizer: Optimizer, tiny: Experiment, tiny_data: TrainingData) -> None:
    """Three updates written out plainly, unfused, against three of `advance`."""
    rate, decay = 0.05, 0.01
    experiment = tiny.replace(epochs=6, optimizer=optimizer, learning_rate=rate, weight_decay=decay, batch_size=100)
    model = networks.build(experiment)
    parameters = list(model.parameters())
    plain: dict[Optimizer, torch.optim.Optimizer] = {
        Optimizer.SGD: torch.optim.SGD(parameters, rate, weight_decay=decay),
        Optimizer.MOMENTUM: torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=decay),
        Optimizer.ADAM: torch.optim.Adam(parameters, rate, weight_decay=decay),
        Optimizer.ADAMW: torch.optim.AdamW(parameters, rate, weight_decay=decay),
    }
    images, labels = normalize(tiny_data.train.images[:100]), tiny_data.train.labels[:100]
    for _ in range(3):
        plain[optimizer].zero_grad()
        F.cross_entropy(model(images), labels).backward()
        plain[optimizer].step()
    state, _ = advance(start(experiment), 3, tiny_data)
    for name, value in model.state_dict().items():
        is_close = (state.weights[name] - value).abs() < 1e-4
        assert is_close.float().mean() > 0.999, name  # Adam blows up the rounding of a gradient of almost nothing


def stepped(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> dict[str, Tensor]:
    """Updates on gradients that depend on the weights alone; copies of the weights after them."""
    for _ in range(steps):
        optimizer.zero_grad()
        sum(value.square().sum() for value in model.parameters()).backward()  # type: ignore[union-attr]
        optimizer.step()
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("network", ["mlp", "cnn"])
@pytest.mark.parametrize("kind", list(Optimizer))
def test_an_optimizer_with_its_moments_back_goes_on_bit_for_bit(kind: Optimizer, network: str) -> None:
    experiment = Experiment(network=network, hidden_sizes=(4, 6), optimizer=kind, learning_rate=0.1)
    model = networks.build(experiment)
    optimizer = build_optimizer(experiment, model)
    stepped(model, optimizer, 3)
    saved, restored = moments(optimizer), copy.deepcopy(model)
    kept = {name: value.clone() for name, value in saved.items()}
    other = build_optimizer(experiment, restored)
    load_moments(other, saved)
    whole, resumed = stepped(model, optimizer, 2), stepped(restored, other, 2)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert all(torch.equal(saved[name], kept[name]) for name in kept)  # copies: neither of the two writes to them
    for parameter in restored.parameters():
        for value in other.state[parameter].values():
            assert value is None or value.shape != parameter.shape or value.stride() == parameter.stride()
    assert bool(saved) == (kind is not Optimizer.SGD)


def test_without_its_moments_an_optimizer_goes_elsewhere() -> None:
    experiment = Experiment(hidden_sizes=(4,), learning_rate=0.1)
    model = networks.build(experiment)
    optimizer = build_optimizer(experiment, model)
    stepped(model, optimizer, 3)
    restored = copy.deepcopy(model)
    whole, forgotten = stepped(model, optimizer, 2), stepped(restored, build_optimizer(experiment, restored), 2)
    assert not torch.equal(whole["1.weight"], forgotten["1.weight"])


def test_a_gradient_that_was_not_cleared_is_put_back_as_one() -> None:
    experiment = Experiment(hidden_sizes=(4,), optimizer="sgd")
    model = networks.build(experiment)
    optimizer, gradient = build_optimizer(experiment, model), torch.ones(4, 784)
    load_moments(optimizer, {"0.grad": gradient})
    first = next(model.parameters())
    assert first.grad is not None
    assert torch.equal(first.grad, gradient)
    assert first.grad.data_ptr() != gradient.data_ptr()
    assert moments(optimizer) == {}


@pytest.mark.parametrize(
    ("kept", "step", "share"), [(0.9, 1, 1 / 11), (0.9, 90, 0.9), (0.9, 1000, 0.9), (0.5, 9, 9 / 19)]
)
def test_the_average_keeps_its_share_and_less_of_it_in_the_first_steps(kept: float, step: int, share: float) -> None:
    experiment = Experiment(network="cnn", hidden_sizes=(4,))
    averaged, model = networks.build(experiment), networks.build(experiment.replace(seed=1))
    before = {name: value.clone() for name, value in averaged.state_dict().items()}
    weights = model.state_dict()
    counters = [name for name, value in weights.items() if not value.is_floating_point()]
    assert counters
    for name in counters:
        weights[name].fill_(7)
    average_weights(averaged, model, kept, step)
    for name, value in averaged.state_dict().items():
        if name in counters:
            assert value == 7
        else:
            torch.testing.assert_close(value, share * before[name] + (1 - share) * weights[name])
