"""First-layer weights: the numbers of the network itself, in the place of the pixels they multiply."""

import torch
from torch import nn

from mnist_demo.experiment.config import Experiment
from mnist_demo.inference.explain import first_layer_weights
from mnist_demo.learning import networks
from mnist_demo.learning.checkpoints import Checkpoint


def fresh(**knobs: object) -> Checkpoint:
    experiment = Experiment.from_dict(knobs)
    return Checkpoint(networks.build(experiment), experiment, {})


def test_a_units_picture_is_what_it_multiplies_the_image_with() -> None:
    model = fresh(hidden_sizes=(12,))
    weights = first_layer_weights(model)
    assert weights.shape == (12, 28, 28)
    layer = model.model.get_submodule("1")
    assert isinstance(layer, nn.Linear)
    image = torch.zeros(1, 28, 28)
    image[0, 3, 7] = 1
    answer = layer(image.flatten(1)) - layer.bias
    assert torch.allclose(answer[0], torch.from_numpy(weights[:, 3, 7]))


def test_kernels_of_the_convolutional_networks() -> None:
    assert first_layer_weights(fresh(network="cnn")).shape == (16, 3, 3)
    assert first_layer_weights(fresh(network="deep_cnn")).shape == (16, 3, 3)
    assert first_layer_weights(fresh(hidden_sizes=())).shape == (10, 28, 28)


def test_weights_are_a_copy() -> None:
    model = fresh(hidden_sizes=(12,))
    first_layer_weights(model)[:] = 0
    assert first_layer_weights(model).any()
