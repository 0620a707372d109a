"""Why an answer: it explains the answer that the bars show, or repeats why there is none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_demo.errors import UnknownRun
from mnist_demo.images.data import load_validation_data
from mnist_demo.images.pictures import read_picture
from mnist_demo.images.sketch import Preprocessing
from mnist_demo.inference.recognize import Refusal, recognize
from mnist_demo.learning import checkpoints
from mnist_demo.serving.runs import RunStore
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.components.canvas import Drawing
from mnist_demo.ui.drawing.digits import to_png
from mnist_demo.ui.drawing.why_panel import DRAW_FIRST, Explainer
from tests.ui.trained import BLANK, ME, lab_of, unpacked

NONE: frozenset[Preprocessing] = frozenset()


@pytest.fixture(scope="module")
def explainer(mnist_root: Path) -> Explainer:
    lab = lab_of(mnist_root)
    return Explainer(lab, ModelShelf(checkpoints.shipped(), lab.visitors))


@pytest.fixture
def visitor() -> Visitor:
    return Visitor(ME, RunStore(), asked=("shipped:cnn",))


def corner_png(mnist_root: Path, place: int) -> bytes:
    """A validation digit in a corner of the canvas, where a network sees it only after it has been moved."""
    image = load_validation_data(mnist_root).images[place].numpy()
    paper = np.zeros((56, 56), np.uint8)
    paper[:28, :28] = image
    return to_png(paper)


def captions(tiles: Any) -> list[str]:
    return [each["caption"] for each in unpacked(tiles)["tiles"]]


def test_the_likeliest_digits_and_the_one_asked_about_are_explained(
    explainer: Explainer, visitor: Visitor, mnist_root: Path
) -> None:
    png = to_png(load_validation_data(mnist_root).images[0].numpy())
    order = [int(digit) for digit in recognize(read_picture(png)[..., 0]).probabilities.argsort()[::-1]]
    words, tiles = explainer.why(visitor, Drawing(png, 3), NONE, 0, None)
    assert "spoke for the digit" in words
    assert captions(tiles)[::5] == [f"for {order[0]}", f"for {order[1]}"]
    assert captions(tiles)[1:5] == [f"a {order[0]}"] * 4
    _, asked = explainer.why(visitor, Drawing(png, 3), NONE, 0, order[9])
    assert captions(asked)[5] == f"for {order[9]}"


def test_what_the_network_sees_is_what_is_explained(explainer: Explainer, visitor: Visitor, mnist_root: Path) -> None:
    left_out = frozenset({Preprocessing.CROP, Preprocessing.FIT, Preprocessing.CENTRE})
    differing = 0
    for place in range(8):
        png = corner_png(mnist_root, place)
        seen = recognize(read_picture(png)[..., 0], skip=left_out).digit
        _, tiles = explainer.why(visitor, Drawing(png, 3), left_out, 0, None)
        assert captions(tiles)[0] == f"for {seen}"
        differing += seen != recognize(read_picture(png)[..., 0]).digit
    assert differing, "leaving out steps changed no answer: nothing was shown"


def test_without_an_answer_the_reason_is_repeated(explainer: Explainer, visitor: Visitor) -> None:
    words, tiles = explainer.why(visitor, BLANK, NONE, 0, None)
    assert DRAW_FIRST in words
    assert captions(tiles) == []
    speck = np.zeros((280, 280), np.uint8)
    speck[100:106, 100:106] = 255
    words, tiles = explainer.why(visitor, Drawing(to_png(speck), 3), NONE, 0, None)
    assert Refusal.TOO_LITTLE_INK in words
    assert captions(tiles) == []


def test_a_network_that_is_not_asked_is_refused(explainer: Explainer, visitor: Visitor) -> None:
    for index, asked in ((1, ("shipped:cnn",)), (0, ("upload:no",)), (0, ())):
        visitor.asked = asked
        if asked != ("upload:no",):  # which is no longer there, so the usual networks answer
            with pytest.raises(UnknownRun):
                explainer.why(visitor, BLANK, NONE, index, None)
        else:
            assert DRAW_FIRST in explainer.why(visitor, BLANK, NONE, index, None)[0]
