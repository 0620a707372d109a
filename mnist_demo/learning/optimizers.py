"""The optimizer of an experiment, and its state as plain tensors, so that it can continue where it stopped."""

import torch
from torch import Tensor, nn

from mnist_demo.experiment.choices import Optimizer
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning.devices import to_cpu


def build_optimizer(experiment: Experiment, model: nn.Module) -> torch.optim.Optimizer:
    """The experiment's optimizer, in its fused form: one pass over the weights instead of a dozen."""
    rate, decay = experiment.learning_rate, experiment.weight_decay
    match experiment.optimizer:
        case Optimizer.SGD:
            return torch.optim.SGD(model.parameters(), rate, weight_decay=decay, fused=True)
        case Optimizer.MOMENTUM:
            return torch.optim.SGD(model.parameters(), rate, momentum=0.9, weight_decay=decay, fused=True)
        case Optimizer.ADAM:
            return torch.optim.Adam(model.parameters(), rate, weight_decay=decay, fused=True)
        case Optimizer.ADAMW:
            return torch.optim.AdamW(model.parameters(), rate, weight_decay=decay, fused=True)


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Copies of the optimizer's tensors, on the processor, by "<parameter index>.<name>"."""
    return {
        f"{index}.{name}": to_cpu(value)
        for index, tensors in optimizer.state_dict()["state"].items()
        for name, value in tensors.items()
        if isinstance(value, Tensor)
    }


def load_moments(optimizer: torch.optim.Optimizer, saved: dict[str, Tensor]) -> None:
    """Puts saved moments back, each in its parameter's memory layout: the fused kernels rely on it."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for key, value in saved.items():
        index, name = key.split(".", 1)
        parameter = parameters[int(index)]
        alike = parameter if value.shape == parameter.shape else value
        target = torch.empty_like(alike, device=parameter.device).detach().copy_(value)
        if name == "grad":
            parameter.grad = target
        else:
            optimizer.state[parameter][name] = target


@torch.no_grad()
def average_weights(averaged: nn.Module, model: nn.Module, kept: float, step: int) -> None:
    """Moves the average towards the weights: by 1 - `kept`, faster at the start of a run."""
    kept = min(kept, step / (step + 10))  # else the initial weights would count for thousands of steps
    for average, value in zip(averaged.state_dict().values(), model.state_dict().values(), strict=True):
        if average.is_floating_point():
            average.lerp_(value, 1 - kept)
        else:
            average.copy_(value)  # batch norm's counter
