"""Hints on the histories of real runs, recorded in tests/histories."""

from dataclasses import replace

import pytest

from mnist_demo.experiment.config import Experiment
from mnist_demo.hints import RULES, Kind, bugs, comparison, fit, hints, settings
from mnist_demo.hints.case import Case, Rule
from tests.histories import history_of, recorded

SGD = "optimizer=sgd&learning_rate=0.1"
SORTED = "optimizer=sgd&learning_rate=0.02&train_size=5000&epochs=8"
# rule, the run it must speak of, what it must cite, the run beside it
FIRES: list[tuple[Rule, str, str, str | None]] = [
    (bugs.wrong_loss, "epochs=20&mistake=nll_probabilities", "is -0.8654, but cross-entropy of the same", None),
    (bugs.wrong_loss, "epochs=10&mistake=nll_logits", "minus the mean logit", None),
    (bugs.wrong_loss, "mistake=softmax_cross_entropy", "is 1.494, but cross-entropy of the same answers is 0.47", None),
    (bugs.wrong_loss, f"{SGD}&epochs=20&mistake=softmax_cross_entropy", "a softmax before CrossEntropyLoss", None),
    (bugs.piled_gradients, f"{SGD}&epochs=20&mistake=no_zero_grad", "11% of the training images are right", None),
    (bugs.sorted_batches, f"{SORTED}&mistake=no_shuffle", "only 0.2% differ in their label", None),
    (bugs.answers_change, "dropout=0.5&mistake=no_eval", "on 46.8% of them", None),
    (bugs.raw_pixels, f"{SGD}&epochs=20&normalize=raw", "inputs go up to 255", None),
    (settings.rate_too_low, "epochs=5&learning_rate=0.000001", "by more than 2e-05 of their length", None),
    (settings.rate_too_high, "optimizer=sgd&learning_rate=0.5&epochs=20", "98% of the units of a hidden layer", None),
    (settings.rate_too_high, "optimizer=sgd&learning_rate=3&activation=none&epochs=10", "number at step 6", None),
    (settings.signal_dies, f"{SGD}&activation=sigmoid&hidden_sizes=64-64-64", "differ by 0.083", None),
    (settings.weight_decay, "epochs=10&weight_decay=1", "times as long as before training", None),
    (settings.too_narrow, "epochs=20&hidden_sizes=2", "a layer of 2 units", None),
    (settings.too_much_dropout, "dropout=0.8", "its loss lay 0.57 above that with all of them on", None),
    (settings.few_updates, "epochs=20&batch_size=1000", "20 updates are few", None),
    (
        fit.surer_not_better,
        "",
        "Over 90 % sure were 9% of the mistakes then, and are 36% now; 19% of them are new",
        None,
    ),
    (fit.wrong_labels_learned, "label_noise=0.3", "(66% then, 92% now)", None),
    (fit.wrong_labels_learned, "epochs=60&label_noise=1", "nothing to do with the images", None),
    (fit.everything_known, "", "All the 1,000 training images are right, and 87.8%", None),
    (fit.still_improving, "epochs=5", "since epoch 4", None),
    (fit.only_linear, "train_size=20000&epochs=6&activation=none", "89.3% on the training images", None),
    (fit.dropout_loss_above, "dropout=0.8", "(1.33) lies above the validation loss (0.87)", None),
    (fit.running_loss_differs, "augmentation=shift", "made harder by augmentation", None),
    (fit.accuracy_elsewhere, "label_noise=0.3", "Epoch 7 was the more accurate one, 82.6%", None),
    (fit.would_have_stopped, "", "kept epoch 11: validation loss 0.407 and accuracy 87.5% instead of", None),
    (fit.stopped_early, "patience=5", "Stopped at epoch 16", None),
    (comparison.identical, "", "patience 0 → 5 changes no step", "patience=5"),
    (
        comparison.practically_identical,
        "epochs=20",
        "no real difference",
        "epochs=20&mistake=log_softmax_cross_entropy",
    ),
    (comparison.within_luck, "epochs=20", "Another seed", "epochs=20&weight_decay=0.0001"),
]


def _case(query: str, beside: str | None = None) -> Case:
    return Case(*history_of(query), history_of(beside) if beside else None)


def test_every_rule_is_tried_on_a_real_history() -> None:
    assert {rule for rule, *_ in FIRES} == set(RULES)
    assert len(RULES) >= 15


@pytest.mark.parametrize(("rule", "query", "words", "beside"), FIRES, ids=[rule.__name__ for rule, *_ in FIRES])
def test_rule_speaks_and_cites_the_numbers_of_the_run(rule: Rule, query: str, words: str, beside: str | None) -> None:
    hint = rule(_case(query, beside))
    assert hint is not None
    assert words in hint.text
    assert hint.text.endswith(".")


@pytest.mark.parametrize("rule", RULES, ids=[rule.__name__ for rule in RULES])
def test_rule_is_silent_on_an_untrained_network_and_on_most_runs(rule: Rule) -> None:
    experiment, history = history_of("epochs=10&train_size=5000&dropout=0.2")
    assert rule(Case(experiment, history, None)) is None
    assert hints(experiment, history[:1]) == []
    spoken = sum(rule(Case(*history_of(query), None)) is not None for query in recorded())
    assert spoken <= len(recorded()) / 2


@pytest.mark.parametrize("query", list(recorded()))
def test_run_b_is_always_a_run_and_differs(query: str) -> None:
    experiment, history = history_of(query)
    for hint in hints(experiment, history):
        if hint.try_b is not None:
            assert experiment.replace(**hint.try_b) != experiment


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


def test_equal_runs_are_said_to_be_equal() -> None:
    experiment, history = history_of("epochs=20")
    found = hints(experiment, history, (experiment, history))
    assert any("equal number for number" in hint.text for hint in found)


def test_nan_beside_a_run_is_no_difference_within_luck() -> None:
    experiment, history = history_of("epochs=20")
    broken = [replace(point, val_loss=float("nan")) for point in history]
    found = hints(experiment, history, (Experiment(learning_rate=1), broken))
    assert not any("Another seed" in hint.text for hint in found)


def test_one_bad_step_is_not_called_overfitting() -> None:
    experiment, history = history_of(f"{SGD}&epochs=20")
    assert history[-1].val_loss > min(point.val_loss for point in history) + 0.05
    assert Kind.OVERFITTING not in {hint.kind for hint in hints(experiment, history)}
