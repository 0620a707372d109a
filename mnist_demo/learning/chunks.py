"""Trains a run in chunks: what a worker does with a chunk, and the loop that sends chunks until the run ends.

Knows how long a chunk takes. Does not know who is watching, or what is saved. A chunk takes bytes and returns bytes.
The run is the same for any lengths of its chunks.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from torch import nn

from mnist_demo.cluster.engine import Engine, Parcel
from mnist_demo.errors import TookTooLong
from mnist_demo.experiment.choices import Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.experiment.knobs import SAMPLE_HAND
from mnist_demo.images.bundle import root_here
from mnist_demo.images.data import TrainingData, load_training_data
from mnist_demo.images.own_digits import with_own, with_sample
from mnist_demo.images.pens import PenDigits, with_pens
from mnist_demo.learning import checkpoints, memory, training
from mnist_demo.learning.training import Status

FIRST_STEPS = 20  # few, so that the first point appears at once
SECONDS = 0.7  # of work in a chunk, if somebody is watching
FIRST_DEADLINE_SECONDS = 120.0
DEADLINE_SECONDS, DEADLINE_FACTOR = 10.0, 8.0  # of a chunk whose work is known: seconds, plus a multiple of its work

NextSteps = Callable[[float | None], int]  # the steps a CPU-second has taken so far, None before the first chunk


@dataclass(frozen=True)
class Chunk:
    """What came back from a worker, and what it cost there."""

    state: Parcel  # to continue from
    points: list[tuple[Metrics, bytes]]  # each with its checkpoint
    steps: int  # taken in this chunk
    cpu_seconds: float  # of the thread that trained; waiting for a busy core is not counted
    peak_bytes: int  # the most memory the worker process used meanwhile


def train_chunk(
    state: bytes,
    max_steps: int,
    root: Path,
    threads: int = 1,
    written: PenDigits | None = None,
    device: str = "cpu",
    own: bytes = b"",
) -> Chunk:
    """On a worker: at most `max_steps` further steps of a packed training state; `own` is `OwnDigits.to_bytes`."""
    started = time.thread_time()
    memory.forget_peak()
    before = checkpoints.state_from_bytes(state)
    points: list[tuple[Metrics, bytes]] = []

    def keep(metrics: Metrics, model: nn.Module) -> None:
        weights = model.state_dict()
        points.append((metrics, Parcel(checkpoints.pack(weights, before.experiment, checkpoints.scores_of(metrics)))))

    data = load_training_data(root_here(root))
    if written:
        data = with_pens(data, written)
    if own:
        data = with_own(data, own)
    elif before.experiment.own_digits == SAMPLE_HAND:
        data = with_sample(data)
    after, _ = training.advance(before, max_steps, data, threads=threads, device=device, on_evaluation=keep)
    packed = Parcel(checkpoints.state_to_bytes(after))
    return Chunk(packed, points, after.step - before.step, time.thread_time() - started, memory.peak_bytes())


def about(seconds: float) -> NextSteps:
    """Chunks of about this much work, in CPU-seconds, after a short first one."""
    return lambda speed: FIRST_STEPS if speed is None else max(1, round(seconds * speed))


class Chunks:
    """Sends a run's chunks to the engine one after the other, and gives the results, until the run is over.

    `next_steps` gives the length of each chunk (by default about SECONDS of work). It does not change the results
    of the run. `speed` is that of an earlier chunk, in steps a CPU-second, if there was one. Iterating raises
    EngineUnavailable.
    """

    def __init__(
        self,
        state: bytes,
        engine: Engine,
        root: Path,
        next_steps: NextSteps | None = None,
        threads: int = 1,
        written: PenDigits | None = None,
        device: str = "cpu",
        own: bytes = b"",
        speed: float | None = None,
    ) -> None:
        self._state = state if isinstance(state, Parcel) else Parcel(state)  # a copy would double what waits
        self._engine = engine
        self._arguments = (root, threads, written, device, own)
        self._next_steps = next_steps or about(SECONDS)
        self._speed = speed

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        if checkpoints.progress_of(self._state).status is not Status.RUNNING:
            raise StopAsyncIteration
        steps = self._next_steps(self._speed)
        deadline = DEADLINE_SECONDS + DEADLINE_FACTOR * steps / self._speed if self._speed else FIRST_DEADLINE_SECONDS
        try:
            chunk = await self._trained(steps, deadline)
        except TookTooLong:  # a worker may hang; the same chunk on another may not
            chunk = await self._trained(steps, deadline)
        self._state = chunk.state
        self._speed = chunk.steps / max(chunk.cpu_seconds, 1e-3)
        return chunk

    async def _trained(self, steps: int, deadline: float) -> Chunk:
        return await self._engine.run(train_chunk, self._state, steps, *self._arguments, deadline_seconds=deadline)


def warm(root: Path) -> None:
    """On a worker, before its first visitor: reads the images, trains each network for a few steps, frees memory.

    A hundred images make the same code run as all of them, and leave 200 MB less behind (2026-11-23).
    """
    # PyTorch's compiler, which its optimizers import, would load a code generator for GPUs: 70 MB and half a second.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    everything = load_training_data(root_here(root))
    few = TrainingData(everything.train.first(100), everything.val.first(100))
    for network in Network:
        experiment = Experiment.from_dict({"network": network, "train_size": len(few.train)})
        training.advance(training.start(experiment), 2, few)
    memory.give_back()  # 40 MB that imports left
