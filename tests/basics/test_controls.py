"""The one door: what passes, and that everything else is refused in one short sentence."""

import math

import pytest

from mnist_demo.basics.chapters import EXAMPLES
from mnist_demo.basics.controls import Choice, Number, Switch
from mnist_demo.basics.example import Example
from mnist_demo.errors import InvalidExperiment

DEEP: list[object] = []
for _ in range(3000):
    DEEP = [DEEP]
HOSTILE = [
    math.nan, math.inf, -math.inf, 1e308, 10**400, 10**5000, -1e9, 2**31, 2**53 + 1, 2**63, 3.7e10, None, "", " ", "5",
    "NaN", "0x10", "1e3", "five", "٣", "1,5", [], {}, [1], {"a": 1}, "x" * 1_000_000, "\0", "<script>", "{{7*7}}",
    "../../etc/passwd", "\ud800", b"1", 1j, DEEP,
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=list(EXAMPLES))
def test_hostile_values_are_refused_by_every_control(example: Example) -> None:
    for control in example.controls:
        for value in HOSTILE:
            with pytest.raises(InvalidExperiment) as caught:
                example.read({control.name: value})
            assert len(str(caught.value)) < 300
            assert "\n" not in str(caught.value)


def test_numbers_keep_their_bounds_and_their_kind() -> None:
    whole = Number("n", "length", 4, 1, 8)
    assert (whole.read(1), whole.read(8), whole.read(3.0)) == (1, 8, 3)
    assert isinstance(whole.read(3.0), int)
    real = Number("p", "p", 0.5, 0, 1, 0.1)
    assert isinstance(real.read(1), float)
    for bad in (0, 9, 3.7, True, False):
        with pytest.raises(InvalidExperiment):
            whole.read(bad)


def test_a_refusal_names_the_control_the_value_and_the_bounds() -> None:
    with pytest.raises(InvalidExperiment, match=r"^length can't be 9: give a whole number from 1 to 8\.$"):
        Number("n", "length", 4, 1, 8).read(9)
    with pytest.raises(InvalidExperiment, match=r"^how can't be 'c': give one of a, b\.$"):
        Choice("how", "how", "a", ("a", "b")).read("c")
    with pytest.raises(InvalidExperiment, match=r"^on can't be 1: give true or false\.$"):
        Switch("on", "on", True).read(1)


def test_unknown_names_and_wrong_structures_are_refused() -> None:
    example = EXAMPLES["randn"]
    assert example.read(None) == example.read({}) == example.defaults
    for values in ({"no": 1}, {"rows": 1, "__class__": 2}, [], "rows", 7, {str(i): i for i in range(100_000)}):
        with pytest.raises(InvalidExperiment):
            example.read(values)
