"""The small language of claims."""

import pytest

from mnist_demo.experiment.summary import RunSummary
from mnist_demo.lessons.claims import is_true
from tests.experiment.test_summary import HISTORY


def test_claims_compare_and_calculate() -> None:
    summaries = {"a": RunSummary(HISTORY), "b": RunSummary(HISTORY[:2])}
    assert is_true("a.last.val_accuracy - b.last.val_accuracy >= 0.03", summaries)
    assert is_true("abs(b.rise) <= 0.01 and not a.diverged", summaries)
    assert not is_true("a.rise <= b.rise / 2 or a.fall > 1", summaries)


@pytest.mark.parametrize(
    "expression",
    ["__import__('os')", "a.__class__", "open('x')", "c.last.epoch", "[a for a in b]", "a.last.epoch := 1"],
)
def test_claims_cannot_say_anything_else(expression: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        is_true(expression, {"a": RunSummary(HISTORY), "b": RunSummary(HISTORY)})
