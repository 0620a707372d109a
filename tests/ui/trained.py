"""A visitor with a trained pair, for handlers that are called as plain functions."""

import asyncio
import base64
import json
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import gradio as gr

from mnist_demo.cluster.engine import InProcess
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.learning.chunks import train_chunk
from mnist_demo.serving.runs import Run, RunStore
from mnist_demo.serving.visitors import Visitor, Visitors
from mnist_demo.ui.components.canvas import Drawing
from mnist_demo.ui.visit import Lab, Shown

Result = TypeVar("Result")
ME, YOU = "me", "you"
BLANK = Drawing(b"", 0)


def lab_of(root: Path) -> Lab:
    """The server's side, with trainings in this process."""
    return Lab(Visitors(RunStore()), InProcess(), root)


def train_pair(lab: Lab, pair: Pair, owner: str = ME) -> Visitor:
    """A visitor with both runs, trained to their ends in this process, on the page."""
    visitor = lab.visitors.of(owner)
    for run in visitor.start(pair):
        train(run, lab.root)
    return visitor


def train(run: Run, root: Path) -> None:
    if not run.training.is_over:
        run.training.record(train_chunk(run.training.state.read(), 100_000, root))
    run.see(run.training.step)


def tiny_pair(tiny: Experiment, **b: object) -> Pair:
    return Pair(a=tiny, b=tiny.replace(**(b or {"seed": 1})))


def named(shown: Shown, components: dict[str, Any]) -> dict[str, Any]:
    """What components show, by names of the test's own; what is not shown anew is left out."""
    assert set(shown) <= set(components.values()), "a component that the test does not know"
    return {name: unpacked(shown[component]) for name, component in components.items() if component in shown}


def event(index: Any, value: Any = None) -> gr.SelectData:
    """A click that a component reports."""
    return gr.SelectData(None, {"index": index, "value": value})


def unpacked(value: Any) -> Any:
    """A component's value as its script reads it (of the curves: all but the points); what is not packed as it is."""
    if isinstance(value, dict) and "frame" in value:
        frame, state = json.loads(value["frame"]), json.loads(value["state"])
        runs = [{**named, **ended} for named, ended in zip(frame["runs"], state["runs"], strict=True)]
        return {**frame, **state, "runs": runs}
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


def drawing_of(png: bytes, seq: int = 3) -> dict[str, Any]:
    """What the canvas sends."""
    return {"ink": base64.b64encode(png).decode(), "seq": seq, "final": True, "strokes": 1}


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
