"""Rules for sound runs: real runs of which they speak, and both sides of each threshold."""

import math
from dataclasses import replace
from typing import Any

import pytest

from mnist_demo.hints import Promise, fit
from mnist_demo.hints.case import Rule
from tests.hints.cases import Fires, assert_it_speaks_of, case

FIRES: Fires = [
    (
        fit.surer_not_better,
        "",
        "Over 90% sure were 9% of the mistakes then, and are 36% now; 19% of them are new",
        None,
    ),
    (fit.wrong_labels_learned, "label_noise=0.3", "(66% then, 92% now)", None),
    (fit.wrong_labels_learned, "epochs=60&label_noise=1", "Guessing has 10%", None),
    (fit.everything_known, "", "All the 1,000 training images are right, and 87.8%", None),
    (fit.still_improving, "epochs=5", "since epoch 4", None),
    (fit.only_linear, "train_size=20000&epochs=6&activation=none", "89.3% of the training images", None),
    (fit.dropout_loss_above, "dropout=0.8", "(1.33) lies above the validation loss (0.87)", None),
    (fit.running_loss_differs, "augmentation=shift", "made harder by augmentation", None),
    (fit.accuracy_elsewhere, "label_noise=0.3", "Epoch 7 was the more accurate one, 82.6%", None),
    (fit.would_have_stopped, "", "kept epoch 11: validation loss 0.407 and accuracy 87.5% instead of", None),
    (fit.stopped_early, "patience=5", "Stopped at epoch 16", None),
]


def test_every_rule_is_tried_on_a_real_history() -> None:
    assert {rule for rule, *_ in FIRES} == set(fit.RULES)


@pytest.mark.parametrize(("rule", "query", "words", "beside"), FIRES, ids=[rule.__name__ for rule, *_ in FIRES])
def test_rule_speaks_and_cites_the_numbers_of_the_run(rule: Rule, query: str, words: str, beside: str | None) -> None:
    assert_it_speaks_of(rule, query, words, beside)


