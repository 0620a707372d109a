"""Each loss is the line its name says; measuring weighs every image alike, and asking often changes no network."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F

from mnist_demo.experiment.choices import Mistake
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.learning import networks
from mnist_demo.learning.losses import (
    changed_answers,
    compute_loss,
    logits_of,
    loss_and_accuracy,
    score,
    training_loss,
    uncertainty_loss,
)


def test_evaluate_weighs_every_image_alike(training_data: TrainingData) -> None:
    experiment = Experiment(hidden_sizes=(8,))
    model = networks.build(experiment).eval()
    split = training_data.val.first(1_101)  # a second batch of 101
    logits = model(normalize(split.images))
    loss, accuracy = loss_and_accuracy(model, split, experiment)
    assert loss == pytest.approx(F.cross_entropy(logits, split.labels).item(), rel=1e-5)
    assert accuracy == pytest.approx((logits.argmax(1) == split.labels).float().mean().item())


LOGITS = torch.tensor([[2.0, 0, 0, 0, 0, 0, 0, 0, 0, -1], [0.0, 1, 2, 3, 4, 5, 6, 7, 8, 9]])
LABELS = torch.tensor([0, 3])
RIGHT = -F.log_softmax(LOGITS, 1)[[0, 1], LABELS].mean().item()


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        (Mistake.NONE, RIGHT),
        (Mistake.NO_ZERO_GRAD, RIGHT),
        (Mistake.NO_SHUFFLE, RIGHT),
        (Mistake.NO_EVAL, RIGHT),
        (Mistake.LOG_SOFTMAX_CROSS_ENTROPY, RIGHT),  # harmless
        (Mistake.SOFTMAX_CROSS_ENTROPY, -F.log_softmax(F.softmax(LOGITS, 1), 1)[[0, 1], LABELS].mean().item()),
        (Mistake.NLL_PROBABILITIES, -F.softmax(LOGITS, 1)[[0, 1], LABELS].mean().item()),
        (Mistake.NLL_LOGITS, -(2.0 + 3.0) / 2),
    ],
)
def test_each_mistaken_loss_is_the_line_its_name_says(mistake: Mistake, expected: float) -> None:
    assert compute_loss(LOGITS, LABELS, mistake).item() == pytest.approx(expected, rel=1e-5)


def test_softmax_twice_has_a_floor() -> None:
    certain = torch.eye(10) * 1e4
    labels = torch.arange(10)
    assert compute_loss(certain, labels, Mistake.NONE).item() == 0
    assert compute_loss(certain, labels, Mistake.SOFTMAX_CROSS_ENTROPY).item() == pytest.approx(1.4612, abs=1e-3)


def test_label_smoothing_mixes_in_the_uniform_answer() -> None:
    assert compute_loss(LOGITS, LABELS, Mistake.NONE, 0.4).item() == pytest.approx(
        0.6 * RIGHT - 0.4 * F.log_softmax(LOGITS, 1).mean().item(), rel=1e-5
    )


def test_what_a_step_lowers_is_smoothed_and_what_is_measured_is_not() -> None:
    experiment = Experiment(label_smoothing=0.4)
    assert training_loss(LOGITS, LABELS, experiment) == compute_loss(LOGITS, LABELS, Mistake.NONE, 0.4)
    assert score(LOGITS, LABELS, experiment) == (pytest.approx(RIGHT, rel=1e-6), 0.5)
    mistaken = experiment.replace(mistake="nll_logits")
    assert training_loss(LOGITS, LABELS, mistaken) == -2.5
    assert score(LOGITS, LABELS, mistaken) == (-2.5, 0.5)


def test_doubt_is_cheapest_where_all_digits_are_equally_probable() -> None:
    even = torch.full((3, 10), 5.0)
    assert uncertainty_loss(even).item() == pytest.approx(math.log(10), rel=1e-6)
    for _ in range(3):
        even[:, 0] += 1
        assert uncertainty_loss(even).item() > math.log(10) + 0.01
    assert uncertainty_loss(LOGITS).item() == pytest.approx(-F.log_softmax(LOGITS, 1).mean().item(), rel=1e-6)


def test_logits_are_those_of_the_mode_and_scale_and_need_no_gradient(tiny_data: TrainingData) -> None:
    experiment = Experiment(hidden_sizes=(8,), normalize="unit")
    model = networks.build(experiment).eval()
    logits = logits_of(model, tiny_data.val, experiment)
    assert (logits.shape, logits.requires_grad) == ((200, 10), False)
    torch.testing.assert_close(logits, model(normalize(tiny_data.val.images, experiment.normalize)).detach())


@pytest.mark.parametrize("changes", [{"dropout": 0.5}, {"network": "cnn"}], ids=str)
def test_asking_often_finds_train_mode_and_leaves_the_network_as_it_was(
    changes: dict[str, object], tiny_data: TrainingData
) -> None:
    experiment = Experiment.from_dict({"hidden_sizes": "8", **changes})
    model = networks.build(experiment)
    before = copy.deepcopy(model.state_dict())

    def asked() -> float:
        generator = torch.Generator().manual_seed(3)
        networks.draw_from(model, generator)
        return changed_answers(model, tiny_data.train, experiment, generator)

    share = asked()
    assert 0 < share <= 1
    assert share == asked()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training
    model.eval()
    assert asked() == 0
