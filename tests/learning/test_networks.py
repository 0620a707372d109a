"""Networks before any training: shapes, sizes, initial weights and the initial loss."""

import math
import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.experiment.choices import Activation, Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.learning import checkpoints, networks
from mnist_demo.learning.layers import layers

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


@pytest.mark.parametrize("network", list(Network))
@pytest.mark.parametrize("sizes", SIZES)
def test_initial_weights_are_those_that_plain_layers_have_after_manual_seed(
    network: Network, sizes: tuple[int, ...]
) -> None:
    experiment = make(network=network, hidden_sizes=list(sizes), seed=7)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        plain = nn.Sequential(*(layer.module() for layer in layers(experiment))).state_dict()
    built = networks.build(experiment).state_dict()
    assert list(built) == list(plain)
    assert all(torch.equal(built[name], plain[name]) for name in plain)


def test_threads_that_draw_change_no_initial_weight() -> None:
    """A server builds, loads and draws in many threads: with torch's own generator one in seven was another network."""
    experiment = make(seed=3, dropout=0.5)
    expected = networks.weights_hash(networks.build(experiment).state_dict())
    weights = networks.build(experiment).state_dict()
    is_over = threading.Event()

    def disturb() -> None:
        while not is_over.is_set():
            torch.manual_seed(0)
            torch.rand(100)
            checkpoints.fit(weights, experiment)

    threads = [threading.Thread(target=disturb) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        found = {networks.weights_hash(networks.build(experiment).state_dict()) for _ in range(40)}
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert found == {expected}


def test_dropout_with_a_generator_gives_the_numbers_of_dropout() -> None:
    images = torch.randn(64, 32, generator=torch.Generator().manual_seed(0))
    ours = networks.Dropout(0.3)
    ours.generator = torch.Generator().manual_seed(5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        plain = nn.Dropout(0.3)(images)
    before = torch.get_rng_state()
    assert torch.equal(ours(images), plain)
    assert torch.equal(torch.get_rng_state(), before)
    assert ours.eval()(images) is images


@pytest.mark.parametrize("network", [Network.CNN, Network.DEEP_CNN])
def test_convolutions_are_channels_last(network: Network) -> None:
    for layer in networks.build(make(network=network)):
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.is_contiguous(memory_format=torch.channels_last)


def test_parameter_count() -> None:
    assert networks.parameter_count(networks.build(make(hidden_sizes="8"))) == 784 * 8 + 8 + 8 * 10 + 10


def test_the_mlp_is_the_one_of_the_notes() -> None:
    kinds = [type(layer) for layer in networks.build(Experiment())]
    hidden = [nn.Linear, nn.ReLU, networks.Dropout]
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