Changes = dict[str, Any]
RISING = [2.3, 0.5, 0.45, 0.5, 0.5, 0.51]
# rule, the experiment and the numbers it speaks of, and changes of some of them: still speaks, is silent
EDGES: list[tuple[Rule, Changes, Changes, list[tuple[Changes, Changes]]]] = [
    (
        fit.surer_not_better,
        {},
        {"val_loss": RISING, "train_accuracy": 0.95, "sure_mistakes": [0, 0, 0.1, 0.1, 0.1, 0.16]},
        [
            ({"val_loss": [*RISING[:5], 0.501]}, {"val_loss": [*RISING[:5], 0.499]}),  # five hundredths above its best
            ({"val_loss": [*RISING[:4], 0.471, 0.51]}, {"val_loss": [*RISING[:4], 0.469, 0.51]}),  # came back near it
            ({}, {"train_accuracy": 0.949}),
            ({}, {"sure_mistakes": [0, 0, 0.1, 0.1, 0.1, 0.14]}),
            ({"val_accuracy": [*[0.86] * 5, 0.846]}, {"val_accuracy": [*[0.86] * 5, 0.844]}),
            ({"val_accuracy": [*[0.86] * 5, 0.874]}, {"val_accuracy": [*[0.86] * 5, 0.876]}),
            ({"val_accuracy": 0.5}, {"val_accuracy": 0.49}),
        ],
    ),
    (
        fit.wrong_labels_learned,
        {},
        {"val_accuracy": [0.1, 0.8, 0.75], "train_accuracy": [0.1, 0.7, 0.8]},
        [
            ({"val_accuracy": [0.1, 0.8, 0.759]}, {"val_accuracy": [0.1, 0.8, 0.761]}),
            ({"train_accuracy": [0.1, 0.7, 0.781]}, {"train_accuracy": [0.1, 0.7, 0.779]}),
            ({}, {"val_loss": math.nan}),
            ({"val_accuracy": 0.2, "train_accuracy": 0.3}, {"val_accuracy": 0.21, "train_accuracy": 0.3}),
            ({"val_accuracy": 0.1, "train_accuracy": 0.3}, {"val_accuracy": 0.1, "train_accuracy": 0.29}),
            (
                {"val_accuracy": 0.1, "train_accuracy": 0.9},
                {"val_accuracy": 0.1, "train_accuracy": 0.9, "changed_answers": 0.1},
            ),
        ],
    ),
    (
        fit.everything_known,
        {},
        {"train_accuracy": 0.995, "val_accuracy": 0.944},
        [({}, {"train_accuracy": 0.994}), ({}, {"val_accuracy": 0.946}), ({}, {"train_loss": math.nan})],
    ),
    (
        fit.accuracy_elsewhere,
        {},
        {"val_loss": [2.3, 0.4, 0.5, 0.5, 0.5, 0.5], "val_accuracy": [0.1, 0.8, 0.8, 0.8, 0.816, 0.8]},
        [
            ({}, {"val_accuracy": [0.1, 0.8, 0.8, 0.8, 0.814, 0.8]}),
            ({}, {"val_accuracy": [0.1, 0.8, 0.8, 0.816, 0.8, 0.8]}),  # two epochs apart
            ({"val_accuracy": [0.1, 0.4, 0.4, 0.4, 0.5, 0.4]}, {"val_accuracy": [0.1, 0.4, 0.4, 0.4, 0.49, 0.4]}),
        ],
    ),
    (
        fit.would_have_stopped,
        {},
        {"val_loss": [2.3, 0.4, *[0.5] * 7], "val_accuracy": 0.8},  # patience ends at epoch 6 of 8
        [
            ({"val_loss": [2.3, 0.4, *[0.5] * 10]}, {"val_loss": [2.3, 0.4, *[0.5] * 6]}),
            ({"val_loss": [2.3, 0.4, *[0.5] * 6, 0.3]}, {"val_loss": [2.3, 0.4, 0.5, 0.5, 0.5, 0.3, 0.4, 0.4, 0.4]}),
            ({"val_accuracy": [0.8] * 8 + [0.804]}, {"val_accuracy": [0.8] * 8 + [0.806]}),
            ({"val_accuracy": 0.5}, {"val_accuracy": 0.49}),
        ],
    ),
    (
        fit.stopped_early,
        {"patience": 3},
        {"val_loss": [2.3, 0.4, 0.5, 0.5, 0.5]},
        [({}, {"val_loss": [2.3, 0.4, 0.5, 0.5]}), ({}, {"val_loss": [2.3, 0.4, 0.5, 0.5, 0.5, 0.5]})],
    ),
    (
        fit.dropout_loss_above,
        {"dropout": 0.5},
        {"val_loss": 0.5, "running_loss": 0.521, "train_loss": 0.49},
        [({}, {"running_loss": 0.519}), ({}, {"running_loss": math.nan}), ({}, {"train_loss": 0.5})],
    ),
    (
        fit.running_loss_differs,
        {"dropout": 0.5},
        {"val_loss": 0.6, "running_loss": 0.54, "train_loss": 0.45},
        [
            ({}, {"running_loss": 0.529}),
            ({}, {"running_loss": math.nan}),
            ({}, {"val_loss": 0.5}),  # that the running loss lies above the validation loss is told instead
        ],
    ),
    (
        fit.still_improving,
        {"epochs": 5},
        {"val_loss": [2.3, 1.0, 0.8, 0.7, 0.6, 0.58], "train_accuracy": 0.97},
        [
            ({}, {"val_loss": [2.3, 1.0, 0.8, 0.7, 0.6, 0.583]}),
            ({"val_loss": [2.3, 1.0, 0.57, 0.7, 0.6, 0.58]}, {"val_loss": [2.3, 1.0, 0.568, 0.7, 0.6, 0.58]}),
            ({}, {"train_accuracy": 0.971}),
            ({}, {"epoch": [0.0, 1.0, 2.0, 3.0, 4.0, 4.9]}),  # it is not over
        ],
    ),
    (
        fit.only_linear,
        {"activation": "none"},
        {"train_accuracy": 0.94},
        [
            ({"train_accuracy": 0.5}, {"train_accuracy": 0.49}),
            ({"train_accuracy": 0.949}, {"train_accuracy": 0.95}),
            ({}, {"val_loss": math.nan}),
        ],
    ),
]


def test_every_rule_has_its_edges_here() -> None:
    assert {rule for rule, *_ in EDGES} == set(fit.RULES)


