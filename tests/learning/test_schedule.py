"""Steps, points and learning rates: counted, never trained."""

import pytest

from mnist_demo.experiment.choices import Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning import schedule

EXPERIMENTS = [
    {},
    {"train_size": 100, "batch_size": 2048, "epochs": 1},
    {"train_size": 100, "batch_size": 1},
    {"train_size": 101, "batch_size": 100},
    {"train_size": 55_000},
    {"train_size": 55_000, "batch_size": 2048},
    {"train_size": 55_000, "hidden_sizes": [1024] * 4},
    {"train_size": 55_000, "hidden_sizes": []},
    {"train_size": 55_000, "network": "cnn"},
    {"train_size": 55_000, "network": "cnn", "hidden_sizes": []},
    {"train_size": 55_000, "network": "cnn", "hidden_sizes": [1]},
    {"train_size": 55_000, "network": "cnn", "batch_size": 2048, "hidden_sizes": [256] * 3},
    {"train_size": 55_000, "network": "deep_cnn"},
    {"train_size": 100, "network": "deep_cnn", "hidden_sizes": []},
]


@pytest.fixture(params=EXPERIMENTS, ids=str)
def experiment(request: pytest.FixtureRequest) -> Experiment:
    return Experiment.from_dict(request.param)


def test_an_epoch_shows_every_image_once(experiment: Experiment) -> None:
    length = schedule.steps_per_epoch(experiment)
    assert (length - 1) * experiment.batch_size < experiment.train_size <= length * experiment.batch_size
    assert schedule.total_steps(experiment) == length * experiment.epochs


def test_evaluations_are_evenly_spaced_and_the_last_of_an_epoch_is_at_its_end(experiment: Experiment) -> None:
    length, points = schedule.steps_per_epoch(experiment), schedule.points_per_epoch(experiment)
    assert 1 <= points <= length
    steps = [step for step in range(1, 3 * length + 1) if schedule.is_evaluation_step(experiment, step)]
    assert len(steps) == 3 * points
    assert schedule.is_evaluation_step(experiment, 0)
    for epoch in range(3):
        of_epoch = [step - epoch * length for step in steps[epoch * points : (epoch + 1) * points]]
        assert of_epoch[-1] == length
        assert of_epoch == steps[:points]
    spacings = {later - earlier for earlier, later in zip([0, *steps], steps, strict=False)}
    assert max(spacings) - min(spacings) <= 1


def test_the_last_step_is_always_evaluated(experiment: Experiment) -> None:
    assert schedule.is_evaluation_step(experiment, schedule.total_steps(experiment))


@pytest.mark.parametrize("wanted", [1, 2, 7, 40, 900])
def test_a_chunk_ends_at_the_last_point_within_it_or_soon_after(experiment: Experiment, wanted: int) -> None:
    length = schedule.steps_per_epoch(experiment)
    for step in {0, 1, length // 3, length - 1, length, 2 * length + 1}:
        taken = schedule.steps_to_point(experiment, step, wanted)
        assert 1 <= taken <= 2 * wanted
        points = [n for n in range(1, 2 * wanted + 1) if schedule.is_evaluation_step(experiment, step + n)]
        within = [n for n in points if n <= wanted]
        assert taken == (within[-1] if within else points[0] if points else wanted)


def test_long_epochs_are_evaluated_more_often_than_short_ones() -> None:
    def points(**knobs: object) -> int:
        return schedule.points_per_epoch(Experiment.from_dict(knobs))

    assert points(train_size=1000) == 1
    assert points(train_size=55_000) > 1
    assert points(train_size=55_000, network=Network.CNN) >= points(train_size=55_000)


def test_a_constant_rate_is_constant() -> None:
    experiment = Experiment(learning_rate=0.3)
    assert {schedule.learning_rate_at(experiment, step) for step in range(0, 640, 7)} == {0.3}


@pytest.mark.parametrize("knobs", EXPERIMENTS, ids=str)
def test_one_cycle_rises_for_a_quarter_then_falls_to_zero(knobs: dict[str, object]) -> None:
    experiment = Experiment.from_dict({**knobs, "schedule": "one_cycle", "learning_rate": 0.5, "epochs": 4})
    total = schedule.total_steps(experiment)
    rates = [schedule.learning_rate_at(experiment, step) for step in range(total)]
    peak = rates.index(max(rates))
    assert all(0 <= rate <= 0.5 for rate in rates)
    assert peak + 1 == pytest.approx(total / 4, abs=1)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    if total >= 8:
        assert max(rates) > 0.45
