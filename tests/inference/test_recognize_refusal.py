"""When there should be no answer: dots, specks of drawings, several digits, and what the network is unsure of."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mnist_demo.experiment.config import Experiment
from mnist_demo.images import strokes
from mnist_demo.images.data import TrainingData
from mnist_demo.images.ink import Ink
from mnist_demo.images.penmanship import CONDITIONS, Hand, Traced
from mnist_demo.images.sketch import Preprocessing
from mnist_demo.inference.recognize import LEAST_CONFIDENCE, TEMPERATURE, Refusal, recognize, with_dropout_on
from mnist_demo.learning import networks
from mnist_demo.learning.checkpoints import Checkpoint


class Opinion(nn.Module):
    """A network that is as sure of a 3 as it is told to be, by how wide the ink is."""

    def __init__(self, narrow: float, wide: float, limit: int = 14) -> None:
        super().__init__()
        self.narrow, self.wide, self.limit = narrow, wide, limit

    def forward(self, pixels: Tensor) -> Tensor:
        has_ink = (pixels[:, 0] > 0).any(dim=1).int()  # (N, 28), by column
        width = 28 - has_ink.argmax(dim=1) - has_ink.flip(1).argmax(dim=1)  # (N,)
        logits = torch.zeros(len(pixels), 10)
        logits[:, 3] = torch.where(width > self.limit, self.wide, self.narrow)
        return logits


def model(narrow: float = 8, wide: float = 8, **scores: float) -> Checkpoint:
    return Checkpoint(Opinion(narrow, wide), Experiment(), scores)


def clicks(*places: tuple[float, float], brush: float = 16) -> Ink:
    return strokes.draw([np.array([place, place], float) for place in places], 280, brush)


def bars(*columns: float, height: float = 160) -> Ink:
    return strokes.draw([np.array([[x, 60.0], [x, 60 + height]]) for x in columns], 280, 14)


@pytest.mark.parametrize("brush", [6, 12, 28])
@pytest.mark.parametrize("places", [[(140, 140)], [(40, 50), (200, 220)], [(30, 30), (140, 60), (250, 250)]])
def test_dots_are_too_little_whatever_the_brush(places: list[tuple[float, float]], brush: float) -> None:
    prediction = recognize(clicks(*places, brush=brush), model())
    assert prediction.refusal is Refusal.TOO_LITTLE_INK
    assert prediction.digit is None
    assert prediction.confidence == 0


@pytest.mark.parametrize("side", [120, 200, 280])
def test_a_canvas_painted_over_is_too_much(side: int) -> None:
    paper = np.zeros((280, 280), np.uint8)
    paper[(280 - side) // 2 :, (280 - side) // 2 :][:side, :side] = 255
    prediction = recognize(paper, model())
    assert prediction.refusal is Refusal.TOO_MUCH_INK
    assert prediction.digit is None


def test_a_tiny_drawing_is_too_little() -> None:
    tiny = strokes.draw([np.array([[100.0, 100], [100, 110]])], 280, 3)
    assert recognize(tiny, model()).refusal is Refusal.TOO_LITTLE_INK
    assert recognize(bars(140), model()).refusal is None


def test_no_drawn_digit_counts_as_dots(training_data: TrainingData) -> None:
    hand = Hand(Traced(training_data.val.first(300)))
    for condition in CONDITIONS:
        for drawing in hand.drawings(condition, 8):
            assert recognize(drawing.ink, model()).refusal is not Refusal.TOO_LITTLE_INK, condition.name


def test_clicks_that_touch_are_a_blot_unless_the_network_is_sure() -> None:
    blot = clicks((140, 140), (140, 162), brush=28)
    unsure = recognize(blot, model(narrow=2, wide=2))
    assert unsure.refusal is Refusal.TOO_LITTLE_INK
    assert unsure.digit is not None  # a short, thick 1 may have been meant
    assert unsure.confidence <= 0.55
    assert recognize(blot, model()).refusal is None


def test_below_the_least_confidence_it_is_no_digit_and_the_closest_is_still_named() -> None:
    unsure = recognize(bars(140), model(narrow=1.5, **{LEAST_CONFIDENCE: 0.9}))
    assert unsure.refusal is Refusal.NOT_A_DIGIT
    assert unsure.digit == 3
    assert 0 < unsure.confidence < 0.9
    assert recognize(bars(140), model(narrow=8, **{LEAST_CONFIDENCE: 0.9})).refusal is None
    assert recognize(bars(140), model(narrow=0.1)).refusal is None  # a network that was never calibrated


def test_the_temperature_changes_how_sure_not_what() -> None:
    plain, cooler = (recognize(bars(140), model(narrow=4, **{TEMPERATURE: t})) for t in (1.0, 2.0))
    logits = torch.zeros(10)
    logits[3] = 2
    assert cooler.probabilities == pytest.approx(torch.softmax(logits, 0).numpy())
    assert plain.digit == cooler.digit == 3
    assert plain.confidence > cooler.confidence


def test_two_sure_parts_of_an_unsure_whole_are_several_digits() -> None:
    prediction = recognize(bars(60, 220), model(narrow=8, wide=2))
    assert prediction.refusal is Refusal.SEVERAL_DIGITS
    assert prediction.confidence <= 0.55


def test_two_digits_one_above_the_other_are_several(training_data: TrainingData) -> None:
    refused = 0
    for number in range(20):
        column = training_data.val.images[2 * number : 2 * number + 2, 4:24].numpy()  # MNIST's frame is 4 pixels wide
        canvas = np.pad(column.reshape(40, 28), ((4, 4), (10, 10))).repeat(6, 0).repeat(6, 1)  # (288, 288)
        canvas[136:152] = 0  # between them
        refused += recognize(canvas).refusal is Refusal.SEVERAL_DIGITS
    assert refused > 14


def test_a_broken_digit_is_one_if_the_whole_is_surer_than_its_parts() -> None:
    assert recognize(bars(60, 220), model(narrow=2, wide=8)).refusal is None
    assert recognize(bars(60, 220), model(narrow=8, wide=9)).refusal is None


def test_a_low_part_beside_a_tall_one_is_no_second_digit() -> None:
    low = np.maximum(bars(60), np.roll(bars(220, height=50), 60, axis=0))
    assert recognize(low, model(narrow=8, wide=2)).refusal is None


def test_steps_can_be_left_out_of_an_answer() -> None:
    prediction = recognize(bars(60), model(), skip=frozenset(Preprocessing))
    assert prediction.stages[0].name == "as drawn"
    assert Preprocessing.CENTRE not in [stage.name for stage in prediction.stages]


def test_dropout_left_on_changes_the_answers_and_leaves_the_model_alone() -> None:
    experiment = Experiment.from_dict({"dropout": 0.5})
    calm = Checkpoint(networks.build(experiment).eval(), experiment, {})
    before = torch.get_rng_state()
    forgetful = with_dropout_on(calm)
    answers = {recognize(bars(140), forgetful).probabilities.tobytes() for _ in range(5)}
    assert len(answers) == 5
    assert len({recognize(bars(140), calm).probabilities.tobytes() for _ in range(5)}) == 1
    assert not any(layer.training for layer in calm.model.modules())
    assert torch.equal(torch.get_rng_state(), before)  # it would disturb whoever trains in another thread
