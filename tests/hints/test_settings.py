"""Rules for settings that keep a run from learning: real runs of which they speak, and both sides of each threshold."""

import math
from typing import Any

import pytest

from mnist_demo.experiment.choices import Optimizer
from mnist_demo.hints import settings
from mnist_demo.hints.case import USUAL_RATES, Rule
from tests.hints.cases import Fires, assert_it_speaks_of, case

Changes = dict[str, Any]
SGD = "optimizer=sgd&learning_rate=0.1"
FIRES: Fires = [
    (settings.rate_too_low, "epochs=5&learning_rate=0.000001", "by more than 2e-05 of their length", None),
    (settings.rate_too_high, "optimizer=sgd&learning_rate=0.5&epochs=20", "98% of the units of a hidden layer", None),
    (settings.rate_too_high, "optimizer=sgd&learning_rate=3&activation=none&epochs=10", "number at step 6", None),
    (settings.signal_dies, f"{SGD}&activation=sigmoid&hidden_sizes=64-64-64", "differ by 0.083", None),
    (settings.weight_decay, "epochs=10&weight_decay=1", "times as long as before training", None),
    (settings.too_narrow, "epochs=20&hidden_sizes=2", "a layer of 2 units", None),
    (settings.too_much_dropout, "dropout=0.8", "its loss lay 0.57 above that with all of them on", None),
    (settings.few_updates, "epochs=20&batch_size=1000", "20 updates are few", None),
]


def test_every_rule_is_tried_on_a_real_history() -> None:
    assert {rule for rule, *_ in FIRES} == set(settings.RULES)


@pytest.mark.parametrize(("rule", "query", "words", "beside"), FIRES, ids=[rule.__name__ for rule, *_ in FIRES])
def test_rule_speaks_and_cites_the_numbers_of_the_run(rule: Rule, query: str, words: str, beside: str | None) -> None:
    assert_it_speaks_of(rule, query, words, beside)


def grown(times: float) -> list[float]:
    return [10.0, 10.0, 10.0 * times]


# rule, the experiment and the numbers it speaks of, and changes of some of them: still speaks, is silent
EDGES: list[tuple[Rule, Changes, Changes, list[tuple[Changes, Changes]]]] = [
    (
        settings.rate_too_high,
        {},
        {"train_accuracy": 0.5, "weight_norm": grown(5)},
        [
            ({}, {"train_accuracy": 0.51}),
            ({}, {"weight_norm": grown(4.9)}),
            ({"weight_norm": grown(math.nan)}, {"weight_norm": grown(1)}),
            ({"weight_norm": grown(1.1), "stuck": (0.9, 0.0)}, {"weight_norm": grown(1), "stuck": (0.9, 0.0)}),
            ({"weight_norm": grown(1), "train_loss": math.nan}, {"weight_norm": grown(1)}),
        ],
    ),
    (
        settings.rate_too_low,
        {},
        {"update": [None, 1e-4, 1e-5], "train_accuracy": 0.6},
        [
            ({}, {"update": [None, 1.1e-4, 1e-5]}),
            ({}, {"update": None}),
            ({}, {"train_accuracy": 0.61}),
            ({"stuck": (0.89, 0.0)}, {"stuck": (0.9, 0.0)}),
            ({}, {"val_loss": math.nan}),
        ],
    ),
    (
        settings.signal_dies,
        {},
        {"spreads": (1.0, 0.049), "gradients": (0.099, 0.5, 1.0), "train_accuracy": 0.3},
        [
            ({}, {"spreads": (1.0, 0.051)}),
            ({}, {"gradients": (0.11, 0.5, 1.0)}),
            ({}, {"train_accuracy": 0.31}),
            ({"stuck": (0.5, 0.0)}, {"stuck": (0.51, 0.0)}),
            ({}, {"spreads": (0.01,), "stuck": (0.0,)}),
            ({"update": 1.1e-4}, {"update": 1e-4}),  # then the rate is too low
        ],
    ),
    (
        settings.weight_decay,
        {},
        {"weight_norm": grown(0.79), "train_accuracy": 0.9},
        [
            ({}, {"weight_norm": grown(0.81)}),
            ({}, {"weight_norm": grown(math.nan)}),
            ({}, {"train_accuracy": 0.91}),
            ({"stuck": (0.89, 0.0)}, {"stuck": (0.9, 0.0)}),
        ],
    ),
    (
        settings.too_narrow,
        {"hidden_sizes": "64-8"},
        {"stuck": (0.0, 0.5), "train_accuracy": 0.85},
        [
            ({}, {"stuck": (0.0, 0.375)}),  # five of eight have a slope
            ({}, {"train_accuracy": 0.86}),
            ({"weight_norm": grown(9.9)}, {"weight_norm": grown(10)}),
            ({}, {"train_loss": math.inf}),
        ],
    ),
    (
        settings.too_much_dropout,
        {"dropout": 0.5},
        {"running_loss": 1.0, "train_loss": 0.5, "train_accuracy": 0.9},
        [
            ({}, {"running_loss": 0.99}),
            ({}, {"train_accuracy": 0.91}),
            ({"stuck": (0.89, 0.0)}, {"stuck": (0.9, 0.0)}),
            ({}, {"running_loss": math.inf}),
        ],
    ),
    (
        settings.few_updates,
        {},
        {"step": [0, 20, 40], "train_accuracy": 0.9},
        [
            ({}, {"step": [0, 20, 41]}),
            ({}, {"train_accuracy": 0.91}),
            ({}, {"epoch": [0.0, 1.0, 1.9]}),
            ({"stuck": (0.89, 0.0)}, {"stuck": (0.9, 0.0)}),
        ],
    ),
]


