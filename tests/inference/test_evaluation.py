"""Scores against the same scores counted by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.inference import evaluation
from mnist_demo.inference.evaluation import Evaluation
from mnist_demo.learning import networks
from mnist_demo.learning.checkpoints import Checkpoint


def by_hand() -> Evaluation:
    probabilities = np.full((4, 10), 0.05, np.float32)
    for row, digit in enumerate([3, 3, 7, 0]):
        probabilities[row, digit] = 0.55
    return Evaluation(np.log(probabilities), np.array([3, 5, 7, 0]))


def test_scores() -> None:
    result = by_hand()
    assert result.predictions.tolist() == [3, 3, 7, 0]
    assert result.accuracy == 0.75
    assert result.loss == pytest.approx(-(3 * math.log(0.55) + math.log(0.05)) / 4)


def test_confusion_has_the_right_digit_in_rows() -> None:
    confusion = by_hand().confusion
    assert confusion.shape == (10, 10)
    assert confusion.sum() == 4
    assert confusion[5, 3] == 1
    assert confusion[3, 5] == 0
    assert confusion.trace() == 3


def test_certain_and_wrong_costs_what_cross_entropy_says() -> None:
    logits = torch.tensor([[0.0, 200.0, *[0.0] * 8]])
    result = Evaluation(F.log_softmax(logits, dim=1).numpy(), np.array([0]))
    assert result.loss == pytest.approx(F.cross_entropy(logits, torch.tensor([0])).item()) == 200
    assert result.probabilities[0, 0] == 0


def test_every_opening_of_the_test_images_is_counted(mnist_root: Path, tmp_path: Path) -> None:
    (tmp_path / "MNIST").symlink_to(mnist_root / "MNIST")
    experiment = Experiment(hidden_sizes=())
    checkpoint = Checkpoint(networks.build(experiment), experiment, {})
    asked = [evaluation.evaluate_on_test(checkpoint, tmp_path, count=10).asked for _ in range(3)]
    assert asked == [1, 2, 3]
    (tmp_path / evaluation.OPENINGS).unlink()
    (tmp_path / evaluation.OPENINGS).mkdir()  # a place that cannot be written
    assert evaluation.evaluate_on_test(checkpoint, tmp_path, count=10).asked is None


@pytest.mark.parametrize("knobs", [{"dropout": 0.5}, {"network": "cnn", "normalize": "unit"}], ids=str)
def test_evaluate_asks_in_eval_mode_in_batches_on_the_right_scale(
    knobs: dict[str, object], training_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "EVALUATION_BATCH", 40)
    experiment = Experiment.from_dict(knobs)
    checkpoint = Checkpoint(networks.build(experiment).train(), experiment, {})
    split = training_data.val.first(101)
    result = evaluation.evaluate(checkpoint, split)
    with torch.no_grad():
        logits = networks.build(experiment).eval()(normalize(split.images, experiment.normalize))
    np.testing.assert_allclose(result.probabilities, F.softmax(logits, dim=1).numpy(), atol=1e-5)
    assert result.probabilities.dtype == np.float32
    assert result.labels.tolist() == split.labels.tolist()
    assert result.loss == pytest.approx(F.cross_entropy(logits, split.labels).item(), rel=1e-4)


def test_the_test_images_are_the_10_000(mnist_root: Path) -> None:
    experiment = Experiment(hidden_sizes=())
    result = evaluation.evaluate_on_test(Checkpoint(networks.build(experiment), experiment, {}), mnist_root)
    assert np.bincount(result.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_a_part_of_the_test_images_is_spread_over_them(mnist_root: Path) -> None:
    experiment = Experiment(hidden_sizes=())
    checkpoint = Checkpoint(networks.build(experiment), experiment, {})
    whole, part = (evaluation.evaluate_on_test(checkpoint, mnist_root, count) for count in (None, 250))
    np.testing.assert_allclose(part.probabilities, whole.probabilities[::40], atol=1e-5)
    assert part.labels.tolist() == whole.labels[::40].tolist()


def test_calibration_of_a_liar_and_of_an_honest_one() -> None:
    rng = np.random.default_rng(0)
    confidences = rng.uniform(0.1, 1, 40_000)
    honest = evaluation.calibration_bins(confidences, rng.uniform(size=40_000) < confidences, 15)
    assert evaluation.calibration_error(honest) < 0.015
    assert sum(some.answers for some in honest) == 40_000
    assert all(some.low <= some.confidence <= some.high for some in honest)
    [liar] = evaluation.calibration_bins(np.full(100, 0.95), np.arange(100) < 60, 10)
    assert (liar.low, liar.high, liar.answers) == (0.9, 1.0, 100)
    assert evaluation.calibration_error([liar]) == pytest.approx(0.35)


def test_certainty_belongs_to_the_last_bin() -> None:
    [certain] = evaluation.calibration_bins(np.ones(3), np.ones(3, bool), 10)
    assert certain.high == 1


@pytest.mark.parametrize(("right", "images"), [(0, 250), (5_000, 10_000), (9_828, 10_000), (250, 250)])
def test_the_interval_holds_the_accuracies_that_could_have_given_this_score(right: int, images: int) -> None:
    low, high = evaluation.interval(right, images)
    assert 0 <= low <= right / images <= high <= 1
    for edge in {low, high} - {0.0, 1.0}:  # so far is the score from an accuracy at the edge, in standard deviations
        assert abs(right / images - edge) / math.sqrt(edge * (1 - edge) / images) == pytest.approx(1.96, rel=1e-6)
    assert high - low > 0.001
