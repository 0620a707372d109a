"""MNIST's images on the canvas: a network's mistakes are its mistakes, and what is drawn is what was chosen."""

import base64
from pathlib import Path

import numpy as np
import pytest

from mnist_demo.images.data import load_validation_data
from mnist_demo.images.sketch import read_picture
from mnist_demo.inference.recognize import probabilities, recognize
from mnist_demo.learning import checkpoints
from mnist_demo.ui.drawing.digits import MOST_MISTAKES, Mistakes, first_validation_digits, on_canvas


@pytest.fixture(scope="module")
def overfitted() -> checkpoints.Checkpoint:
    return checkpoints.shipped()["mlp-overfitted"]


def test_the_mistakes_are_wrong_and_the_surest_first(overfitted: checkpoints.Checkpoint, mnist_root: Path) -> None:
    val = load_validation_data(mnist_root)
    found = Mistakes(overfitted, mnist_root)
    answers = probabilities([val.images[at].numpy() for at in found.places], overfitted)
    labels = val.labels[list(found.places)].numpy()
    assert len(found.places) == len(found.tiles) == MOST_MISTAKES
    assert not (answers.argmax(axis=1) == labels).any()
    assert (np.diff(answers.max(axis=1)) <= 1e-6).all()
    assert [each["caption"] for each in found.tiles] == [
        f"{label} as {digit}" for label, digit in zip(labels, answers.argmax(axis=1), strict=True)
    ]
    assert found.count == round((1 - overfitted.scores["val_accuracy"]) * found.images)


def test_a_digit_put_on_the_canvas_is_read_as_itself(mnist_root: Path) -> None:
    for digit, image in enumerate(first_validation_digits(mnist_root)):
        value = on_canvas(image, {"ink": "", "seq": 4})
        assert value["load_seq"] == 5
        assert recognize(read_picture(base64.b64decode(value["load"]))[..., 0]).digit == digit
