"""Trying lessons on seeds: what is trained, what counts as good, and all of them on ten seeds."""

from dataclasses import replace

import pytest

from mnist_demo.experiment.pair import Pair
from mnist_demo.lessons import Lesson, checking, lesson, lessons
from mnist_demo.lessons.catalog import Claim, Suggestion


def _tiny(expression: str) -> Lesson:
    found = lesson("one-seed")
    assert found is not None
    pair = Pair.from_query("train_size=100&epochs=1&hidden_sizes=8&b.seed=1")
    claim = Claim("It is so.", expression)
    next_pair = Pair.from_query("train_size=100&epochs=1&hidden_sizes=8&b.epochs=2")
    suggestion = Suggestion(Claim("Longer takes longer.", "b.last.epoch > a.last.epoch"), None, next_pair)
    return replace(found, pair=pair, right=claim, what_happened=(), why=(), try_next=(suggestion,))


def test_runs_that_lessons_share_are_trained_once() -> None:
    two = [_tiny("a.fall >= 0"), _tiny("a.fall < 0")]
    assert checking.run_count(two, 3) == 7  # seeds 0, 1, 2 and 1, 2, 3 of one epoch, and three of two epochs


def test_check_trains_and_judges_every_sentence() -> None:
    good, bad = _tiny("a.last.val_loss != b.last.val_loss"), _tiny("a.last.epoch > 1")
    outcomes = list(checking.check([good, bad], seeds=2))
    assert outcomes.count(None) == 5
    verdicts = [verdict for verdict in outcomes if verdict]
    assert len(verdicts) == 4
    lines = {verdict.claim.expression: verdict.line() for verdict in verdicts}
    assert lines["a.last.val_loss != b.last.val_loss"].split()[:3] == ["ok", "2/2", "one-seed"]
    assert lines["a.last.epoch > 1"].startswith("FAIL  0/2 one-seed ")
    assert lines["a.last.epoch > 1"].endswith("It is so. (not at seed 0, 1)")
    assert lines["b.last.epoch > a.last.epoch"].endswith("Longer takes longer.")


@pytest.mark.parametrize(("failed", "is_good"), [((), True), ((4,), True), ((4, 5), False)])
def test_nine_of_ten_seeds_are_enough(failed: tuple[int, ...], is_good: bool) -> None:
    assert checking.Verdict(_tiny("a.fall >= 0"), Claim("So.", "a.fall >= 0"), 10, failed).is_good is is_good


@pytest.mark.slow
@pytest.mark.timeout(14_400)
def test_every_sentence_holds_on_nine_of_ten_seeds() -> None:
    verdicts = [verdict for verdict in checking.check(lessons(), seeds=10) if verdict]
    assert len(verdicts) >= 190
    assert [verdict.line() for verdict in verdicts if not verdict.is_good] == []
