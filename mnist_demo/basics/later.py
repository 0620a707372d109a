"""torchvision for the examples, imported when one first uses it.

Importing it brings PyTorch's compiler along, which takes seconds of a server's start and 170 MB of its memory, and
most visitors never open an example that reads MNIST.
"""

from importlib import import_module
from typing import Any


class _Later:
    """Stands for a module until an attribute of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


datasets = _Later("torchvision.datasets")
transforms = _Later("torchvision.transforms")
