"""Hints: what a run's numbers say about it, and the run B to try next. Silent when nothing is sure.

Each rule reads a recorded history with its evidence and cites the numbers it saw. At most one cause is named: a wrong
line before a setting, a setting before overfitting. `checking` tries the rules on experiments whose cause is known.
"""

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import History
from mnist_demo.hints import bugs, comparison, fit, settings
from mnist_demo.hints.case import Case, Cause, Hint, Kind, Promise, Rule

__all__ = ["RULES", "Cause", "Hint", "Kind", "Promise", "hints"]

RULES: tuple[Rule, ...] = (*bugs.RULES, *settings.RULES, *fit.RULES, *comparison.RULES)


def hints(experiment: Experiment, history: History, other: tuple[Experiment, History] | None = None) -> list[Hint]:
    """Hints about a run, bugs first. `other` is the run beside it. A history with under two points gives no hints.

    If a bug is found, no other hint is given: overfitting and settings do not matter until it is fixed.
    """
    case = Case(experiment, history, other)
    if len(history) < 2 or (other and len(other[1]) < 2) or len(case.probes) < 2:
        return []
    found: list[Hint] = []
    for rule in RULES:
        hint = rule(case)
        if hint is None or (hint.cause and any(earlier.cause for earlier in found)):
            continue
        if hint.kind is Kind.BUG:
            return [hint]
        found.append(hint)
    return found
