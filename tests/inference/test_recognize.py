"""A drawing gets ten probabilities, or a refusal with its reason."""

import numpy as np
import pytest
import torch

from mnist_demo.errors import InvalidDrawing
from mnist_demo.experiment.config import Experiment
from mnist_demo.inference.recognize import TEMPERATURE, calibrated, probabilities, recognize, recognize_by
from mnist_demo.learning import networks
from mnist_demo.learning.checkpoints import Checkpoint

INK = np.zeros((280, 280), np.uint8)
INK[50:230, 130:155] = 255


def untrained(**knobs: object) -> Checkpoint:
    experiment = Experiment.from_dict(knobs)
    return Checkpoint(networks.build(experiment).eval(), experiment, {})


@pytest.mark.parametrize("network", ["mlp", "cnn", "deep_cnn"])
@pytest.mark.parametrize("scale", ["symmetric", "unit", "raw"])
def test_a_drawing_gets_ten_probabilities_that_sum_to_one(network: str, scale: str) -> None:
    checkpoint = untrained(network=network, normalize=scale, dropout=0.5)
    before = networks.weights_hash(checkpoint.model.state_dict())
    first, second = (recognize(INK, checkpoint) for _ in range(2))
    assert first.probabilities.shape == (10,)
    assert first.probabilities.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(first.probabilities, second.probabilities)  # dropout is off
    assert first.stages[-1].image.shape == (28, 28)
    assert networks.weights_hash(checkpoint.model.state_dict()) == before


def test_where_no_ink_is_found_a_canvas_is_blank_and_a_picture_may_hold_ink_that_is_too_faint() -> None:
    faint = np.full((280, 280, 3), 255, np.uint8)
    faint[60:220, 130:150] = 240
    for without_ink, said in (
        (np.zeros((280, 280), np.uint8), "The canvas is blank: draw a digit."),
        (np.full((280, 280, 3), 255, np.uint8), "No ink was found in the picture"),
        (np.zeros((28, 28, 4), np.uint8), "No ink was found in the picture"),
        (faint, "No ink was found in the picture"),
    ):
        prediction = recognize(without_ink, untrained())
        assert str(prediction.refusal).startswith(said)
        assert prediction.digit is None
        assert not prediction.probabilities.any()
        assert prediction.stages == []


def test_several_networks_answer_as_each_does_alone() -> None:
    two_digits = np.concatenate([INK, INK], axis=1)
    models = [untrained(), untrained(network="cnn"), untrained(normalize="raw", seed=1)]
    for canvas in (INK, two_digits, np.zeros((280, 280), np.uint8)):
        for together, model in zip(recognize_by(canvas, models), models, strict=True):
            alone = recognize(canvas, model)
            np.testing.assert_array_equal(together.probabilities, alone.probabilities)
            assert together.refusal == alone.refusal
            assert [stage.name for stage in together.stages] == [stage.name for stage in alone.stages]


def test_a_softmax_is_calibrated_as_its_logits_would_be() -> None:
    plain = untrained(network="cnn")
    cooled = Checkpoint(plain.model, plain.experiment, {TEMPERATURE: 0.4})
    images = [np.roll(INK[::10, ::10], shift, axis=1) for shift in range(5)]
    expected = probabilities(images, cooled)
    np.testing.assert_allclose(calibrated(probabilities(images, plain), cooled), expected, rtol=1e-4)
    assert np.abs(expected - probabilities(images, plain)).max() > 1e-3


def test_what_is_no_canvas_is_an_error() -> None:
    for canvas in (np.zeros((1, 1), np.uint8), np.zeros((280, 280), np.float64), np.zeros((2_000, 28, 4), np.uint8)):
        with pytest.raises(InvalidDrawing):
            recognize(canvas, untrained())


def test_weights_so_large_that_the_answer_is_no_number_are_a_refusal() -> None:
    checkpoint = untrained(activation="none")
    with torch.no_grad():
        for parameter in checkpoint.model.parameters():
            parameter.mul_(1e30)
    prediction = recognize(INK, checkpoint)
    assert prediction.digit is None
    assert prediction.refusal
    assert np.isfinite(prediction.probabilities).all()
