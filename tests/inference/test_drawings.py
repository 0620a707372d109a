"""The scores of drawings: each formula against one written out, and the table from a model that knows nothing."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData
from mnist_demo.images.penmanship import CONDITIONS, NON_DIGITS, Condition, Hand, Traced
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


def imitated(data: TrainingData, count: int, conditions: Sequence[Condition]) -> drawings.Table:
    some = data.val.first(300)
    return drawings.Table(Traced(some), conditions, count, some)


def test_the_table_names_everything_and_is_json(training_data: TrainingData) -> None:
    seen: list[str] = []
    report = drawings.measure(know_nothing(), imitated(training_data, 10, CONDITIONS), seen.append)
    assert set(report.accuracy) == {condition.name for condition in CONDITIONS}
    assert set(report.accepted) == {*NON_DIGITS, "blank"}
    assert set(seen) >= {*report.accuracy, *NON_DIGITS}
    assert report.worst_accuracy <= report.mean_accuracy <= 1
    assert report.accepted["dots"] == report.accepted["blank"] == 0
    assert json.loads(json.dumps(report.to_dict()))["mean_accuracy"] == report.mean_accuracy
    text = "\n".join(drawings.lines(report))
    for name in (*report.accuracy, *NON_DIGITS):
        assert name in text


def test_conditions_that_choose_their_digits_stand_apart(training_data: TrainingData) -> None:
    sevens = Condition("sevens", (1, 7), only=lambda digit: len(digit) == 1)
    none = Condition("none", (1,), only=lambda digit: len(digit) > 99)
    table = imitated(training_data, 10, (CONDITIONS[0], sevens, none))
    report = drawings.measure(know_nothing(), table, lambda _kind: None)
    assert list(report.accuracy) == [CONDITIONS[0].name]
    assert list(report.apart) == ["sevens"]
    assert report.mean_accuracy == report.accuracy[CONDITIONS[0].name]
    assert "sevens" in "\n".join(drawings.lines(report))


def test_calibration_keeps_the_share_it_says_of_digits_it_has_not_seen(training_data: TrainingData) -> None:
    conditions = (CONDITIONS[0], CONDITIONS[4])
    table = drawings.Table(Traced(training_data.val), conditions, 100, training_data.val.first(10))
    model = drawings.calibrate(know_nothing(), table, lambda _kind: None)
    others = [drawing for condition in conditions for drawing in Hand(table.source).drawings(condition, 100)]
    answers = [recognize.recognize(drawing.ink, model) for drawing in others]
    kept = np.mean([answer.confidence >= model.scores[recognize.LEAST_CONFIDENCE] for answer in answers])
    assert kept == pytest.approx(drawings.KEPT_DIGITS, abs=0.02)  # of 200: 2.3 standard deviations
    right = np.mean([answer.digit == drawing.digit for answer, drawing in zip(answers, others, strict=True)])
    assert np.mean([answer.confidence for answer in answers]) == pytest.approx(right, abs=0.08)
