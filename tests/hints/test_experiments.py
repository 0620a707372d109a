"""The experiments that hints are tried on: half of them healthy, and what is planted in the others is one knob."""

from collections import Counter

import pytest

from mnist_demo.experiment.config import changed_fields
from mnist_demo.hints import Cause
from mnist_demo.hints.experiments import CHECKED_ON, IMAGES, RATES, TUNED_ON, labelled

CASES = list(labelled(300, CHECKED_ON))


def test_half_are_healthy_every_cause_occurs_and_the_check_is_not_what_was_tuned_on() -> None:
    cases = list(labelled(300, CHECKED_ON))
    assert sum(case.cause is None for case in cases) == 150
    assert set(Counter(case.cause for case in cases if case.cause).values()) == {10}
    assert {case.experiment.network for case in cases} == {"mlp", "cnn", "deep_cnn"}
    assert {case.experiment.optimizer for case in cases} == {"sgd", "momentum", "adam", "adamw"}
    assert {case.experiment.mistake for case in cases} > {case.healthy.mistake for case in cases} > {"none"}
    assert not {case.experiment for case in cases} & {case.experiment for case in labelled(300, TUNED_ON)}
    assert cases == list(labelled(300, CHECKED_ON))
    for case in cases:
        assert (case.experiment == case.healthy) == (case.cause is None)


KNOBS = {  # what a cause changes, and whether it is more or less than the healthy value
    Cause.RATE_TOO_HIGH: ("learning_rate", True),
    Cause.RATE_TOO_LOW: ("learning_rate", False),
    Cause.WEIGHT_DECAY: ("weight_decay", True),
    Cause.TOO_MUCH_DROPOUT: ("dropout", True),
    Cause.WRONG_LABELS: ("label_noise", True),
    Cause.FEW_UPDATES: ("batch_size", True),
    Cause.TOO_NARROW: ("hidden_sizes", False),
    Cause.RAW_PIXELS: ("normalize", None),
    Cause.SIGNAL_DIES: ("activation", None),
}


@pytest.mark.parametrize("cause", list(Cause))
def test_a_cause_is_planted_in_one_knob(cause: Cause) -> None:
    name, is_more = KNOBS.get(cause, ("mistake", None))
    planted = [case for case in CASES if case.cause is cause]
    assert planted
    for case in planted:
        changes = changed_fields(case.healthy, case.experiment)
        assert set(changes) == {name}
        old, new = changes[name]
        if is_more is not None:
            assert (min(new) < min(old)) if name == "hidden_sizes" else (new > old) == is_more


def test_a_harm_is_seen_only_where_it_can_be() -> None:
    for case in CASES:
        if case.cause is Cause.NO_EVAL:
            assert case.experiment.network != "mlp" or case.experiment.dropout > 0
        if case.cause is Cause.FEW_UPDATES:
            assert case.experiment.batch_size >= case.experiment.train_size


def test_healthy_ones_have_a_rate_that_suits_and_no_run_is_long() -> None:
    for case in CASES:
        assert case.healthy.learning_rate in RATES[case.healthy.optimizer]
        assert case.healthy.train_size * case.healthy.epochs <= IMAGES
        assert case.healthy.label_noise == 0


def test_more_of_them_begin_with_the_same_ones_and_another_seed_draws_others() -> None:
    few = list(labelled(20, CHECKED_ON))
    assert few == CASES[:20]
    assert few != list(labelled(20, TUNED_ON))
