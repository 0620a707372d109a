"""Hints on the histories of real runs, recorded in tests/histories."""

import pytest

from mnist_demo.hints import RULES, Kind, hints
from mnist_demo.hints.case import Case, Rule
from tests.histories import history_of, recorded

SGD = "optimizer=sgd&learning_rate=0.1"


def test_there_are_many_rules() -> None:
    assert len(RULES) >= 15


@pytest.mark.parametrize("rule", RULES, ids=[rule.__name__ for rule in RULES])
def test_rule_is_silent_on_an_untrained_network_and_on_most_runs(rule: Rule) -> None:
    experiment, history = history_of("epochs=10&train_size=5000&dropout=0.2")
    assert rule(Case(experiment, history, None)) is None
    assert hints(experiment, history[:1]) == []
    spoken = sum(rule(Case(*history_of(query), None)) is not None for query in recorded())
    assert spoken <= len(recorded()) / 2


def test_most_runs_are_told_a_run_b_that_is_a_run_and_differs() -> None:
    proposed = 0
    for query in recorded():
        experiment, history = history_of(query)
        changes = [hint.try_b for hint in hints(experiment, history) if hint.try_b is not None]
        proposed += bool(changes)
        for change in changes:
            assert experiment.replace(**change) != experiment, query
    assert proposed > len(recorded()) / 2


def test_sound_run_gets_no_hint() -> None:
    assert hints(*history_of("epochs=10&train_size=5000&dropout=0.2")) == []


def test_bug_is_told_alone_and_overfitting_is_not_called_one() -> None:
    broken = hints(*history_of("mistake=softmax_cross_entropy"))
    assert [hint.kind for hint in broken] == [Kind.BUG]
    overfitted = {hint.kind for hint in hints(*history_of(""))}
    assert Kind.OVERFITTING in overfitted
    assert Kind.BUG not in overfitted


@pytest.mark.parametrize("query", [query for query in recorded() if "mistake=" in query])
def test_every_harmful_mistake_is_called_a_bug_and_undone(query: str) -> None:
    experiment, history = history_of(query)
    found = hints(experiment, history)
    if experiment.mistake == "log_softmax_cross_entropy":
        assert Kind.BUG not in {hint.kind for hint in found}
    else:
        assert {"mistake": "none"} in [hint.try_b for hint in found]


@pytest.mark.parametrize(
    "query", ["", "dropout=0.5", "epochs=20", "augmentation=shift", "train_size=5000", "patience=5"]
)
def test_sound_runs_are_never_called_broken(query: str) -> None:
    experiment, history = history_of(query)
    for end in range(2, len(history) + 1):  # nor at any time while they train
        assert Kind.BUG not in {hint.kind for hint in hints(experiment, history[:end])}


def test_one_bad_step_is_not_called_overfitting() -> None:
    experiment, history = history_of(f"{SGD}&epochs=20")
    assert history[-1].val_loss > min(point.val_loss for point in history) + 0.05
    assert Kind.OVERFITTING not in {hint.kind for hint in hints(experiment, history)}
