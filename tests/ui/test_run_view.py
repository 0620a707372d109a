"""Two runs in words and curves: what tells them apart, where each stands, how they ended."""

import math
import re
from dataclasses import replace
from html import unescape

import pytest

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.experiment.pair import Pair
from mnist_demo.learning.training import Status
from mnist_demo.serving.runs import Run, RunStore
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.run_view import PairView, closing_words, difference_html, difference_text, pair_curves
from tests.ui.trained import ME, named, tiny_pair, unpacked, unserved_page


@pytest.fixture
def visitor(tiny: Experiment) -> Visitor:
    """Both runs seen to their ends: the lowest validation loss is at epoch 2 of 3."""
    visitor = Visitor(ME, RunStore())
    for run in visitor.start(tiny_pair(tiny, dropout=0.5)):
        losses = (2.0, 1.5, 1.25, 1.375)
        points = [Metrics(4 * n, n, 100 * n, loss, 1.125, 0.5, loss, 0.25) for n, loss in enumerate(losses)]
        run.training.history, run.training.step, run.training.status = points, 12, Status.FINISHED
        run.see(12)
    return visitor


def cards(visitor: Visitor) -> list[str]:
    """Both cards as a visitor reads them."""
    with unserved_page():
        view = PairView()
        view.build_charts()
        view.build_cards()
    html = named(view.show(visitor), {"charts": view.charts, "cards": view.cards})["cards"]
    return [re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", " ", card))) for card in html.split("<section")[1:]]


def test_a_card_says_where_the_run_is_and_what_tells_it_apart(visitor: Visitor) -> None:
    a, b = cards(visitor)
    assert "Run A · dropout 0" in a
    assert "Run B · dropout 0.5" in b
    assert "Epoch 3 of 3, finished" in a
    assert "Best loss 1.250 at epoch 2 (25.0%)" in a
    assert "Right train 50.0%, validation 25.0%" in a
    assert "Loss train 1.125, validation 1.375" in a
    assert "Gap +0.250, validation − train" in a


def test_looking_back_the_card_is_of_that_epoch(visitor: Visitor) -> None:
    visitor.look_at(1)
    a, _ = cards(visitor)
    assert "Epoch 1 of 3, looking back" in a
    assert "Gap +0.375" in a


def test_a_loss_that_is_no_number_has_no_gap(visitor: Visitor) -> None:
    run = visitor.pair[0]
    run.history[-1] = replace(run.history[-1], train_loss=math.nan)
    a, b = cards(visitor)
    assert "Gap none: no number" in a
    assert "Gap +0.250" in b


def test_who_waits_is_told_before_there_is_a_point(tiny: Experiment) -> None:
    visitor = Visitor(ME, RunStore())
    visitor.start(tiny_pair(tiny))[0].waits_for = "<2> others are training."
    a, b = cards(visitor)
    assert "Waits <2> others are training." in a, "and it is text, no HTML"
    assert "Waits" not in b
    assert "Epoch" not in a + b


def test_an_earlier_run_is_laid_over_with_what_it_differs_in_from_run_a(visitor: Visitor) -> None:
    run: Run = visitor.store.create(visitor.pair[0].experiment.replace(seed=7, epochs=5), ME, "0A")
    curves = unpacked(pair_curves(visitor.pair, [run], cursor=2))
    assert [each["name"] for each in curves["runs"]] == ["A", "B", "0A"]
    assert curves["runs"][2]["label"] == difference_text(visitor.pair[0].experiment, run.experiment)
    assert (curves["cursor"], curves["seq"]) == (2, 8)


def test_the_end_is_told_only_where_something_is_to_be_said(visitor: Visitor) -> None:
    a, b = visitor.pair
    assert closing_words(visitor.pair) == ""
    a.training.status = Status.RUNNING
    assert "Stopped. Resume continues exactly where it was." in closing_words(visitor.pair)
    b.training.status = Status.DIVERGED
    assert "Run B diverged: the loss is no longer a number." in closing_words(visitor.pair)
    a.training.status = Status.DIVERGED
    assert "Run A and run B diverged" in closing_words(visitor.pair)


def test_the_difference_is_one_line_and_warns_of_more_than_one_knob(tiny: Experiment) -> None:
    def line(**changes: object) -> str:
        html = difference_html(Pair(a=tiny, b=tiny.replace(**changes)))
        return re.sub("<.*?>", "", unescape(html))

    assert "no knob differs, so the two curves will be identical." in line()
    assert "dropout 0 → 0.5" in line(dropout=0.5)
    assert "you cannot tell" not in line(dropout=0.5)
    assert "2 knobs differ, so you cannot tell which one made the difference" in line(dropout=0.5, seed=1)
