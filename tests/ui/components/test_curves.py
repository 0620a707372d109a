"""The value of the curves: a run's points only ever grow at the end, so that each update sends just what is new."""

import json
import math
from itertools import pairwise

import pytest
from gradio.utils import diff

from mnist_demo.ui.components.curves import COLUMNS, curve, curves_value
from tests.ui.components_page import invented_curve

MOST_BYTES = 40_000  # of one pair's curves, all its updates together


@pytest.mark.parametrize("points", range(1, 80, 7))
def test_more_points_are_told_as_an_addition_to_those_before(points: int) -> None:
    before, after = (curves_value([invented_curve("A", count)], 40) for count in (points, points + 3))
    edits = diff(before["points"], after["points"])
    assert [edit[0] for edit in edits] == ["append"]
    assert edits[0][2].count(";") == 3
    assert before["frame"] == after["frame"]


def test_a_pair_of_forty_epochs_costs_few_bytes() -> None:
    pairs = [
        [invented_curve("A", points), invented_curve("B", max(points - 1, 0), dropout=0.5)] for points in range(83)
    ]
    values = [curves_value(pair, 40, seq=seq) for seq, pair in enumerate(pairs)]
    sent = [json.dumps(diff(before, after)) for before, after in pairwise(values)]
    assert len(json.dumps(values[0])) + sum(map(len, sent)) < MOST_BYTES


def test_every_number_arrives_and_what_is_none_is_left_out() -> None:
    drawn = curve(
        "A",
        "label",
        epoch=[0, 1 / 3],
        examples=[0, 55_000],
        train_loss=[2.302585, 743_018.0],
        val_loss=[math.nan, -math.inf],
        running_loss=[None, 1e-7],
        train_accuracy=[0.1, 1],
        val_accuracy=[0, 0.98765],
    )
    assert COLUMNS[:2] == ("epoch", "examples")
    (points,) = curves_value([drawn], 3)["points"]
    assert points == "0,0,2.3026,,,0.1,0;0.3333,55000,743020,,1e-07,1,0.98765;"


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        curve(
            "A",
            "",
            epoch=[0, 1],
            examples=[0],
            train_loss=[1],
            val_loss=[1],
            running_loss=[1],
            train_accuracy=[1],
            val_accuracy=[1],
        )
