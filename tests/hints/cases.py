"""Runs for a rule to judge: recorded ones, and made-up ones of which a test sets a few numbers."""

from dataclasses import fields
from typing import Any

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics, Probe
from mnist_demo.hints.case import Case, Rule
from tests.histories import history_of

# rule, the run it must speak of, what it must cite, the run beside it
Fires = list[tuple[Rule, str, str, str | None]]

CALM: dict[str, Any] = {  # a run that learns
    **{"running_loss": 0.5, "train_loss": 0.45, "train_accuracy": 0.88, "val_loss": 0.5, "val_accuracy": 0.86},
    **{"cross_entropy": 0.45, "probability_cross_entropy": 1.7, "label_probability": 0.8, "label_logit": 4.0},
    **{"confidence": 0.8, "sure_mistakes": 0.1, "wrong": "0", "common_answer": 0.11, "blank_loss": 2.3},
    **{"input_size": 1.0, "weight_norm": 10.0, "spreads": (1.0, 1.0), "stuck": (0.0, 0.0)},
    **{"gradients": (1.0, 1.0, 1.0), "update": 0.01, "left_over": 0.0, "label_changes": 0.9},
    **{"moved_accuracy": 0.4, "slanted_accuracy": 0.5},
}


def history(**values: Any) -> list[Metrics]:
    """A calm run of three points, 16 steps apart; a list gives each point its own number, else all have the same."""
    columns = {**CALM, **values}
    count = max((len(value) for value in columns.values() if isinstance(value, list)), default=3)
    made = []
    for i in range(count):
        row = {name: value[i] if isinstance(value, list) else value for name, value in columns.items()}
        row = {"step": 16 * i, "epoch": float(i), "examples_seen": 1000 * i} | row
        probe = Probe(**{each.name: row.pop(each.name) for each in fields(Probe)})
        made.append(Metrics(probe=probe, **row))
    return made


def case(experiment: dict[str, Any] | None = None, **values: Any) -> Case:
    """A made-up run, with no other beside it."""
    return Case(Experiment.from_dict({"epochs": 2, **(experiment or {})}), history(**values), None)


def recorded_case(query: str, beside: str | None = None) -> Case:
    """A recorded run, and another beside it."""
    return Case(*history_of(query), history_of(beside) if beside else None)


def assert_it_speaks_of(rule: Rule, query: str, words: str, beside: str | None) -> None:
    """On a recorded run, in words that cite its numbers."""
    hint = rule(recorded_case(query, beside))
    assert hint is not None
    assert words in hint.text
    assert hint.text.endswith(".")
