"""A knob as forms and messages need it: bounds from its declaration, values as text, refusals in one short line."""

import pytest
from pydantic import BaseModel, Field

from mnist_demo.experiment.choices import Optimizer
from mnist_demo.experiment.knobs import Knob, knobs_of, shown, to_text


class Oven(BaseModel):
    """Two knobs of another subject: the module must not know MNIST's."""

    degrees: int = Field(180, ge=50, le=250, title="Heat", description="How hot.", examples=[100, 180])
    share: float = Field(0.5, ge=0, le=1)


def test_a_declaration_is_read_whole() -> None:
    degrees, share = knobs_of(Oven, Oven()).values()
    assert degrees == Knob("degrees", "Heat", "How hot.", 180, int, 50, 250, ("100", "180"))
    assert (share.title, share.help, share.examples, share.choices) == ("share", "", (), ())
    assert degrees.accepts == "a whole number from 50 to 250"
    assert share.accepts == "a number from 0 to 1"


def test_a_choice_accepts_its_words() -> None:
    knob = Knob("optimizer", "Optimizer", "", Optimizer.ADAM, Optimizer)
    assert knob.accepts == "one of sgd, momentum, adam, adamw"
    assert knob.refusal("adan") == "Optimizer (optimizer) cannot be 'adan': give one of sgd, momentum, adam, adamw."


@pytest.mark.parametrize("value", [0.1, 1e-6, 1 / 3, 2.0**-40, 1e300, 0.30000000000000004])
def test_the_text_of_a_number_brings_back_the_very_same_number(value: float) -> None:
    assert float(to_text(value)) == value


def test_sizes_are_joined_and_no_size_has_a_word() -> None:
    assert (to_text((256, 128)), to_text(()), to_text(0.001)) == ("256-128", "none", "0.001")


HOSTILE: list[object] = [10**5000, "x" * 1_000_000, ["y" * 500] * 7, {"k": 1}, "a\nb", "\ud800", b"\0" * 99]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_a_bad_value_is_repeated_short_and_on_one_line(value: object) -> None:
    text = shown(value)
    assert len(text) <= 40
    assert text.isascii()
    assert text.isprintable()
