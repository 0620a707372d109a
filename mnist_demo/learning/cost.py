"""What a network costs: how many images it can answer for a given amount of work.

Knows layers as counts of multiplications. Does not know clocks or machines.
"""

from mnist_demo.experiment.config import Experiment
from mnist_demo.learning.networks import multiply_adds

FEWEST_IMAGES = 250


def image_count(experiment: Experiment, budget: float, most: int) -> int:
    """How many images a network of that size answers for a budget of multiply-adds: a multiple of 250, or `most`."""
    affordable = budget / multiply_adds(experiment)
    return min(max(round(affordable / FEWEST_IMAGES), 1) * FEWEST_IMAGES, most)
