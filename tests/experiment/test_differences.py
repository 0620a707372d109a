"""Experiments in words: every knob and choice has a name that a person would say."""

import re

from mnist_demo.experiment.choices import words
from mnist_demo.experiment.config import Experiment, knobs
from mnist_demo.experiment.differences import describe_changes, describe_values, knob_words, value_words

BASE = Experiment()


def test_a_difference_names_knob_and_values() -> None:
    other = BASE.replace(train_size=5000, mistake="nll_logits")
    assert describe_changes(BASE, other) == "training images 1000 → 5000, mistake none → NLLLoss on logits"
    assert describe_values(BASE, other) == "training images 5000, mistake NLLLoss on logits"
    assert describe_changes(BASE, BASE) == describe_values(BASE, BASE) == ""


def test_no_identifier_is_shown() -> None:
    for name, knob in knobs().items():
        assert "_" not in knob_words(name)
        for choice in knob.choices:
            said = words(knob.type(choice))
            assert not re.search(r"(?<!zero)_(?!grad)", said), said
            assert value_words(knob.type(choice)) == said
    assert value_words((256, 128)) == "256-128"
    assert value_words(0.001) == "0.001"
