"""The list of layers: its code makes the modules that train, and what may be left out does nothing."""

import pytest
import torch
from torch import nn

from mnist_demo.experiment.choices import Activation, Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning import networks
from mnist_demo.learning.layers import Layer, layers


@pytest.mark.parametrize("network", list(Network))
@pytest.mark.parametrize("activation", [Activation.RELU, Activation.NONE])
@pytest.mark.parametrize("dropout", [0.1, 0.25])
def test_the_code_of_the_layers_makes_the_network(network: Network, activation: Activation, dropout: float) -> None:
    experiment = Experiment(network=network, activation=activation, dropout=dropout)
    written = [eval(layer.code, {"nn": nn}) for layer in layers(experiment)]
    assert [repr(module) for module in written] == [repr(module) for module in networks.build(experiment)]


@pytest.mark.parametrize("network", list(Network))
def test_layers_left_out_change_no_answer(network: Network) -> None:
    experiment = Experiment(network=network, activation=Activation.NONE)
    model = networks.build(experiment).train()
    kept = [m for m, layer in zip(model, layers(experiment), strict=True) if not layer.does_nothing]  # type: ignore[call-overload]
    assert len(kept) < len(layers(experiment))
    images = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(nn.Sequential(*kept)(images), model(images))


def test_what_draws_or_bends_is_not_left_out() -> None:
    assert not any(Layer(kind).does_nothing for kind in ("ReLU", "Sigmoid", "Tanh", "Flatten"))
    assert not Layer("Dropout", (0.1,)).does_nothing
