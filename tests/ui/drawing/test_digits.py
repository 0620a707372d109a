"""MNIST's images on the canvas: what is drawn is what was chosen."""

import base64
from pathlib import Path

import numpy as np
import pytest

from mnist_demo.errors import InvalidValue
from mnist_demo.images.data import load_validation_data
from mnist_demo.images.pictures import read_picture
from mnist_demo.inference.mistakes import Mistakes
from mnist_demo.inference.recognize import recognize
from mnist_demo.ui.components.canvas import Drawing
from mnist_demo.ui.drawing.digits import draw_validation_image, first_validation_digits, mistake_tiles, on_canvas
from tests.ui.trained import event


def test_a_mistake_is_shown_with_the_digit_and_the_answer(mnist_root: Path) -> None:
    found = Mistakes(2, 5_000, (3, 9), np.array([4, 7]), np.array([9, 1]), np.array([0.98, 0.5], np.float32))
    tiles = mistake_tiles(found, mnist_root)
    assert [(each["caption"], each["note"]) for each in tiles] == [("4 as 9", "98% sure"), ("7 as 1", "50% sure")]
    images = load_validation_data(mnist_root).images
    assert [base64.b64decode(each["pixels"]) for each in tiles] == [images[at].numpy().tobytes() for at in (3, 9)]


def test_only_a_choice_that_is_offered_is_drawn(mnist_root: Path) -> None:
    drawn = draw_validation_image(mnist_root, (3, 9), event(1), Drawing(b"", 4))
    assert drawn == on_canvas(load_validation_data(mnist_root).images[9].numpy(), Drawing(b"", 4))
    for index in (2, -1, 0.5, True, "1", None, [0]):
        with pytest.raises(InvalidValue):
            draw_validation_image(mnist_root, (3, 9), event(index), Drawing(b"", 4))


def test_a_digit_put_on_the_canvas_is_read_as_itself(mnist_root: Path) -> None:
    for digit, image in enumerate(first_validation_digits(mnist_root)):
        value = on_canvas(image, Drawing(b"", 4))
        assert value["load_seq"] == 5
        assert recognize(read_picture(base64.b64decode(value["load"]))[..., 0]).digit == digit
