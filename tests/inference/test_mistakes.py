"""A network's mistakes on the validation images: all wrong, the surest first, as many as the accuracy says."""

from pathlib import Path

import numpy as np

from mnist_demo.images.data import load_validation_data
from mnist_demo.inference.mistakes import MOST_MISTAKES, find_mistakes
from mnist_demo.inference.recognize import probabilities
from mnist_demo.learning import checkpoints


def test_the_mistakes_are_wrong_and_the_surest_first(mnist_root: Path) -> None:
    overfitted = checkpoints.shipped()["mlp-overfitted"]
    val = load_validation_data(mnist_root)
    found = find_mistakes(overfitted, mnist_root)
    answers = probabilities([val.images[at].numpy() for at in found.places], overfitted)
    assert len(found.places) == MOST_MISTAKES
    assert (found.labels == val.labels[list(found.places)].numpy()).all()
    assert (found.answers == answers.argmax(axis=1)).all()
    assert not (found.answers == found.labels).any()
    assert (np.diff(found.sureness) <= 1e-6).all()
    assert found.count == round((1 - overfitted.scores["val_accuracy"]) * found.images)
