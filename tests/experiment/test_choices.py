"""The words of choices: fit for an address and a flag, and each one understood."""

import re
from enum import StrEnum
from urllib.parse import quote

import pytest

from mnist_demo.experiment import choices
from mnist_demo.experiment.config import Experiment, knobs

CHOICES = [value for value in vars(choices).values() if isinstance(value, type) and issubclass(value, StrEnum)][1:]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.__name__)
def test_words_stand_in_addresses_and_flags_as_they_are(choice: type[StrEnum]) -> None:
    for word in choice:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", word)
        assert quote(word) == word
        assert word.name == word.upper()


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.__name__)
def test_every_choice_belongs_to_one_knob_that_takes_each_of_its_words(choice: type[StrEnum]) -> None:
    (name,) = [knob.name for knob in knobs().values() if knob.type is choice]
    for word in choice:
        assert getattr(Experiment.from_dict({name: str(word)}), name) is word
