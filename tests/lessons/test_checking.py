"""Trying lessons on seeds: what is trained, what counts as good, and all of them on ten seeds."""

from dataclasses import replace

import pytest

from mnist_demo.experiment.pair import Pair
from mnist_demo.lessons import Lesson, checking, lesson, lessons
from mnist_demo.lessons.catalog import Claim


def _tiny(expression: str) -> Lesson:
    found = lesson("one-seed")
    assert found is not None
    pair = Pair.from_query("train_size=100&epochs=1&hidden_sizes=8&b.seed=1")
    return replace(found, pair=pair, claims=(Claim("It is so.", expression),))


def test_runs_that_lessons_share_are_trained_once() -> None:
    assert checking.run_count([_tiny("a.fall >= 0"), _tiny("a.fall < 0")], 3) == 4  # seeds 0, 1, 2 and 1, 2, 3


def test_check_trains_and_judges() -> None:
    good, bad = _tiny("a.last.val_loss != b.last.val_loss"), _tiny("a.last.epoch > 1")
    outcomes = list(checking.check([good, bad], seeds=2))
    assert outcomes.count(None) == 3
    verdicts = {verdict.lesson.claims: verdict for verdict in outcomes if verdict}
    assert verdicts[good.claims].is_good
    assert verdicts[good.claims].line().startswith("ok    2/2 one-seed")
    assert verdicts[bad.claims].held == 0
    assert "FAIL" in verdicts[bad.claims].line()
    assert "seed 1: It is so." in verdicts[bad.claims].line()


@pytest.mark.parametrize(("held", "is_good"), [(10, True), (9, True), (8, False)])
def test_nine_of_ten_seeds_are_enough(held: int, is_good: bool) -> None:
    assert checking.Verdict(_tiny("a.fall >= 0"), 10, (), held).is_good is is_good


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_lesson_holds_on_nine_of_ten_seeds() -> None:
    verdicts = [verdict for verdict in checking.check(lessons(), seeds=10) if verdict]
    assert len(verdicts) == len(lessons())
    assert [verdict.line() for verdict in verdicts if not verdict.is_good] == []