def test_every_rule_has_its_edges_here() -> None:
    assert {rule for rule, *_ in EDGES} == set(settings.RULES)


@pytest.mark.parametrize(("rule", "experiment", "numbers", "changes"), EDGES, ids=[rule.__name__ for rule, *_ in EDGES])
def test_where_a_rule_begins_to_speak(
    rule: Rule, experiment: Changes, numbers: Changes, changes: list[tuple[Changes, Changes]]
) -> None:
    for speaks, silent in changes:
        hint = rule(case(experiment, **{**numbers, **speaks}))
        assert hint is not None, speaks
        assert hint.try_b is not None
        assert rule(case(experiment, **{**numbers, **silent})) is None, silent


def test_experiments_that_a_rule_is_not_for() -> None:
    narrow = {"stuck": (0.5,), "train_accuracy": 0.2}
    assert settings.too_narrow(case({"hidden_sizes": "8"}, **narrow)) is not None
    assert settings.too_narrow(case({"hidden_sizes": "9"}, **narrow)) is None
    assert settings.too_narrow(case({"hidden_sizes": "none"}, **narrow, spreads=())) is None
    assert settings.too_narrow(case({"network": "cnn", "hidden_sizes": "8"}, **narrow)) is None
    flat = {"spreads": (1.0, 0.01), "gradients": (0.01, 0.5, 1.0), "train_accuracy": 0.1}
    assert settings.signal_dies(case(**flat)) is not None
    assert settings.signal_dies(case({"network": "cnn"}, **flat)) is None
    assert settings.too_much_dropout(case(running_loss=2.0)) is None
    short = {"step": [0, 2, 4], "train_accuracy": 0.3}
    assert settings.few_updates(case({"epochs": 2}, **short)) is not None
    assert settings.few_updates(case({"epochs": 3}, **short)) is None  # it is not over


@pytest.mark.parametrize("optimizer", list(Optimizer))
def test_a_better_rate_is_the_usual_one_or_a_tenth_or_ten_times(optimizer: Optimizer) -> None:
    usual = USUAL_RATES[optimizer]

    def advised(rule: Rule, rate: float, **numbers: Any) -> float:
        hint = rule(case({"optimizer": optimizer, "learning_rate": rate}, **numbers))
        assert hint
        assert hint.try_b
        return float(hint.try_b["learning_rate"])

    thrown = {"train_accuracy": 0.1, "weight_norm": grown(9)}
    assert advised(settings.rate_too_high, 2 * usual, **thrown) == usual
    assert advised(settings.rate_too_high, usual, **thrown) == usual / 10
    assert advised(settings.rate_too_high, 2e-6, **thrown) == 1e-6
    still = {"train_accuracy": 0.1, "update": 1e-5}
    assert advised(settings.rate_too_low, usual / 2, **still) == usual
    assert advised(settings.rate_too_low, usual, **still) == usual * 10
    assert advised(settings.rate_too_low, 50.0, **still) == 100


def test_what_is_advised_instead_of_many_units_off_or_large_batches() -> None:
    for dropout, better in ((0.5, 0.2), (0.2, 0.0)):
        hint = settings.too_much_dropout(case({"dropout": dropout}, running_loss=2.0))
        assert hint
        assert hint.try_b == {"dropout": better}
    for batch_size, better_one in ((17, {"batch_size": 16}), (16, {"epochs": 8})):
        hint = settings.few_updates(case({"batch_size": batch_size, "epochs": 2}, step=[0, 2, 4]))
        assert hint
        assert hint.try_b == better_one
