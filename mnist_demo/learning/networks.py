"""The networks, built from an Experiment: images in, logits out.

Knows modules and initial weights. Does not know how a network is trained. Applies no softmax: `CrossEntropyLoss`
and `torch.softmax` both take logits. Never uses torch's global generator: other threads of the process use it too,
and would change the random numbers.
"""

import hashlib
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mnist_demo.experiment.choices import Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning.layers import Layer, layers


class DigitNetwork(nn.Sequential):
    """The layers of an experiment, one after the other. (N, 1, 28, 28) -> logits (N, 10)."""


class Dropout(nn.Dropout):
    """Dropout that uses `generator`, if it has one, and gives the same numbers as `nn.Dropout`."""

    generator: torch.Generator | None = None

    def forward(self, input: Tensor) -> Tensor:
        """Zeros a share `p` of the values at random, in train mode, and scales up the others."""
        if self.generator is None or not self.training or self.p == 0:
            return super().forward(input)
        kept = torch.empty_like(input, device=self.generator.device).bernoulli_(1 - self.p, generator=self.generator)
        return input * kept.div_(1 - self.p).to(input.device)


def build(experiment: Experiment) -> nn.Module:
    """The experiment's network with the initial weights of its seed.

    They are the weights that the plain layers have after `torch.manual_seed(seed)`, bit for bit.
    """
    model = empty(experiment)
    generator = torch.Generator().manual_seed(experiment.seed)
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            _draw_weights(module, generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
    return model


def empty(experiment: Experiment) -> nn.Module:
    """The experiment's network with uninitialized weights, in memory but not yet written."""
    model = outline(experiment).to_empty(device="cpu")
    return model if experiment.network is Network.MLP else model.to(memory_format=torch.channels_last)


def outline(experiment: Experiment) -> nn.Module:
    """The experiment's network as names, shapes and dtypes, without memory (meta), because it may be far too large."""
    with torch.device("meta"):
        return DigitNetwork(*map(_module, layers(experiment)))


def draw_from(model: nn.Module, generator: torch.Generator) -> None:
    """Makes the dropout of a network draw its random numbers from `generator`."""
    for module in model.modules():
        if isinstance(module, Dropout):
            module.generator = generator


def _module(layer: Layer) -> nn.Module:
    return Dropout(layer.arguments[0]) if layer.kind == "Dropout" else layer.module()


def _draw_weights(module: nn.Linear | nn.Conv2d, generator: torch.Generator) -> None:
    """PyTorch's own initial weights and biases, uniform within 1 / sqrt(inputs), from the given generator."""
    weight = torch.empty_like(module.weight, memory_format=torch.contiguous_format)  # filled in PyTorch's usual order
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
    with torch.no_grad():
        module.weight.copy_(weight)
    if module.bias is not None:
        bound = 1 / math.sqrt(weight[0].numel())
        nn.init.uniform_(module.bias, -bound, bound, generator=generator)


def parameter_count(model: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(parameter.numel() for parameter in model.parameters())


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 (hexadecimal) of a state dict's values as little-endian bytes, layer by layer.

    Names and numbers of layers are not hashed, so leaving out dropout 0 does not change the hash.
    """
    digest = hashlib.sha256()
    for name in sorted(weights, key=lambda name: (int(name.split(".")[0]), name)):
        digest.update(weights[name].detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
