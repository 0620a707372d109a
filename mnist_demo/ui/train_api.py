"""The endpoints `train_start`, `train_status`, `train_stop` and `train_download`: a pair trained for a program.

A training is found only by the key that its start returned. Knows what a program may ask. Does not know how runs are
trained and kept: that is `serving`.
"""

import asyncio
import base64
import logging
import math
import secrets
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr

from mnist_demo.errors import InvalidExperiment, MnistLabError, RunError, UnknownRun
from mnist_demo.experiment.history import Metrics
from mnist_demo.experiment.pair import Pair
from mnist_demo.export.run_files import WeightsFormat, weights_file
from mnist_demo.lessons.link import read_link
from mnist_demo.serving.looks import Point
from mnist_demo.serving.runs import Run
from mnist_demo.ui.values import Text
from mnist_demo.ui.visit import Lab, read

MAX_TRAININGS = 4  # of programs at the same time, few, because the server is mainly for people on the page
FAULT = "The server has made a mistake in this training: start it again."


def build_train_api(lab: Lab) -> None:
    """Adds the endpoints inside the current Blocks context."""
    trainings = _Trainings(lab)
    for endpoint in (trainings.train_start, trainings.train_status, trainings.train_stop, trainings.train_download):
        gr.api(endpoint, api_name=endpoint.__name__, queue=False)  # type: ignore[attr-defined]  # not in __all__


class _Trainings:
    """The pairs that programs have started, by key. Each key is also the id of a visitor record."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.failed: dict[str, str] = {}  # key -> what went wrong

    async def train_start(self, link: str) -> str:
        """Starts a pair of runs and returns the training's key. `link` is what the page's own links carry, with or
        without an address in front: `lesson=overfitting`, or `train_size=1000&dropout=0.5&b.dropout=0`.
        """
        pair = _pair(read(Text, link))
        self.tasks = {key: task for key, task in self.tasks.items() if not task.done()}
        if len(self.tasks) >= MAX_TRAININGS:
            raise RunError(f"{MAX_TRAININGS} programs are training, the most at once here: try again in a minute.")
        key = f"program-{secrets.token_urlsafe(16)}"
        runs = self.lab.visitors.of(key).start(pair)
        self.tasks[key] = asyncio.create_task(self._train(key, runs))
        return key

    async def _train(self, key: str, runs: list[Run]) -> None:
        try:
            async for _ in self.lab.driver.train(runs):
                pass
        except MnistLabError as error:
            self.failed[key] = str(error)
        except Exception as error:
            logging.getLogger(__name__).error("A training failed.", exc_info=error)
            self.failed[key] = FAULT

    def train_status(self, training: str) -> dict[str, Any]:
        """How far the runs `a` and `b` of a training are: status (running, finished, stopped_early or diverged),
        progress from 0 to 1, and each point measured so far; `error` is null, or says why the training has ended.
        """
        key, (a, b) = self._found(training)
        task = self.tasks.get(key)
        is_training = task is not None and not task.done()
        return {"is_training": is_training, "error": self.failed.get(key), "a": _told(a), "b": _told(b)}

    def train_stop(self, training: str) -> dict[str, Any]:
        """Ends a training where it is; returns its status."""
        key, _ = self._found(training)
        self.lab.visitors.of(key).stop()
        return self.train_status(training)

    def train_download(self, training: str, run: str = "a", point: str = "best") -> dict[str, str]:
        """The weights of run `a` or `b` at its `best` or `last` point: a file's name, and its safetensors as base64."""
        _, runs = self._found(training)
        chosen = dict(zip("ab", runs, strict=True)).get(read(Text, run))
        if chosen is None or point not in (Point.BEST.value, Point.LAST.value):
            raise RunError("The run is a or b, and the point is best or last.")
        name, content = weights_file(chosen, Point(point), WeightsFormat.SAFETENSORS)
        return {"name": name, "base64": base64.b64encode(content).decode()}

    def _found(self, training: str) -> tuple[str, list[Run]]:
        key = read(Text, training)
        runs = self.lab.visitors.store.of_owner(key) if key.startswith("program-") else []
        if len(runs) != 2:
            raise UnknownRun("There is no training of that key, or no longer: start it again.")
        self.lab.visitors.store.touch(runs)
        return key, runs


def _pair(link: str) -> Pair:
    """The pair of a link. Raises InvalidExperiment if any part of it is wrong."""
    found = read_link(parse_qsl(link.rpartition("?")[2], keep_blank_values=True))
    if found is None:
        return Pair.from_query("")
    if found.unused:
        raise InvalidExperiment(" ".join(found.unused))
    return found.pair


def _told(run: Run) -> dict[str, Any]:
    points = [_numbers(point) for point in list(run.history)]
    return {"status": run.status, "progress": round(run.progress, 4), "points": points}


def _numbers(point: Metrics) -> dict[str, float | None]:
    """A point without the evidence for hints; JSON has no NaN."""
    numbers = {name: value for name, value in asdict(point).items() if name != "probe"}
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}
