"""Describes in words how two experiments differ. Knows only their knobs."""

from enum import StrEnum

from mnist_demo.experiment.choices import words
from mnist_demo.experiment.config import Experiment, changed_fields, knobs
from mnist_demo.experiment.knobs import NO_OWN_DIGITS, SAMPLE_HAND, to_text

OWN_WORDS = {NO_OWN_DIGITS: "none", SAMPLE_HAND: "sample hand"}


def describe_changes(a: Experiment, b: Experiment) -> str:
    """'dropout 0 → 0.5', several joined by ', '; empty if the two are equal."""
    return ", ".join(
        f"{knob_words(name)} {value_words(old)} → {value_words(new)}"
        for name, (old, new) in changed_fields(a, b).items()
        if old != new  # a link may carry sizes that are the same
    )


def describe_values(base: Experiment, other: Experiment) -> str:
    """The knobs in which an experiment differs from a base, with its values: 'dropout 0.5, seed 1'; else empty."""
    return ", ".join(f"{knob_words(name)} {value_words(new)}" for name, (_, new) in changed_fields(base, other).items())


def knob_words(name: str) -> str:
    """The name of a knob in a sentence: "training images", "learning rate"."""
    return knobs()[name].title.lower()


def value_words(value: object) -> str:
    """A knob's value in a sentence: 0.001, 256-128, Adam."""
    if isinstance(value, StrEnum):
        return words(value)
    return OWN_WORDS.get(value, f"yours ({value[:4]})") if isinstance(value, str) else to_text(value)
