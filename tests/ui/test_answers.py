"""What networks say of a drawing: each under its own name, in the order asked; no number and no drawing are told."""

from pathlib import Path

import pytest

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images.data import load_validation_data
from mnist_demo.images.pictures import read_picture
from mnist_demo.images.sketch import Preprocessing
from mnist_demo.inference.recognize import BLANK, Refusal, recognize
from mnist_demo.learning import checkpoints
from mnist_demo.ui.answers import Reader, read_drawing
from mnist_demo.ui.components.canvas import Drawing
from mnist_demo.ui.drawing.digits import to_png
from tests.ui.trained import unpacked

CNN, MLP = (checkpoints.shipped()[name] for name in ("cnn", "mlp-dropout"))
READERS = [Reader("first", "a cnn", CNN, "a"), Reader("lost", "diverged", None, "b"), Reader("last", "", MLP, "3")]


@pytest.fixture
def png(mnist_root: Path) -> bytes:
    return to_png(load_validation_data(mnist_root).images[0].numpy())


def test_every_network_answers_as_it_would_alone_and_in_its_place(png: bytes) -> None:
    answers = read_drawing(Drawing(png, 5), READERS)
    bars = unpacked(answers.bars)
    assert (bars["seq"], bars["message"], bars["can_explain"]) == (5, "", True)
    first, lost, last = bars["models"]
    for shown, model in ((first, CNN), (last, MLP)):
        alone = recognize(read_picture(png)[..., 0], model)
        assert shown["probabilities"] == pytest.approx(alone.probabilities.tolist(), abs=1e-4)
        assert (shown["digit"], shown["refusal"]) == (alone.digit, alone.refusal)
    assert (lost["probabilities"], lost["refusal"]) == (None, Refusal.NO_NUMBER)
    assert [(each["name"], each["detail"], each["color"]) for each in bars["models"]] == [
        (each.name, each.detail, each.color) for each in READERS
    ]
    assert [stage.name for stage in answers.stages] == [
        stage.name for stage in recognize(read_picture(png)[..., 0], CNN).stages
    ]


def test_with_nothing_drawn_nobody_answers_and_the_given_sentence_is_shown(mnist_root: Path) -> None:
    empty = to_png(0 * load_validation_data(mnist_root).images[0].numpy())
    for drawing in (Drawing(b"", 2), Drawing(empty, 2)):
        for sentence in (BLANK, "Draw a digit on the Draw tab."):
            answers = read_drawing(drawing, READERS, blank=sentence)
            bars = unpacked(answers.bars)
            assert (bars["models"], bars["message"], bars["seq"], answers.stages) == ([], sentence, 2, [])


def test_with_nobody_asked_the_preprocessing_is_shown_all_the_same(png: bytes) -> None:
    for readers in ([], READERS[1:2]):
        answers = read_drawing(Drawing(png, 1), readers, can_explain=False)
        bars = unpacked(answers.bars)
        assert [each["refusal"] for each in bars["models"]] == [Refusal.NO_NUMBER] * len(readers)
        assert not bars["can_explain"]
        assert answers.stages[-1].image.shape == (28, 28)


def test_steps_left_out_are_left_out_for_the_networks(png: bytes) -> None:
    skip = frozenset(Preprocessing)
    whole = unpacked(read_drawing(Drawing(png, 1), READERS[:1]).bars)["models"][0]
    shown = unpacked(read_drawing(Drawing(png, 1), READERS[:1], skip).bars)["models"][0]
    expected = recognize(read_picture(png)[..., 0], CNN, skip)
    assert shown["probabilities"] != whole["probabilities"]
    assert shown["probabilities"] == pytest.approx(expected.probabilities.tolist(), abs=1e-4)


def test_what_is_no_picture_is_refused_in_a_sentence() -> None:
    with pytest.raises(InvalidDrawing, match=r"^[A-Z].*\.$"):
        read_drawing(Drawing(b"no picture", 1), READERS)
