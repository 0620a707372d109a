"""What a run may cost: refused before it starts, ended when it has cost too much, and never by surprise."""

import random
from typing import Any

import pytest

from mnist_demo.errors import RunError
from mnist_demo.experiment.choices import Augmentation, Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.lessons import lessons
from mnist_demo.serving import budget
from mnist_demo.serving.budget import check_affordable, estimated_seconds, limit_reached
from mnist_demo.serving.runs import RunStore


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"network": "cnn", "train_size": 55_000, "epochs": 200}, "minutes; 10 is the most here"),
        ({"hidden_sizes": [1024, 1024, 1024]}, "weights; 1,900,000 is the most here"),
        # 26 GB when it was tried
        (
            {"network": "deep_cnn", "hidden_sizes": [1024, 1], "batch_size": 2048, "train_size": 5000},
            "26.* GB of memory; 1.5 GB is the most",
        ),
        # measuring alone would fill a worker
        ({"network": "deep_cnn", "hidden_sizes": [1024, 1], "batch_size": 1}, "GB of memory"),
        # 218 minutes when it was tried
        ({"batch_size": 1, "train_size": 55_000, "epochs": 30, "augmentation": "handwriting"}, "10 is the most here"),
        # few images to train on, but thousands to be measured by in each epoch
        ({"network": "deep_cnn", "hidden_sizes": [256, 256], "train_size": 100, "epochs": 150}, "10 is the most here"),
    ],
)
def test_runs_too_large_are_refused_in_a_sentence(knobs: dict[str, Any], sentence: str) -> None:
    experiment = Experiment.from_dict(knobs)
    store = RunStore()
    with pytest.raises(RunError, match=sentence) as error:
        store.create_pair(Pair(a=Experiment(), b=experiment), "me")
    assert str(error.value).endswith(".")
    assert store.of_owner("me") == [], "half a pair must not stay behind"


def test_the_defaults_of_every_network_are_affordable() -> None:
    for network in Network:
        check_affordable(Experiment.from_dict({"network": network, "train_size": 5000, "epochs": 5}))


def test_every_lesson_is_affordable_many_times_over() -> None:
    for lesson in lessons():
        for experiment in (lesson.pair.a, lesson.pair.b):
            check_affordable(experiment)
            assert estimated_seconds(experiment) < budget.MAX_RUN_SECONDS / 4, lesson.slug


def test_small_batches_and_augmentation_cost_more_than_their_products() -> None:
    plain = Experiment.from_dict({"train_size": 5000, "epochs": 2})
    times = [estimated_seconds(plain.replace(batch_size=size)) for size in (512, 64, 8, 1)]
    assert times == sorted(times)
    assert times[-1] > 5 * times[0]
    costs = [estimated_seconds(plain.replace(augmentation=each)) for each in Augmentation]
    assert costs == sorted(costs)


def test_what_was_measured_ends_a_run_in_a_sentence() -> None:
    assert limit_reached(10.0, 900_000_000) == ""
    for sentence in (limit_reached(budget.MAX_CPU_SECONDS + 1.0, 0), limit_reached(1.0, budget.MAX_PEAK_BYTES + 1)):
        assert "script" in sentence
        assert sentence.endswith(".")


def test_what_is_charged_is_what_was_measured_and_equal_for_any_seed(tiny: Experiment) -> None:
    rng, prices = random.Random(0), budget.Prices()
    charged, measured, steps = [0.0, 0.0], [0.0, 0.0], [0, 0]
    for number in range(200):
        for seed, luck in ((0, 1.0), (1, 1.6)):
            length = rng.choice([4, 20, 60])
            cost = luck * (0.02 + 0.005 * length) + (0.1 if number == 0 else 0.0)
            charged[seed] += prices.charge(tiny.replace(seed=seed), length, cost, is_first=number == 0)
            measured[seed] += cost
            steps[seed] += length
    assert sum(charged) == pytest.approx(sum(measured), rel=0.1)
    assert charged[0] / steps[0] == pytest.approx(charged[1] / steps[1], rel=0.1)


def test_prices_are_forgotten_when_there_are_too_many(tiny: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_PRICES", 2)
    prices = budget.Prices()
    for epochs in (1, 2, 3):
        prices.charge(tiny.replace(epochs=epochs), 10, 1.0, is_first=False)
    assert prices.charge(tiny.replace(epochs=1), 10, 5.0, is_first=False) == pytest.approx(5.0), "it is new again"
    assert prices.charge(tiny.replace(epochs=3), 10, 5.0, is_first=False) < 5.0
