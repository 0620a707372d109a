"""What a network costs: larger ones answer fewer images, never less than a few hundred."""

import pytest

from mnist_demo.experiment.config import Experiment
from mnist_demo.learning.cost import FEWEST_IMAGES, image_count
from mnist_demo.learning.networks import multiply_adds


@pytest.mark.parametrize("sizes", ["8", "256-128", "1024-1024-1024"])
def test_a_budget_buys_as_many_images_as_it_pays_for(sizes: str) -> None:
    experiment = Experiment.from_dict({"hidden_sizes": sizes})
    one = multiply_adds(experiment)
    assert image_count(experiment, 1000 * one, 5000) == 1000
    assert image_count(experiment, 1e15, 5000) == 5000
    assert image_count(experiment, 1, 5000) == FEWEST_IMAGES
