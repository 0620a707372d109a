"""Trains runs side by side, chunk by chunk.

Knows how fast a visitor wants to watch. Does not know pages; how a chunk is trained is `learning.chunks`.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from mnist_demo.cluster.engine import Engine
from mnist_demo.errors import RunError
from mnist_demo.learning import schedule
from mnist_demo.learning.chunks import FIRST_STEPS, SECONDS, chunks
from mnist_demo.learning.training import Status
from mnist_demo.serving.budget import estimated_seconds
from mnist_demo.serving.runs import Run

FIRST_CHUNK_SECONDS = 10  # by the estimate, for a network so large that even those would take minutes
PACED_CHUNK_SECONDS = 0.2  # of a run slowed down for watching
STOP_PATIENCE_TICKS = 20  # of 50 ms


async def train(runs: Sequence[Run], engine: Engine, root: Path, pace_seconds: float = 0) -> AsyncIterator[None]:
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
        run.driver = asyncio.create_task(_drive(run, engine, root, pace_seconds, grown))
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


async def _drive(run: Run, engine: Engine, root: Path, pace_seconds: float, grown: asyncio.Queue[None]) -> None:
    """Sends one run's chunks to the engine, one after the other, no faster than the pace."""
    clock = asyncio.get_running_loop().time
    started_at, started_step = clock(), run.step
    total = schedule.total_steps(run.experiment)
    try:
        async for chunk in chunks(run.state, engine, root, functools.partial(_next_steps, run, pace_seconds)):
            run.record(chunk.state, chunk.points)
            images = chunk.steps * schedule.images_per_step(run.experiment)
            run.images_per_second = images / max(chunk.cpu_seconds, 1e-3)
            grown.put_nowait(None)
            if run.status is Status.RUNNING:
                due_at = started_at + pace_seconds * (run.step - started_step) / total
                await asyncio.sleep(max(0.0, due_at - clock()))
    finally:
        grown.put_nowait(None)


def _next_steps(run: Run, pace_seconds: float, speed: float | None) -> int:
    """How many steps to ask for next: about CHUNK_SECONDS of work, or less of a paced run."""
    total = schedule.total_steps(run.experiment)
    if speed is None:
        return max(1, min(FIRST_STEPS, int(total * FIRST_CHUNK_SECONDS / estimated_seconds(run.experiment))))
    steps = speed * SECONDS
    if pace_seconds:
        steps = min(steps, total * PACED_CHUNK_SECONDS / pace_seconds)
    return max(1, round(steps))
