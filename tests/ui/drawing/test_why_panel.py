"""Why an answer: it explains the answer that the bars show, or repeats why there is none."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_demo.errors import InvalidDrawing, UnknownRun
from mnist_demo.images.data import load_validation_data
from mnist_demo.images.sketch import Preprocessing, read_picture
from mnist_demo.inference.recognize import Refusal, recognize
from mnist_demo.learning import checkpoints
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.ui.drawing.digits import to_png
from mnist_demo.ui.drawing.why_panel import DRAW_FIRST, Explainer
from tests.ui.trained import ME, unpacked, visit_of

CNN = ["shipped:cnn"]


@pytest.fixture(scope="module")
def explainer(mnist_root: Path) -> Explainer:
    visit = visit_of(mnist_root)
    return Explainer(visit, ModelShelf(checkpoints.shipped(), visit.store))


def drawing_of(png: bytes) -> dict[str, Any]:
    return {"ink": base64.b64encode(png).decode(), "seq": 3, "final": True, "strokes": 1}


def corner_png(mnist_root: Path, place: int) -> bytes:
    """A validation digit in a corner of the canvas, where a network sees it only after it has been moved."""
    image = load_validation_data(mnist_root).images[place].numpy()
    paper = np.zeros((56, 56), np.uint8)
    paper[:28, :28] = image
    return to_png(paper)


def captions(tiles: Any) -> list[str]:
    return [each["caption"] for each in unpacked(tiles)["tiles"]]


def test_the_likeliest_digits_and_the_one_asked_about_are_explained(explainer: Explainer, mnist_root: Path) -> None:
    png = to_png(load_validation_data(mnist_root).images[0].numpy())
    order = [int(digit) for digit in recognize(read_picture(png)[..., 0]).probabilities.argsort()[::-1]]
    words, tiles = explainer.why(drawing_of(png), CNN, [], 0, None, ME)
    assert "spoke for the digit" in words
    assert captions(tiles)[::5] == [f"for {order[0]}", f"for {order[1]}"]
    assert captions(tiles)[1:5] == [f"a {order[0]}"] * 4
    _, asked = explainer.why(drawing_of(png), CNN, [], 0, order[9], ME)
    assert captions(asked)[5] == f"for {order[9]}"


def test_what_the_network_sees_is_what_is_explained(explainer: Explainer, mnist_root: Path) -> None:
    left_out = [Preprocessing.CROP.name, Preprocessing.FIT.name, Preprocessing.CENTRE.name]
    differing = 0
    for place in range(8):
        png = corner_png(mnist_root, place)
        seen = recognize(read_picture(png)[..., 0], skip=frozenset(Preprocessing[name] for name in left_out)).digit
        _, tiles = explainer.why(drawing_of(png), CNN, left_out, 0, None, ME)
        assert captions(tiles)[0] == f"for {seen}"
        differing += seen != recognize(read_picture(png)[..., 0]).digit
    assert differing, "leaving out steps changed no answer: nothing was shown"


def test_without_an_answer_the_reason_is_repeated(explainer: Explainer) -> None:
    words, tiles = explainer.why({"ink": "", "seq": 1}, CNN, [], 0, None, ME)
    assert DRAW_FIRST in words
    assert captions(tiles) == []
    speck = np.zeros((280, 280), np.uint8)
    speck[100:106, 100:106] = 255
    words, tiles = explainer.why(drawing_of(to_png(speck)), CNN, [], 0, None, ME)
    assert Refusal.TOO_LITTLE_INK in words
    assert captions(tiles) == []


def test_what_is_no_network_or_step_is_refused(explainer: Explainer) -> None:
    with pytest.raises(UnknownRun):
        explainer.why({"ink": "", "seq": 1}, ["upload:no"], [], 0, None, ME)
    drawing = drawing_of(to_png(np.full((28, 28), 255, np.uint8)))
    for skip in (None, ["no such step"], "CROP", [1]):
        with pytest.raises(InvalidDrawing):
            explainer.why(drawing, CNN, skip, 0, None, ME)
