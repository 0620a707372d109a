"""What a network costs, from its layers alone: weights, multiplications, and how many images a budget buys.

Knows sizes. Does not know seconds: `serving` knows how fast a machine is, and what it allows.
"""

import functools
import math

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import SIDE
from mnist_demo.learning.layers import layers

FEWEST_IMAGES = 250


def weight_count(experiment: Experiment) -> int:
    """The weights of the experiment's network without building it; biases, scales and shifts are left out."""
    return sum(layer.weights for layer in layers(experiment))


@functools.lru_cache(maxsize=256)  # the schedule calls it often
def multiply_adds(experiment: Experiment) -> int:
    """Multiplications of one forward pass of one image: the measure of a network's cost."""
    return sum(layer.weights * layer.positions for layer in layers(experiment))


def activation_count(experiment: Experiment) -> int:
    """Numbers that the forward pass of one image stores for the backward pass: the outputs of all layers."""
    return sum(_outputs(experiment))


def largest_layer(experiment: Experiment) -> int:
    """How many numbers the largest output of a layer has, for one image."""
    return max(_outputs(experiment))


def _outputs(experiment: Experiment) -> list[int]:
    """How many numbers each layer puts out for one image; most layers without weights keep the number."""
    found: list[int] = []
    channels, positions = 1, SIDE * SIDE
    for layer in layers(experiment):
        if layer.weights:
            channels, positions = int(layer.arguments[1]), layer.positions
        elif layer.kind == "MaxPool2d":
            positions = (math.isqrt(positions) // 2) ** 2
        elif layer.kind == "AdaptiveAvgPool2d":
            positions = 1
        found.append(channels * positions)
    return found


def image_count(experiment: Experiment, budget: float, most: int) -> int:
    """How many images fit a budget of multiply-adds with this network: a multiple of 250, or `most`."""
    affordable = budget / multiply_adds(experiment)
    return min(max(round(affordable / FEWEST_IMAGES), 1) * FEWEST_IMAGES, most)
