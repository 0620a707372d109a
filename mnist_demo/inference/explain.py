"""Explains an answer: evidence for a digit, activations of the layers, and the most similar training images.

Returns arrays, not pictures. Does not know drawings or browsers. Integrated gradients after Sundararajan
et al., "Axiomatic attribution for deep networks" (2017).
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mnist_demo.images.data import CLASSES, SIDE, Split, normalize
from mnist_demo.images.ink import Ink
from mnist_demo.learning.checkpoints import Checkpoint

INTEGRATION_STEPS = 24
GALLERY_PER_DIGIT = 200


def evidence(image: Ink, digit: int, model: Checkpoint, steps: int = INTEGRATION_STEPS) -> NDArray[np.float32]:
    """What each pixel's ink added to a digit's score: float32 (28, 28); above 0 is for the digit, below 0 against.

    The score is the digit's logit minus the mean of all ten. Integrated gradients from blank paper to the
    image: the map sums to the difference of their scores, and is 0 where there is no ink.
    """
    ink = torch.from_numpy(np.array(image, np.float32))  # 0 .. 255
    shares = (torch.arange(steps) + 0.5) / steps  # midpoints of equal steps
    path = (shares[:, None, None] * ink).requires_grad_()  # (steps, 28, 28)
    (gradient,) = torch.autograd.grad(_score(path, digit, model).sum(), path)
    heat: NDArray[np.float32] = (gradient.mean(dim=0) * ink).numpy()
    return heat


def _score(images: Tensor, digit: int, model: Checkpoint) -> Tensor:
    """The digit's logit minus the mean of all ten, for images (N, 28, 28) of 0..255: (N,)."""
    logits: Tensor = model.model(normalize(images, model.experiment.normalize))  # (N, 10)
    return logits[:, digit] - logits.mean(dim=1)


@torch.no_grad()
def activations(image: Ink, model: Checkpoint) -> dict[str, NDArray[np.float32]]:
    """The output of each layer for one image, by name "<number> <kind>": (C, H, W) of a convolution, or (units,)."""
    seen: dict[str, NDArray[np.float32]] = {}
    value = normalize(torch.from_numpy(np.array(image)), model.experiment.normalize)  # (1, 1, 28, 28)
    for name, layer in model.model.named_children():
        value = layer(value)
        seen[f"{name} {type(layer).__name__}"] = np.ascontiguousarray(value[0].numpy())
    return seen


def first_layer_weights(model: Checkpoint) -> NDArray[np.float32]:
    """The weights of the first layer: (units, 28, 28) if fully connected, (channels, K, K) if a convolution."""
    layer = next(layer for layer in model.model.modules() if isinstance(layer, nn.Linear | nn.Conv2d))
    side = SIDE if isinstance(layer, nn.Linear) else layer.kernel_size[0]
    weights: NDArray[np.float32] = layer.weight.detach().reshape(-1, side, side).numpy().copy()
    return weights


@dataclass(frozen=True)
class Gallery:
    """Some training images and their features in one network, to find the nearest ones."""

    images: Tensor  # uint8 (M, 28, 28)
    labels: Tensor  # int64 (M,)
    features: Tensor  # float32 (M, F), of length one


@dataclass(frozen=True)
class Neighbour:
    """A training image, and the cosine similarity of its features to the drawing's: 1 = the same direction."""

    image: Ink  # (28, 28)
    label: int
    similarity: float


def build_gallery(model: Checkpoint, train: Split, per_digit: int = GALLERY_PER_DIGIT) -> Gallery:
    """The first `per_digit` training images of each digit; takes about a second, and can be used for many drawings."""
    chosen = torch.cat([(train.labels == digit).nonzero()[:per_digit, 0] for digit in range(CLASSES)])
    images = train.images[chosen]
    return Gallery(images, train.labels[chosen], _features(images, model))


def nearest(image: Ink, digit: int, model: Checkpoint, gallery: Gallery, count: int = 4) -> list[Neighbour]:
    """The gallery's images of a digit that are most like this one, by the features before the last layer."""
    feature = _features(torch.from_numpy(np.array(image))[None], model)[0]  # (F,)
    of_digit = (gallery.labels == digit).nonzero()[:, 0]
    similarity, order = (gallery.features[of_digit] @ feature).topk(min(count, len(of_digit)))
    return [
        Neighbour(gallery.images[index].numpy(), digit, float(value))
        for index, value in zip(of_digit[order], similarity, strict=True)
    ]


@torch.inference_mode()
def _features(images: Tensor, model: Checkpoint) -> Tensor:
    """The last layer's input for images uint8 (N, 28, 28), scaled to length one: (N, F)."""
    layers = list(model.model.children())
    values = []
    for some in torch.split(images, 250):
        value = normalize(some, model.experiment.normalize)
        for layer in layers[:-1]:
            value = layer(value)
        values.append(F.normalize(value, dim=1))
    return torch.cat(values)
