"""The types of what a page sends: drawings and steps have words of their own; numbers beside a slider are bounded."""

from typing import Any

import pytest

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images.sketch import Preprocessing
from mnist_demo.ui.values import Drawn, Steps, whole_number
from mnist_demo.ui.visit import read


def test_steps_are_named() -> None:
    assert read(Steps, ["CROP", "FIT"]) == {Preprocessing.CROP, Preprocessing.FIT}
    assert read(Steps, []) == set()
    bad: list[Any] = [None, ["no such step"], "CROP", [1], {"CROP": 1}]
    for names in bad:
        with pytest.raises(InvalidDrawing, match=r"\.$"):
            read(Steps, names)


def test_a_drawing_is_bytes_and_a_number() -> None:
    assert read(Drawn, {"ink": "YWJj", "seq": 4}) == (b"abc", 4)
    assert read(Drawn, None) == (b"", 0)
    with pytest.raises(InvalidDrawing, match="base64"):
        read(Drawn, {"ink": "not base64!"})


def test_a_number_is_taken_to_the_nearest_whole_one_within_bounds() -> None:
    assert [whole_number(value, 0, 9, 5) for value in (3, 3.6, -1, 1e300, None)] == [3, 4, 0, 9, 5]
