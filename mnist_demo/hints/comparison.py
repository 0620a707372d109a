"""Rules that compare a run with the run beside it."""

import math
from typing import Any

from mnist_demo.experiment.config import changed_fields
from mnist_demo.experiment.differences import describe_changes
from mnist_demo.hints.case import Case, Hint, Kind, Rule

LUCK = 0.007  # accuracy: the final values of ten seeds of the default run differ by up to this much


def identical(case: Case) -> Hint | None:
    """Two runs with exactly the same numbers."""
    if not case.other or not _is_same(case):
        return None
    changes = describe_changes(case.experiment, case.other[0])
    shared = min(len(case.history), len(case.other[1]))
    text = case.say(
        "The two runs have equal knobs, so they are equal number for number. | knobs == others and is_same",
        "Number for number the two runs are the same: {changes} changes no step. "
        "| knobs != others and is_same and mine == theirs",
        "Number for number the two runs are the same up to epoch {until:.0f}: {changes} changes no step. "
        "| knobs != others and is_same and mine != theirs",
        **{"others": case.other[0], "is_same": _is_same(case), "mine": len(case.history)},
        **{"theirs": len(case.other[1]), "until": case.history[shared - 1].epoch, "changes": changes},
    )
    return Hint(Kind.INFO, text, None if changes else _next_seed(case))


def practically_identical(case: Case) -> Hint | None:
    """Two runs that differ by rounding only."""
    if not case.other or _is_same(case) or len(case.history) != len(case.other[1]):
        return None
    pairs = list(zip(case.history, case.other[1], strict=True))
    differences = [abs(x.val_loss - y.val_loss) for x, y in pairs]
    if not all(difference <= 0.01 for difference in differences):  # NaN is no small difference
        return None
    return Hint(
        Kind.INFO,
        case.say(
            "The two validation losses never differ by more than {largest:.2g}: {changes} makes no real difference "
            "here. | largest <= 0.01",
            **{"largest": max(differences), "changes": describe_changes(case.experiment, case.other[0])},
        ),
    )


def within_luck(case: Case) -> Hint | None:
    """A difference no larger than another seed would make."""
    if not case.other or identical(case) or practically_identical(case):
        return None
    mine, theirs = case.last, case.other[1][-1]
    difference = abs(mine.val_accuracy - theirs.val_accuracy)
    is_close = difference < LUCK and abs(mine.val_loss - theirs.val_loss) < 0.05
    if not is_close or "seed" in changed_fields(case.experiment, case.other[0]):
        return None
    return Hint(
        Kind.INFO,
        case.say(
            "The runs end at {last.val_accuracy:.1%} and {theirs.val_accuracy:.1%}. "
            "| abs(last.val_accuracy - theirs.val_accuracy) < 0.007",
            "Another seed alone can make such a difference: compare with one before believing it. | advice",
            theirs=theirs,
        ),
        _next_seed(case),
    )


def _next_seed(case: Case) -> dict[str, Any]:
    return {"seed": (case.experiment.seed + 1) % 2**31}


def _is_same(case: Case) -> bool:
    """Whether every point that both runs have shows the same losses, NaN for NaN."""
    assert case.other
    pairs = zip(case.history, case.other[1], strict=False)
    return all(_equal(x.val_loss, y.val_loss) and _equal(x.train_loss, y.train_loss) for x, y in pairs)


def _equal(x: float, y: float) -> bool:
    return x == y or (math.isnan(x) and math.isnan(y))


RULES: tuple[Rule, ...] = (identical, practically_identical, within_luck)
