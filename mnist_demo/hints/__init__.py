"""Hints: what a run's numbers say about it, and the run B to try next. Silent when nothing is to say.

Each rule reads an experiment and its recorded history and cites the numbers it saw. A wrong line or a
broken run is told apart from overfitting: while there is a bug, nothing is said of fit.
"""

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import History
from mnist_demo.hints import bugs, comparison, fit
from mnist_demo.hints.case import Case, Hint, Kind, Rule

__all__ = ["RULES", "Hint", "Kind", "hints"]

RULES: tuple[Rule, ...] = (*bugs.RULES, *fit.RULES, *comparison.RULES)


def hints(experiment: Experiment, history: History, other: tuple[Experiment, History] | None = None) -> list[Hint]:
    """Hints about a run, bugs first. `other` is the run beside it; a history with under two points says nothing.

    Where a bug is found, only bugs and plain information are told: overfitting is then beside the point.
    """
    if len(history) < 2 or (other and len(other[1]) < 2):
        return []
    case = Case(experiment, history, other)
    found = [hint for rule in RULES if (hint := rule(case))]
    if any(hint.kind is Kind.BUG for hint in found):
        return [hint for hint in found if hint.kind is Kind.BUG]
    return found
