"""What a network costs: what torch counts, weight by weight; and a budget buys as many images as it pays for."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mnist_demo.experiment.choices import Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning import networks
from mnist_demo.learning.cost import (
    FEWEST_IMAGES,
    activation_count,
    image_count,
    largest_layer,
    multiply_adds,
    weight_count,
)

SIZES = [(), (1,), (8,), (8, 4), (8, 6, 4), (4, 4, 4, 4)]


def make(network: Network, sizes: tuple[int, ...]) -> Experiment:
    return Experiment(network=network, hidden_sizes=sizes)


@pytest.mark.parametrize("network", list(Network))
@pytest.mark.parametrize("sizes", SIZES)
def test_multiply_adds_are_what_torch_counts(network: Network, sizes: tuple[int, ...]) -> None:
    experiment = make(network, sizes)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        networks.build(experiment).eval()(torch.zeros(1, 1, 28, 28))
    assert multiply_adds(experiment) == counter.get_total_flops() // 2
    assert multiply_adds(experiment) > 0


@pytest.mark.parametrize("network", list(Network))
@pytest.mark.parametrize("sizes", SIZES)
def test_weights_are_those_of_the_network(network: Network, sizes: tuple[int, ...]) -> None:
    experiment = make(network, sizes)
    with_weights = [m for m in networks.build(experiment).modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    assert weight_count(experiment) == sum(module.weight.numel() for module in with_weights)


@pytest.mark.parametrize("network", list(Network))
@pytest.mark.parametrize("sizes", SIZES)
def test_activations_are_what_the_layers_put_out(network: Network, sizes: tuple[int, ...]) -> None:
    experiment = make(network, sizes)
    model, counts = networks.build(experiment).eval(), list[int]()
    for layer in model.children():
        layer.register_forward_hook(lambda _layer, _inputs, output: counts.append(output.numel()))
    model(torch.zeros(1, 1, 28, 28))
    assert activation_count(experiment) == sum(counts)
    assert largest_layer(experiment) == max(counts)


@pytest.mark.parametrize("sizes", [(8,), (256, 128), (1024, 1024, 1024)])
def test_a_budget_buys_as_many_images_as_it_pays_for(sizes: tuple[int, ...]) -> None:
    experiment = make(Network.MLP, sizes)
    one = multiply_adds(experiment)
    assert image_count(experiment, 1000 * one, 5000) == 1000
    assert image_count(experiment, 1e15, 5000) == 5000
    assert image_count(experiment, 1, 5000) == FEWEST_IMAGES
