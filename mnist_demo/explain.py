"""What a network has learned, as arrays: the weights of its first layer.

Knows modules and tensors. Does not know how an array becomes a picture.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnist_demo.data import SIDE


def first_layer_weights(model: nn.Module) -> NDArray[np.float32]:
    """The weights by which each first unit sees the image: float32 (units, 28, 28) of an MLP.

    Of a CNN its first kernels, (channels, 5, 5) or (channels, 3, 3).
    """
    first = next(module for module in model.modules() if isinstance(module, nn.Linear | nn.Conv2d))
    weights = first.weight.detach()
    size = SIDE if isinstance(first, nn.Linear) else weights.shape[-1]
    found: NDArray[np.float32] = weights.reshape(-1, size, size).numpy().copy()
    return found


def strongest_units(weights: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Indices of the `count` units with the longest weight vectors, in the order of their index.

    Weights (units, H, W) -> int64 (at most count,).
    """
    lengths = torch.from_numpy(weights).flatten(1).norm(dim=1)
    chosen = lengths.topk(min(count, len(weights))).indices
    found: NDArray[np.int64] = chosen.sort().values.numpy()
    return found
