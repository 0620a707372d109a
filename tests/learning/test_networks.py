"""Networks before any training: shapes, sizes, initial weights and the initial loss."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mnist_demo.experiment.choices import Activation, Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.learning import networks

SIZES = [(), (1,), (8,), (8, 4), (8, 6, 4), (4, 4, 4, 4)]


def make(**knobs: object) -> Experiment:
    return Experiment.from_dict(knobs)


@pytest.mark.parametrize("network", list(Network))
@pytest.mark.parametrize("sizes", SIZES)
def test_every_architecture_answers_any_batch_with_ten_finite_logits(network: Network, sizes: tuple[int, ...]) -> None:
    for activation in Activation:
        model = networks.build(make(network=network, hidden_sizes=list(sizes), activation=activation, dropout=0.5))
        for count in (1, 2, 5):
            for is_training in (True, False):
                logits = model.train(is_training)(torch.randn(count, 1, 28, 28))
                assert logits.shape == (count, 10)
                assert logits.isfinite().all()


@pytest.mark.parametrize("network", list(Network))
@pytest.mark.parametrize("activation", list(Activation))
def test_the_loss_before_training_is_near_ln_10(
    network: Network, activation: Activation, training_data: TrainingData
) -> None:
    model = networks.build(make(network=network, activation=activation)).eval()
    val = training_data.val.first(500)
    with torch.no_grad():
        loss = F.cross_entropy(model(normalize(val.images)), val.labels).item()
    assert loss == pytest.approx(math.log(10), abs=0.15)


@pytest.mark.parametrize("network", list(Network))
def test_dropout_changes_no_initial_weight(network: Network) -> None:
    without, half = (networks.build(make(network=network, dropout=dropout)).state_dict() for dropout in (0.0, 0.5))
    assert list(without) == list(half)
    assert all(torch.equal(without[name], half[name]) for name in without)
    assert networks.weights_hash(without) == networks.weights_hash(half)


@pytest.mark.parametrize("network", list(Network))
def test_the_seed_decides_the_weights_and_nothing_else_does(network: Network) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = networks.weights_hash(networks.build(make(network=network)).state_dict())
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert networks.weights_hash(networks.build(make(network=network)).state_dict()) == first
    assert networks.weights_hash(networks.build(make(network=network, seed=1)).state_dict()) != first


@pytest.mark.parametrize("network", [Network.CNN, Network.DEEP_CNN])
def test_convolutions_are_channels_last(network: Network) -> None:
    for layer in networks.build(make(network=network)):
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("network", list(Network))
@pytest.mark.parametrize("sizes", SIZES)
def test_multiply_adds_are_what_torch_counts(network: Network, sizes: tuple[int, ...]) -> None:
    experiment = make(network=network, hidden_sizes=list(sizes))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        networks.build(experiment).eval()(torch.zeros(1, 1, 28, 28))
    assert networks.multiply_adds(experiment) == counter.get_total_flops() // 2
    assert networks.multiply_adds(experiment) > 0


def test_parameter_count() -> None:
    assert networks.parameter_count(networks.build(make(hidden_sizes="8"))) == 784 * 8 + 8 + 8 * 10 + 10


def test_the_mlp_is_the_one_of_the_notes() -> None:
    kinds = [type(layer) for layer in networks.build(Experiment())]
    hidden = [nn.Linear, nn.ReLU, nn.Dropout]
    assert kinds == [nn.Flatten, *hidden, *hidden, nn.Linear]
    assert not any(isinstance(layer, nn.Softmax | nn.LogSoftmax) for layer in networks.build(Experiment()))


def test_the_hash_sees_one_changed_bit_and_no_memory_layout() -> None:
    weights = networks.build(make(network="cnn")).state_dict()
    digest = networks.weights_hash(weights)
    assert len(digest) == 64
    assert networks.weights_hash({name: value.contiguous() for name, value in reversed(weights.items())}) == digest
    changed = {name: value.clone() for name, value in weights.items()}
    name = next(iter(changed))
    changed[name].view(-1)[0] = torch.nextafter(changed[name].view(-1)[0], torch.tensor(9.0))
    assert networks.weights_hash(changed) != digest
