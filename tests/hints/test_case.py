"""What a rule reads from a case: the latest evidence, growth, dead layers, and the change that undoes a mistake."""

import math
from dataclasses import replace

import pytest

from mnist_demo.experiment.choices import Mistake, Optimizer
from mnist_demo.experiment.config import Experiment
from mnist_demo.hints.case import USUAL_RATES, Case
from tests.hints.cases import case, history


def test_evidence_is_read_where_it_was_recorded_and_growth_from_the_first_to_the_latest() -> None:
    points = history(weight_norm=[10.0, 20.0, 35.0])
    one = Case(Experiment(), points, None)
    assert (one.last, one.probe, one.growth) == (points[2], points[2].probe, 3.5)
    gone = Case(Experiment(), [*points[:2], replace(points[2], probe=None)], None)
    assert (gone.last.probe, gone.probe, gone.growth) == (None, points[1].probe, 2.0)
    assert gone.probes == [points[0].probe, points[1].probe]


@pytest.mark.parametrize(
    ("stuck", "worst", "is_dead"),
    [((), -1, False), ((0.5, 0.2), 0, False), ((0.1, 0.89), 1, False), ((0.1, 0.9), 1, True), ((1.0, 0.0), 0, True)],
)
def test_a_layer_is_dead_where_nine_of_ten_units_have_no_slope(
    stuck: tuple[float, ...], worst: int, is_dead: bool
) -> None:
    found = case(stuck=stuck)
    assert (found.worst_layer, found.is_dead) == (worst, is_dead)


def test_a_run_is_sound_while_its_loss_is_a_number() -> None:
    assert case(running_loss=[math.nan, 0.5, 0.5]).is_sound  # nothing ran before the first point
    for name in ("running_loss", "train_loss", "val_loss"):
        assert not case(**{name: [0.5, 0.5, math.nan]}).is_sound
        assert not case(**{name: [0.5, 0.5, math.inf]}).is_sound


@pytest.mark.parametrize("mistake", list(Mistake))
def test_what_undoes_a_mistake_is_the_right_line(mistake: Mistake) -> None:
    one = case({"mistake": mistake})
    if mistake is Mistake.NONE:
        assert one.without_mistake is None
    else:
        assert one.without_mistake is not None
        assert one.experiment.replace(**one.without_mistake) == Experiment(epochs=2)


def test_every_optimizer_has_a_usual_rate_that_an_experiment_may_have() -> None:
    assert set(USUAL_RATES) == set(Optimizer)
    for optimizer, rate in USUAL_RATES.items():
        assert Experiment(optimizer=optimizer, learning_rate=rate).learning_rate == rate
