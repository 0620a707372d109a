"""Where a network computes: the processor, or a graphics card if there is one.

Knows names of devices, and which this machine has. Does not know networks. Equal runs end in equal bits only on the
same kind of device with the same build of PyTorch: a GPU adds the same numbers in another order.
"""

from enum import StrEnum

import torch
from torch import Tensor, nn

from mnist_demo.errors import NoSuchDevice


class Device(StrEnum):
    """What can be asked for."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


def find(asked: str) -> str:
    """The name of the device to use; `auto` is a GPU if there is one. Raises NoSuchDevice."""
    there = {Device.CUDA: torch.cuda.is_available(), Device.MPS: torch.backends.mps.is_available(), Device.CPU: True}
    if asked == Device.AUTO:
        return next(device for device, is_there in there.items() if is_there)
    if not there[Device(asked)]:
        raise NoSuchDevice(f"PyTorch finds no device {asked!r} here: use --device cpu, or auto for what is there.")
    return asked


def of(model: nn.Module) -> torch.device:
    """Where a network's weights are: its inputs must be there, too. One without weights is on the processor."""
    weights = next(model.parameters(), None)
    return torch.device("cpu") if weights is None else weights.device


def to_cpu(tensor: Tensor) -> Tensor:
    """A copy with its own memory, on the processor."""
    return tensor.detach().to("cpu", copy=True)