@pytest.mark.parametrize(("rule", "experiment", "numbers", "changes"), EDGES, ids=[rule.__name__ for rule, *_ in EDGES])
def test_where_a_rule_begins_to_speak(
    rule: Rule, experiment: Changes, numbers: Changes, changes: list[tuple[Changes, Changes]]
) -> None:
    for speaks, silent in changes:
        assert rule(case(experiment, **{**numbers, **speaks})) is not None, speaks
        assert rule(case(experiment, **{**numbers, **silent})) is None, silent


NUMBERS = {rule: (experiment, numbers) for rule, experiment, numbers, _ in EDGES}


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        (fit.surer_not_better, {"patience": 5}),
        (fit.everything_known, {"label_noise": 0.1}),
        (fit.everything_known, {"train_size": 11_000}),
        (fit.would_have_stopped, {"patience": 9}),
        (fit.stopped_early, {"patience": 0}),
        (fit.dropout_loss_above, {"dropout": 0.0}),
        (fit.running_loss_differs, {"dropout": 0.0}),
        (fit.still_improving, {"epochs": 6}),
        (fit.only_linear, {"activation": "relu"}),
        (fit.only_linear, {"hidden_sizes": "none"}),
    ],
)
def test_experiments_that_a_rule_is_not_for(rule: Rule, changes: Changes) -> None:
    experiment, numbers = NUMBERS[rule]
    assert rule(case(experiment, **numbers)) is not None
    assert rule(case({**experiment, **changes}, **numbers)) is None


def test_a_run_recorded_without_evidence_at_its_turn_is_not_called_surer() -> None:
    found = case(**NUMBERS[fit.surer_not_better][1])
    assert fit.surer_not_better(found) is not None
    bare = [replace(point, probe=None) for point in found.history]
    assert fit.surer_not_better(replace(found, history=bare)) is None


@pytest.mark.parametrize(
    ("rule", "changes", "advice"),
    [
        (fit.surer_not_better, {"hidden_sizes": "64"}, {"dropout": 0.5}),
        (fit.surer_not_better, {"hidden_sizes": "63"}, {"augmentation": "shift"}),
        (fit.surer_not_better, {"dropout": 0.5}, {"augmentation": "shift"}),
        (fit.surer_not_better, {"network": "cnn"}, {"augmentation": "shift"}),
        (fit.wrong_labels_learned, {"dropout": 0.4}, {"dropout": 0.5}),
        (fit.wrong_labels_learned, {"dropout": 0.5}, {"patience": 5}),
        (fit.everything_known, {"train_size": 10_999}, {"augmentation": "affine"}),
        (fit.everything_known, {"train_size": 10_999, "augmentation": "shift"}, {"train_size": 54_995}),
        (fit.would_have_stopped, {}, {"patience": 5}),
        (fit.still_improving, {}, {"epochs": 10}),
        (fit.only_linear, {}, {"activation": "relu"}),
    ],
)
def test_what_is_advised(rule: Rule, changes: Changes, advice: Changes) -> None:
    experiment, numbers = NUMBERS[rule]
    hint = rule(case({**experiment, **changes}, **numbers))
    assert hint
    assert hint.try_b == advice


def test_a_longer_run_is_advised_up_to_200_epochs_and_promises_only_what_is_sure() -> None:
    falling = {"val_loss": [2.3, 1.0, 0.8, 0.7, 0.6, 0.5], "epoch": [0.0, 1.0, 2.0, 3.0, 4.0, 200.0]}
    for epochs, accuracy, advice, promise in (
        (120, 0.9, {"epochs": 200}, Promise.ACCURACY),
        (120, 0.91, {"epochs": 200}, None),
        (200, 0.9, None, None),
    ):
        hint = fit.still_improving(case({"epochs": epochs}, **falling, train_accuracy=accuracy))
        assert hint
        assert (hint.try_b, hint.promise) == (advice, promise)


def test_what_makes_the_running_loss_harder_is_named_and_work_saved_is_counted() -> None:
    numbers = NUMBERS[fit.running_loss_differs][1]
    for changes, word in (({"dropout": 0.1}, "dropout"), ({"augmentation": "affine"}, "augmentation")):
        hint = fit.running_loss_differs(case(changes, **numbers))
        assert hint
        assert hint.text.endswith(f"made harder by {word}.")
    saved = fit.would_have_stopped(case(**NUMBERS[fit.would_have_stopped][1]))
    assert saved
    assert "stopped at epoch 6 and kept epoch 1" in saved.text
    assert "25% of the work saved" in saved.text
