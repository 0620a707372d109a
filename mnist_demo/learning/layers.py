"""The layers of a network: one list, from which its module, its costs and its program code are made.

Knows the order of the layers, their arguments, and the size of the image between them. Does not know the weights:
`networks` draws those.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from torch import nn

from mnist_demo.experiment.choices import Activation, Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.knobs import to_text
from mnist_demo.images.data import CLASSES, SIDE

_ACTIVATIONS = {
    Activation.RELU: "ReLU",
    Activation.SIGMOID: "Sigmoid",
    Activation.TANH: "Tanh",
    Activation.NONE: "Identity",
}


@dataclass(frozen=True)
class Layer:
    """One layer: what `nn.<kind>(*arguments, **options)` makes, and what it costs for one image."""

    kind: str  # a class of torch.nn
    arguments: tuple[int | float, ...] = ()
    options: Mapping[str, int | bool] = field(default_factory=dict)
    weights: int = 0  # numbers that inputs are multiplied by; without biases and scales
    positions: int = 1  # positions in the image at which each weight is used

    def module(self) -> nn.Module:
        """A new module of this kind."""
        module: nn.Module = getattr(nn, self.kind)(*self.arguments, **self.options)
        return module

    @property
    def code(self) -> str:
        """The layer as a learner writes it: `nn.Linear(784, 256)`."""
        options = [f"{name}={value}" for name, value in self.options.items()]
        return f"nn.{self.kind}({', '.join([*map(to_text, self.arguments), *options])})"

    @property
    def does_nothing(self) -> bool:
        """Whether it can be left out of a program without changing any number."""
        return self.kind == "Identity" or (self.kind == "Dropout" and self.arguments == (0,))


def layers(experiment: Experiment) -> list[Layer]:
    """The layers of the experiment's network in order: (N, 1, 28, 28) images in, (N, 10) logits out."""
    match experiment.network:
        case Network.MLP:
            return _mlp(experiment)
        case Network.CNN:
            return _cnn(experiment)
        case Network.DEEP_CNN:
            return _deep_cnn(experiment)


def modules(experiment: Experiment) -> list[nn.Module]:
    """New modules of the layers, without those that do nothing: the arguments of a learner's `nn.Sequential`."""
    return [layer.module() for layer in layers(experiment) if not layer.does_nothing]


def _mlp(experiment: Experiment) -> list[Layer]:
    """Fully connected layers, each followed by its activation and dropout."""
    widths = [SIDE * SIDE, *experiment.hidden_sizes]
    found = [Layer("Flatten")]  # (N, 784)
    for fan_in, fan_out in pairwise(widths):
        found += [_linear(fan_in, fan_out), _activation(experiment), _dropout(experiment)]
    return [*found, _linear(widths[-1], CLASSES)]


def _cnn(experiment: Experiment) -> list[Layer]:
    """3x3 convolutions with batch norm, the first three halved by pooling, then flattened, which keeps positions.

    Pooling comes directly after the convolution, so all later layers have a quarter of the work. A fourth
    convolution is not pooled: batch norm needs more than one number per channel, even for a batch of one image.
    """
    channels, side = [1, *experiment.hidden_sizes], SIDE
    found: list[Layer] = []
    for fan_in, fan_out in pairwise(channels):
        convolution, *others = _convolution(experiment, fan_in, fan_out, 3, 1, side)
        pooling = [Layer("MaxPool2d", (2,))] if side > 3 else []
        side = side // 2 if pooling else side  # 28 -> 14 -> 7 -> 3 -> 3
        found += [convolution, *pooling, *others]
    return [*found, Layer("Flatten"), _dropout(experiment), _linear(channels[-1] * side * side, CLASSES)]


def _deep_cnn(experiment: Experiment) -> list[Layer]:
    """3x3 convolutions with batch norm; the first works at full resolution, before the image is halved.

    The first width is one convolution at 28x28. Each further width is one convolution that halves the image
    and two that do not: 28 -> 14 -> 7 -> 4. Ten times the multiplications of the `cnn`.
    """
    channels, side = [1, *experiment.hidden_sizes], SIDE
    found: list[Layer] = []
    for index, (fan_in, fan_out) in enumerate(pairwise(channels)):
        if index == 0:
            found += _convolution(experiment, fan_in, fan_out, 3, 1, side)
            continue
        side = -(-side // 2)
        found += _convolution(experiment, fan_in, fan_out, 3, 2, side)
        for _ in range(2):
            found += _convolution(experiment, fan_out, fan_out, 3, 1, side)
    return found + _averaged(experiment, channels[-1])


def _averaged(experiment: Experiment, channels: int) -> list[Layer]:
    """The end of a network that averages each channel over the image: (N, C, H, W) -> (N, C) -> (N, 10)."""
    return [Layer("AdaptiveAvgPool2d", (1,)), Layer("Flatten"), _dropout(experiment), _linear(channels, CLASSES)]


def _linear(fan_in: int, fan_out: int) -> Layer:
    return Layer("Linear", (fan_in, fan_out), weights=fan_in * fan_out)


def _convolution(experiment: Experiment, fan_in: int, fan_out: int, size: int, stride: int, side: int) -> list[Layer]:
    """A convolution of size x size pixels whose output has `side` x `side`, its batch norm and its activation."""
    strides = {"stride": stride} if stride > 1 else {}
    options = {**strides, "padding": size // 2, "bias": False}  # batch norm has its own bias
    weights = size * size * fan_in * fan_out
    convolution = Layer("Conv2d", (fan_in, fan_out, size), options, weights=weights, positions=side * side)
    return [convolution, Layer("BatchNorm2d", (fan_out,)), _activation(experiment)]


def _activation(experiment: Experiment) -> Layer:
    return Layer(_ACTIVATIONS[experiment.activation])


def _dropout(experiment: Experiment) -> Layer:
    return Layer("Dropout", (experiment.dropout,))
