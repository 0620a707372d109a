"""Recorded histories of real runs, and how they were recorded: `python -m tests.histories`.

Every run that a lesson trains, with seed 0 (one with 1), and a few more for the hints. A line of
`runs.jsonl` is one run: its link, its points to six digits, and the evidence (`Probe`) of three of them: the first,
the one of the lowest loss and the last. Delete the file to record it anew.
"""

import functools
import json
from collections.abc import Iterator
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics, Probe, best_index
from mnist_demo.experiment.pair import Pair
from mnist_demo.lessons import lessons

FILE = Path(__file__).parent / "runs.jsonl"
MORE = (
    *("epochs=5", "epochs=5&learning_rate=0.000001", "epochs=20&batch_size=1000", "epochs=20&weight_decay=0.0001"),
    *("epochs=10&optimizer=sgd&learning_rate=0.5&activation=tanh", "epochs=10&train_size=5000&dropout=0.2"),
    *("epochs=10&weight_decay=1", "epochs=20&hidden_sizes=2"),
)


def link(experiment: Experiment) -> str:
    """The name of a run in the file."""
    return Pair(a=experiment, b=experiment).to_query()


def experiments() -> dict[str, Experiment]:
    """Every run worth a record, by its link."""
    found = [experiment for lesson in lessons() for experiment in (lesson.pair.a, lesson.pair.b)]
    found += [Pair.from_query(query).a for query in MORE]
    return {link(experiment): experiment for experiment in found}


def to_line(name: str, history: tuple[Metrics, ...]) -> str:
    """One run as a line of the file."""
    points = [[float(f"{value:.6g}") for value in astuple(replace(point, probe=None))[:-1]] for point in history]
    told = {0, best_index(history) or 0, len(history) - 1}
    probes = {index: asdict(probe) for index in sorted(told) if (probe := history[index].probe)}
    return json.dumps({"run": name, "points": points, "probes": probes}, separators=(",", ":"))


@functools.cache
def recorded() -> dict[str, tuple[Metrics, ...]]:
    """The history of each recorded run, by its link."""
    runs = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    return {run["run"]: tuple(_points(run)) for run in runs}


def history_of(query: str) -> tuple[Experiment, tuple[Metrics, ...]]:
    """A recorded run, by any spelling of its link."""
    experiment = Pair.from_query(query).a
    return experiment, recorded()[link(experiment)]


def _points(run: dict[str, Any]) -> Iterator[Metrics]:
    for index, (step, epoch, seen, *rest) in enumerate(run["points"]):
        evidence = run["probes"].get(str(index))
        layers = {name: tuple(value) for name, value in (evidence or {}).items() if isinstance(value, list)}
        yield Metrics(int(step), epoch, int(seen), *rest, probe=Probe(**(evidence | layers)) if evidence else None)
