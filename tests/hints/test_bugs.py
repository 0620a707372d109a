"""Rules for broken runs: each speaks of a real run, and falls silent on the other side of each of its thresholds."""

import math
from typing import Any

import pytest

from mnist_demo.hints import Cause, Promise, bugs
from mnist_demo.hints.case import Rule
from tests.hints.cases import Fires, assert_it_speaks_of, case

SGD = "optimizer=sgd&learning_rate=0.1"
SORTED = "optimizer=sgd&learning_rate=0.02&train_size=5000&epochs=8"
FIRES: Fires = [
    (bugs.wrong_loss, "epochs=20&mistake=nll_probabilities", "is -0.8654, but cross-entropy of the same", None),
    (bugs.wrong_loss, "epochs=10&mistake=nll_logits", "minus the mean logit", None),
    (bugs.wrong_loss, "mistake=softmax_cross_entropy", "is 1.494, but cross-entropy of the same answers is 0.47", None),
    (bugs.wrong_loss, f"{SGD}&epochs=20&mistake=softmax_cross_entropy", "a softmax before CrossEntropyLoss", None),
    (bugs.piled_gradients, f"{SGD}&epochs=20&mistake=no_zero_grad", "11% of the training images are right", None),
    (bugs.sorted_batches, f"{SORTED}&mistake=no_shuffle", "only 0.2% differ in their label", None),
    (bugs.answers_change, "dropout=0.5&mistake=no_eval", "on 46.8% of them", None),
    (bugs.raw_pixels, f"{SGD}&epochs=20&normalize=raw", "inputs go up to 255", None),
]


def test_every_rule_is_tried_on_a_real_history() -> None:
    assert {rule for rule, *_ in FIRES} == set(bugs.RULES)


@pytest.mark.parametrize(("rule", "query", "words", "beside"), FIRES, ids=[rule.__name__ for rule, *_ in FIRES])
def test_rule_speaks_and_cites_the_numbers_of_the_run(rule: Rule, query: str, words: str, beside: str | None) -> None:
    assert_it_speaks_of(rule, query, words, beside)


@pytest.mark.parametrize(
    ("rule", "speaks", "silent"),
    [
        (bugs.piled_gradients, {"left_over": 0.02}, {"left_over": 0.019}),
        (bugs.piled_gradients, {"left_over": 0.9}, {"left_over": None}),
        (bugs.sorted_batches, {"label_changes": 0.3}, {"label_changes": 0.31}),
        (bugs.sorted_batches, {"label_changes": 0.0}, {"label_changes": None}),
        (bugs.answers_change, {"changed_answers": 0.001}, {"changed_answers": 0.0}),
        (bugs.raw_pixels, {"input_size": 20.0, "train_accuracy": 0.3}, {"input_size": 19.9, "train_accuracy": 0.3}),
        (bugs.raw_pixels, {"input_size": 255.0, "train_accuracy": 0.3}, {"input_size": 255.0, "train_accuracy": 0.31}),
        (bugs.raw_pixels, {"input_size": 255.0, "val_loss": math.nan}, {"input_size": 1.0, "val_loss": math.nan}),
    ],
)
def test_where_a_rule_begins_to_speak(rule: Rule, speaks: dict[str, Any], silent: dict[str, Any]) -> None:
    assert rule(case(**speaks)) is not None
    assert rule(case(**silent)) is None


KNOWN = [
    (Cause.SOFTMAX_TWICE, "probability_cross_entropy", 1.0),
    (Cause.PROBABILITIES, "label_probability", -1.0),
    (Cause.LOGITS, "label_logit", -1.0),
]


@pytest.mark.parametrize(("cause", "name", "sign"), KNOWN)
def test_a_wrong_loss_is_told_by_a_number_that_agrees_to_a_thousandth(cause: Cause, name: str, sign: float) -> None:
    hint = bugs.wrong_loss(case({"mistake": "nll_logits"}, train_loss=2.0, **{name: sign * 2.0 * 1.0009}))
    assert hint is not None
    assert (hint.cause, hint.try_b) == (cause, {"mistake": "none"})
    assert bugs.wrong_loss(case(train_loss=2.0, **{name: sign * 2.0 * 1.002})) is None


def test_a_wrong_loss_is_not_told_where_it_is_cross_entropy_or_could_be_two_things() -> None:
    twice = {"train_loss": 2.0, "probability_cross_entropy": 2.0}
    assert bugs.wrong_loss(case(**twice)) is not None
    assert bugs.wrong_loss(case(**twice, cross_entropy=2.0)) is None
    assert bugs.wrong_loss(case(**twice, label_logit=-2.0)) is None
    right_at_last = {"train_loss": [2.0, 2.0, 0.45], "probability_cross_entropy": 2.0}
    assert bugs.wrong_loss(case(**right_at_last)) is None  # the latest point with evidence decides
    nothing_known = {"train_loss": [2.0, 2.0, math.nan], "probability_cross_entropy": 2.0}
    assert bugs.wrong_loss(case(**nothing_known)) is not None  # NaN agrees with nothing: the point before it does


def test_a_better_accuracy_is_promised_only_where_much_is_wrong() -> None:
    for value, promise in ((0.5, Promise.ACCURACY), (0.51, None)):
        logits = bugs.wrong_loss(case(train_loss=-4.0, val_accuracy=value))
        piled = bugs.piled_gradients(case(left_over=0.5, train_accuracy=value))
        comes_sorted = bugs.sorted_batches(case(label_changes=0.0, val_accuracy=value))
        assert logits
        assert piled
        assert comes_sorted
        assert [logits.promise, piled.promise, comes_sorted.promise] == [promise] * 3


def test_one_batch_an_epoch_has_no_order_to_complain_of() -> None:
    sizes = {"train_size": 1000, "batch_size": 1000}
    assert bugs.sorted_batches(case(sizes, label_changes=0.0)) is None
    assert bugs.sorted_batches(case({**sizes, "batch_size": 999}, label_changes=0.0)) is not None
