"""torchvision and matplotlib for the examples, imported when one first uses them.

torchvision also loads PyTorch's compiler. That takes seconds of a server's start and 170 MB of its memory, and most
visitors never open an example that reads MNIST.
"""

from importlib import import_module
from typing import Any


class _Later:
    """Stands for a module, or for one name in it, until it is used."""

    def __init__(self, module: str, name: str = "") -> None:
        self._module = module
        self._name = name

    def _found(self) -> Any:
        module = import_module(self._module)
        return getattr(module, self._name) if self._name else module

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._found(), attribute)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._found()(*arguments, **options)


datasets = _Later("torchvision.datasets")
transforms = _Later("torchvision.transforms")
v2 = _Later("torchvision.transforms.v2")
Figure = _Later("matplotlib.figure", "Figure")
