"""Rules about two runs side by side: equal, equal but for rounding, or no further apart than two seeds."""

from dataclasses import replace
from typing import Any

import pytest

from mnist_demo.experiment.config import Experiment
from mnist_demo.hints import comparison, hints
from mnist_demo.hints.case import Case, Rule
from tests.hints.cases import Fires, assert_it_speaks_of, history
from tests.histories import history_of

FIRES: Fires = [
    (comparison.identical, "", "patience 0 → 5 changes no step", "patience=5"),
    (
        comparison.practically_identical,
        "epochs=20",
        "no real difference",
        "epochs=20&mistake=log_softmax_cross_entropy",
    ),
    (comparison.within_luck, "epochs=20", "Another seed", "epochs=20&weight_decay=0.0001"),
]


def test_every_rule_is_tried_on_a_real_history() -> None:
    assert {rule for rule, *_ in FIRES} == set(comparison.RULES)


@pytest.mark.parametrize(("rule", "query", "words", "beside"), FIRES, ids=[rule.__name__ for rule, *_ in FIRES])
def test_rule_speaks_and_cites_the_numbers_of_the_run(rule: Rule, query: str, words: str, beside: str | None) -> None:
    assert_it_speaks_of(rule, query, words, beside)


def test_equal_runs_are_said_to_be_equal() -> None:
    experiment, history = history_of("epochs=20")
    found = hints(experiment, history, (experiment, history))
    assert any("equal number for number" in hint.text for hint in found)


def test_nan_beside_a_run_is_no_difference_within_luck() -> None:
    experiment, history = history_of("epochs=20")
    broken = [replace(point, val_loss=float("nan")) for point in history]
    found = hints(experiment, history, (Experiment(learning_rate=1), broken))
    assert not any("Another seed" in hint.text for hint in found)


def pair(changes: dict[str, Any], **values: Any) -> Case:
    """A calm run, and one beside it with other knobs and other numbers."""
    experiment = Experiment()
    return Case(experiment, history(), (experiment.replace(**changes), history(**values)))


def spoken(found: Case) -> list[str]:
    return [rule.__name__ for rule in comparison.RULES if rule(found)]


@pytest.mark.parametrize(
    ("values", "rules"),
    [
        ({}, ["identical"]),
        ({"val_loss": 0.5001}, ["practically_identical"]),
        ({"train_loss": 0.4501}, ["practically_identical"]),
        ({"val_loss": [0.5, 0.5099, 0.5]}, ["practically_identical"]),
        ({"val_loss": [0.5, 0.5101, 0.5]}, ["within_luck"]),
        ({"val_loss": 0.549}, ["within_luck"]),
        ({"val_loss": 0.551}, []),
        ({"val_loss": 0.53, "val_accuracy": 0.8669}, ["within_luck"]),
        ({"val_loss": 0.53, "val_accuracy": 0.8671}, []),
        ({"val_loss": 0.53, "val_accuracy": 0.8531}, ["within_luck"]),
        ({"val_loss": 0.53, "val_accuracy": 0.8529}, []),
    ],
    ids=str,
)
def test_a_pair_is_the_same_nearly_the_same_within_luck_or_different(values: dict[str, Any], rules: list[str]) -> None:
    assert spoken(pair({"weight_decay": 0.1}, **values)) == rules


def test_nothing_is_said_without_a_run_beside_it_and_no_seed_is_advised_against_another() -> None:
    assert spoken(Case(Experiment(), history(), None)) == []
    assert spoken(pair({"seed": 1}, val_loss=0.53)) == []
    hint = comparison.within_luck(pair({"dropout": 0.1}, val_loss=0.53))
    assert hint
    assert hint.try_b == {"seed": 1}


def test_runs_of_two_lengths_are_equal_up_to_the_end_of_the_shorter() -> None:
    longer = pair({"epochs": 21}, val_loss=[0.5] * 5)
    hint = comparison.identical(longer)
    assert hint
    assert "the same up to epoch 2: " in hint.text
    assert comparison.practically_identical(pair({"epochs": 21}, val_loss=[0.5001] * 5)) is None


def test_two_runs_that_break_alike_are_equal() -> None:
    broken = {"train_loss": [2.3, float("nan")], "val_loss": [2.3, float("nan")]}
    other = (Experiment(dropout=0.5), history(**broken))
    assert comparison.identical(Case(Experiment(), history(**broken), other)) is not None
    whole = history(train_loss=[2.3, 1.0], val_loss=[2.3, 1.0])
    assert spoken(Case(Experiment(), whole, other)) == []
