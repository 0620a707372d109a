"""The scores of drawings: each formula against one written out, and the table from a model that knows nothing."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData
from mnist_demo.images.penmanship import CONDITIONS, NON_DIGITS
from mnist_demo.inference import drawings, recognize
from mnist_demo.learning import networks
from mnist_demo.learning.checkpoints import Checkpoint


def test_auroc_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(0)
    digits, others = rng.integers(3, 12, 60) / 10, rng.integers(0, 9, 40) / 10
    pairs = [(d > o) + 0.5 * (d == o) for d in digits for o in others]
    assert drawings.auroc(digits, others) == pytest.approx(np.mean(pairs))
    assert drawings.auroc(np.array([0.9, 0.8]), np.array([0.1])) == 1
    assert drawings.auroc(np.array([0.5]), np.array([0.5])) == 0.5


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(true_temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(4_000, 10, generator=generator)
    labels = torch.multinomial(torch.softmax(logits, dim=1), 1, generator=generator)[:, 0]
    found = drawings.best_temperature(logits * true_temperature, labels)
    assert found == pytest.approx(true_temperature, rel=0.08)


def know_nothing() -> Checkpoint:
    experiment = Experiment.from_dict({"hidden_sizes": "none"})
    return Checkpoint(networks.build(experiment).eval(), experiment, {})


def test_the_table_names_everything_and_is_json(training_data: TrainingData) -> None:
    seen: list[str] = []
    report = drawings.measure(know_nothing(), training_data.val.first(300), 10, seen.append)
    assert set(report.accuracy) == {condition.name for condition in CONDITIONS}
    assert set(report.accepted) == {*NON_DIGITS, "blank"}
    assert set(seen) >= {*report.accuracy, *NON_DIGITS}
    assert report.worst_accuracy <= report.mean_accuracy <= 1
    assert report.accepted["dots"] == report.accepted["blank"] == 0
    assert json.loads(json.dumps(report.to_dict()))["mean_accuracy"] == report.mean_accuracy
    text = "\n".join(drawings.lines(report))
    for name in (*report.accuracy, *NON_DIGITS):
        assert name in text


def test_calibration_keeps_the_share_of_digits_it_says(
    training_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawings, "CONDITIONS", CONDITIONS[:2])
    model = drawings.calibrate(know_nothing(), training_data.val.first(300), 50, lambda _kind: None)
    hand = drawings.Hand(training_data.val.first(300), drawings.CALIBRATION_SEED)
    confidences: Sequence[float] = [
        recognize.recognize(drawing.ink, model).confidence
        for condition in CONDITIONS[:2]
        for drawing in hand.drawings(condition, 50)
    ]
    kept = np.mean(np.array(confidences) >= model.scores[recognize.LEAST_CONFIDENCE])
    assert kept == pytest.approx(drawings.KEPT_DIGITS, abs=0.0101)
    assert model.scores[recognize.TEMPERATURE] > 0
