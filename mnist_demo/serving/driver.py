"""The loop that trains runs side by side, chunk by chunk, on the cluster; and a chunk's two ends.

Knows how long a chunk should take and how fast a visitor wants to watch. Does not know visitors or
pages: a chunk is bytes in, bytes out.
"""

import asyncio
import contextlib
import ctypes
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from torch import nn

from mnist_demo.cluster import Cluster
from mnist_demo.errors import RunError
from mnist_demo.experiment.choices import Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.images.data import TrainingData, load_training_data
from mnist_demo.learning import checkpoints, schedule, training
from mnist_demo.learning.training import Status
from mnist_demo.serving.runs import Run, estimated_seconds

FIRST_CHUNK_STEPS = 20  # so that the first point is on the page at once
FIRST_CHUNK_SECONDS = 10  # by the estimate, for a network so large that even those would take minutes
CHUNK_SECONDS = 0.7
PACED_CHUNK_SECONDS = 0.2  # of a run slowed down for watching
STOP_PATIENCE_TICKS = 20  # of 50 ms


def train_chunk(state: bytes, max_steps: int, root: Path) -> tuple[bytes, list[tuple[Metrics, bytes]]]:
    """On a worker: at most `max_steps` further steps; the new state and (point, checkpoint) of each point."""
    before = checkpoints.state_from_bytes(state)
    points: list[tuple[Metrics, bytes]] = []

    def keep(metrics: Metrics, model: nn.Module) -> None:
        weights = model.state_dict()
        points.append((metrics, checkpoints.pack(weights, before.experiment, checkpoints.scores_of(metrics))))

    after, _ = training.advance(before, max_steps, load_training_data(root), on_evaluation=keep)
    return checkpoints.state_to_bytes(after), points


def warm(root: Path) -> None:
    """On a worker, before its first visitor: reads the images, takes steps of each network, gives back spare memory.

    A hundred images make the same code run as all of them, and leave 200 MB less behind (2026-11-23).
    """
    # PyTorch's compiler, which its optimizers import, would load a code generator for GPUs: 70 MB and half a second.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    everything = load_training_data(root)
    few = TrainingData(everything.train.first(100), everything.val.first(100))
    for network in Network:
        experiment = Experiment.from_dict({"network": network, "train_size": len(few.train)})
        training.advance(training.start(experiment), 2, few)
    with contextlib.suppress(AttributeError, OSError):  # glibc alone has it, and keeps 40 MB of what imports left
        ctypes.CDLL(None).malloc_trim(0)


async def train(runs: Sequence[Run], cluster: Cluster, root: Path, pace_seconds: float = 0) -> AsyncIterator[None]:
    """Trains the runs side by side to their ends, yielding whenever one of them has grown.

    Closing the iterator, or `RunStore.stop`, stops at the last finished chunk; calling `train` again
    continues there. Neither that nor `pace_seconds` (the least time a whole run may take) changes a number.
    Raises RunError if one of the runs is being trained already, EngineUnavailable if the workers fail.
    """
    for _ in range(STOP_PATIENCE_TICKS):  # one that was just stopped is still letting go
        if any(run.is_busy for run in runs):
            await asyncio.sleep(0.05)
    if any(run.is_busy for run in runs):
        raise RunError("This run is being trained already: stop it first.")
    grown: asyncio.Queue[None] = asyncio.Queue()
    for run in runs:
        run.driver = asyncio.create_task(_drive(run, cluster, root, pace_seconds, grown))
    drivers = [run.driver for run in runs if run.driver]
    try:
        while not all(driver.done() for driver in drivers) or not grown.empty():
            await grown.get()
            for driver in drivers:
                if driver.done() and not driver.cancelled():
                    driver.result()  # raises what ended it; the other run stops at its last finished chunk
            yield
    finally:
        for driver in drivers:
            driver.cancel()
        await asyncio.gather(*drivers, return_exceptions=True)
        for run in runs:
            run.driver = None


async def _drive(run: Run, cluster: Cluster, root: Path, pace_seconds: float, grown: asyncio.Queue[None]) -> None:
    """Sends one run's chunks to the cluster, one after the other, no faster than the pace."""
    clock = asyncio.get_running_loop().time
    started_at, started_step = clock(), run.step
    total = schedule.total_steps(run.experiment)
    try:
        while run.status is Status.RUNNING:
            sent_at, step_before = clock(), run.step
            state, points = await cluster.run(train_chunk, run.state, _chunk_steps(run, pace_seconds), root)
            run.record(state, points)
            seconds = max(clock() - sent_at, 1e-3)
            run.images_per_second = (run.step - step_before) * schedule.images_per_step(run.experiment) / seconds
            grown.put_nowait(None)
            if run.status is Status.RUNNING:
                due_at = started_at + pace_seconds * (run.step - started_step) / total
                await asyncio.sleep(max(0.0, due_at - clock()))
    finally:
        grown.put_nowait(None)


def _chunk_steps(run: Run, pace_seconds: float) -> int:
    """How many steps to ask for next: about CHUNK_SECONDS of work, or less of a paced run."""
    total = schedule.total_steps(run.experiment)
    if not run.images_per_second:
        return max(1, min(FIRST_CHUNK_STEPS, int(total * FIRST_CHUNK_SECONDS / estimated_seconds(run.experiment))))
    steps = run.images_per_second / schedule.images_per_step(run.experiment) * CHUNK_SECONDS
    if pace_seconds:
        steps = min(steps, total * PACED_CHUNK_SECONDS / pace_seconds)
    return max(1, round(steps))
