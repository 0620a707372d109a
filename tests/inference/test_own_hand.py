"""A hand's score: counted right, with Wilson's interval, and compared with MNIST only as far as chance allows."""

import numpy as np
import pytest
import torch

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import Split, TrainingData
from mnist_demo.images.own_digits import own_digits
from mnist_demo.inference import own_hand
from mnist_demo.inference.recognize import shipped_cnn
from mnist_demo.learning import networks
from mnist_demo.learning.checkpoints import Checkpoint


@pytest.fixture(scope="module")
def thirty(training_data: TrainingData) -> Split:
    return training_data.val.first(30)


def test_right_answers_are_counted_and_the_wrong_ones_named(thirty: Split) -> None:
    labels = thirty.labels.clone()
    labels[:6] = (labels[:6] + 1) % 10  # six labels that no good network gives
    own = own_digits(thirty.images, labels)
    found = own_hand.score(shipped_cnn(), own)
    wrong = found.answers.predictions != own.split.labels.numpy()
    assert (found.images, found.right) == (30, 24)
    assert sorted(found.mistakes.places) == np.flatnonzero(wrong).tolist()
    assert found.answers.confusion.sum() == 30
    assert np.trace(found.answers.confusion) == 24
    # Wilson's formula for 24 of 30, worked out by hand: 0.627 to 0.905
    assert found.bounds == pytest.approx((0.627, 0.905), abs=0.001)


def test_only_what_chance_does_not_explain_is_called_a_difference(thirty: Split) -> None:
    found = own_hand.score(shipped_cnn(), own_digits(thirty.images, (thirty.labels + 1) % 10))
    assert found.right == 0
    assert found.is_below(0.95)
    assert not found.is_above(0.95)
    right = own_hand.score(shipped_cnn(), own_digits(thirty.images, thirty.labels))
    assert right.right == 30
    assert not right.is_below(0.99)
    assert not right.is_above(0.95)  # 30 of 30 may well be 89%
    assert right.is_above(0.85)


def test_a_network_that_answers_no_numbers_is_refused(thirty: Split) -> None:
    experiment = Experiment(hidden_sizes=(16,))
    model = networks.build(experiment)
    with torch.no_grad():
        for value in model.parameters():
            value.fill_(-1e38)
    with pytest.raises(InvalidCheckpoint, match="not a number"):
        own_hand.score(Checkpoint(model.eval(), experiment, {}), own_digits(thirty.images, thirty.labels))
