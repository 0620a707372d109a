"""A visitor with a trained pair, for handlers that are called as plain functions."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast
from unittest import mock

import gradio as gr

from mnist_demo.cluster.engine import InProcess
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.learning.chunks import train_chunk
from mnist_demo.serving.runs import Run, RunStore
from mnist_demo.ui.visit import Visit

Result = TypeVar("Result")
ME, YOU = "me", "you"


@dataclass(frozen=True)
class FakeRequest:
    """The one thing of a request that handlers look at."""

    session_hash: str


def request_of(owner: str) -> gr.Request:
    return cast(gr.Request, FakeRequest(owner))


def visit_of(root: Path) -> Visit:
    """A visit whose trainings run in this process."""
    return Visit(RunStore(), InProcess(), root)


def train_pair(visit: Visit, pair: Pair, owner: str = ME) -> list[Run]:
    """Both runs, trained to their ends in this process."""
    pair_of_runs = visit.store.create_pair(pair, owner)
    for run in pair_of_runs:
        chunk = train_chunk(run.state, 100_000, visit.root)
        run.record(chunk.state, chunk.points)
    return pair_of_runs


def tiny_pair(tiny: Experiment, **b: object) -> Pair:
    return Pair(a=tiny, b=tiny.replace(**(b or {"seed": 1})))


def ids_of(pair_of_runs: list[Run]) -> tuple[str, ...]:
    return tuple(run.id for run in pair_of_runs)


def unpacked(value: Any) -> Any:
    """A component's value as its script reads it (of the curves: all but the points); what is not packed as it is."""
    if isinstance(value, dict) and "frame" in value:
        frame, state = json.loads(value["frame"]), json.loads(value["state"])
        runs = [{**named, **ended} for named, ended in zip(frame["runs"], state["runs"], strict=True)]
        return {**frame, **state, "runs": runs}
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


def do(coroutine: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(coroutine)


@contextmanager
def unserved_page() -> Iterator[None]:
    """A context to build components in. Gradio makes event loops for it and never closes them: that is done here."""
    loops: list[asyncio.AbstractEventLoop] = []
    make = asyncio.new_event_loop

    def tracked() -> asyncio.AbstractEventLoop:
        loops.append(make())
        return loops[-1]

    with mock.patch("asyncio.new_event_loop", tracked), gr.Blocks(analytics_enabled=False):
        yield  # the loops are made when the inner context ends
    for loop in loops:
        loop.close()
