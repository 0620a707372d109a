"""The networks, built from an Experiment: images in, logits out.

Knows architecture and initial weights. Does not know how a network is trained, and applies no
softmax: `CrossEntropyLoss` and `torch.softmax` both want the logits.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from mnist_demo.experiment.choices import Activation, Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import CLASSES, SIDE

_ACTIVATIONS: Mapping[Activation, type[nn.Module]] = {
    Activation.RELU: nn.ReLU,
    Activation.SIGMOID: nn.Sigmoid,
    Activation.TANH: nn.Tanh,
    Activation.NONE: nn.Identity,
}


class MLP(nn.Sequential):
    """Fully connected layers, each followed by its activation and dropout. (N, 1, 28, 28) -> (N, 10)."""

    def __init__(self, experiment: Experiment) -> None:
        widths = [SIDE * SIDE, *experiment.hidden_sizes]
        layers: list[nn.Module] = [nn.Flatten()]  # (N, 784)
        for fan_in, fan_out in pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out), _ACTIVATIONS[experiment.activation]()]
            layers += [nn.Dropout(experiment.dropout)]
        super().__init__(*layers, nn.Linear(widths[-1], CLASSES))


class CNN(nn.Sequential):
    """Convolutions with batch norm, averaged over the image, then one linear layer.

    (N, 1, 28, 28) -> (N, 10). The first convolution already has stride 2 and the second halves
    again: on two CPU cores that is what makes it ten times faster than the usual tutorial CNN.
    """

    def __init__(self, experiment: Experiment) -> None:
        channels = [1, *experiment.hidden_sizes]
        layers: list[nn.Module] = []
        for index, (fan_in, fan_out) in enumerate(pairwise(channels)):
            size = 5 if index == 0 else 3  # pixels
            stride = 2 if index < 2 else 1  # 28 -> 14 -> 7
            layers += [
                nn.Conv2d(fan_in, fan_out, size, stride, padding=size // 2, bias=False),
                nn.BatchNorm2d(fan_out),
                _ACTIVATIONS[experiment.activation](),
            ]
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(experiment.dropout)]
        super().__init__(*layers, nn.Linear(channels[-1], CLASSES))


class DeepCNN(nn.Sequential):
    """3x3 convolutions with batch norm that look at every pixel before anything is halved.

    (N, 1, 28, 28) -> (N, 10). The first width is one convolution at 28x28; each further width is one
    that halves the image and two that do not: 28 -> 14 -> 7 -> 4. Sixteen times the multiplications of `CNN`.
    """

    def __init__(self, experiment: Experiment) -> None:
        layers: list[nn.Module] = []
        for fan_in, fan_out, stride in _deep_layers(experiment.hidden_sizes):
            layers += [
                nn.Conv2d(fan_in, fan_out, 3, stride, padding=1, bias=False),
                nn.BatchNorm2d(fan_out),
                _ACTIVATIONS[experiment.activation](),
            ]
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(experiment.dropout)]
        super().__init__(*layers, nn.Linear([1, *experiment.hidden_sizes][-1], CLASSES))


def _deep_layers(widths: Sequence[int]) -> list[tuple[int, int, int]]:
    """(channels in, channels out, stride) of each convolution of a DeepCNN."""
    layers = [(1, width, 1) for width in widths[:1]]
    for fan_in, fan_out in pairwise(widths):
        layers += [(fan_in, fan_out, 2), (fan_out, fan_out, 1), (fan_out, fan_out, 1)]
    return layers


def build(experiment: Experiment) -> nn.Module:
    """The experiment's network with the initial weights of its seed; global random state untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.seed)
        if experiment.network is Network.MLP:
            return MLP(experiment)
        convolutional = CNN if experiment.network is Network.CNN else DeepCNN
        return convolutional(experiment).to(memory_format=torch.channels_last)


def parameter_count(model: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(parameter.numel() for parameter in model.parameters())


def weight_count(experiment: Experiment) -> int:
    """The weights of the experiment's network without building it (its biases and scales left out)."""
    if experiment.network is Network.MLP:
        return multiply_adds(experiment)
    if experiment.network is Network.DEEP_CNN:
        convolutions = sum(9 * fan_in * fan_out for fan_in, fan_out, _ in _deep_layers(experiment.hidden_sizes))
        return convolutions + [1, *experiment.hidden_sizes][-1] * CLASSES
    sizes = [(25 if index == 0 else 9, pair) for index, pair in enumerate(pairwise([1, *experiment.hidden_sizes]))]
    return sum(area * fan_in * fan_out for area, (fan_in, fan_out) in sizes)


def multiply_adds(experiment: Experiment) -> int:
    """Multiplications of one forward pass of one image: the measure of a network's cost."""
    if experiment.network is Network.MLP:
        return sum(a * b for a, b in pairwise([SIDE * SIDE, *experiment.hidden_sizes, CLASSES]))
    total, side, last = 0, SIDE, [1, *experiment.hidden_sizes][-1]
    if experiment.network is Network.DEEP_CNN:
        for fan_in, fan_out, stride in _deep_layers(experiment.hidden_sizes):
            side = -(-side // stride)
            total += side * side * 9 * fan_in * fan_out
        return total + last * CLASSES
    positions = SIDE * SIDE
    for index, (fan_in, fan_out) in enumerate(pairwise([1, *experiment.hidden_sizes])):
        positions = positions // 4 if index < 2 else positions
        total += positions * (25 if index == 0 else 9) * fan_in * fan_out
    return total + last * CLASSES


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 (hexadecimal) of a state dict's values as little-endian bytes, layer by layer.

    Layers count by their number, so leaving out one without weights (dropout 0) does not change the hash.
    """
    digest = hashlib.sha256()
    for name in sorted(weights, key=lambda name: (int(name.split(".")[0]), name)):
        digest.update(weights[name].detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
