"""Runs of many visitors: what each has trained so far, and the loop that trains them chunk by chunk.

Knows who may see a run, how long it is kept and which of its weights. Does not know networks (a chunk
is bytes in, bytes out, on a worker) or pages.
"""

import asyncio
import contextlib
import ctypes
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from mnist_demo import checkpoints, networks, schedule, training
from mnist_demo.checkpoints import Checkpoint
from mnist_demo.choices import Network
from mnist_demo.cluster import Cluster
from mnist_demo.config import Experiment
from mnist_demo.data import TrainingData, load_training_data
from mnist_demo.errors import RunError, UnknownRun
from mnist_demo.history import Metrics, best_index
from mnist_demo.pair import Pair
from mnist_demo.training import Status

FIRST_CHUNK_STEPS = 20  # so that the first point is on the page at once
CHUNK_SECONDS = 0.7
PACED_CHUNK_SECONDS = 0.2  # of a run slowed down for watching
MAX_SNAPSHOT_BYTES = 32_000_000  # a run
MAX_STORE_BYTES = 2_000_000_000
MAX_AGE_SECONDS = 2 * 3600.0
MAX_RUNS_PER_VISITOR = 12
MODELS_IN_MEMORY = 48
STOP_PATIENCE_TICKS = 20  # of 50 ms
# Ten minutes of one core: 1e10 multiply-adds a second, measured 2026-11-23 for an mlp and a cnn alike.
MULTIPLY_ADDS_PER_SECOND = 1e10
MAX_RUN_SECONDS = 600
MAX_WEIGHTS = 1_900_000  # float32: just under the 8 MB a checkpoint may have


@dataclass
class Run:
    """One visitor's run: where it stands, every point measured and the weights kept on the way."""

    id: str
    owner: str
    name: str  # "1A", "1B", "2A", ... unless the visitor renames it
    experiment: Experiment
    state: bytes  # the TrainState to continue from
    touched_at: float  # seconds on the store's clock
    step: int = 0
    status: Status = Status.RUNNING
    history: list[Metrics] = field(default_factory=list)
    snapshots: dict[int, bytes] = field(default_factory=dict)  # index in history -> checkpoint
    images_per_second: float = 0.0
    cursor: int | None = None  # index of the point the visitor looks at; None follows the last
    driver: asyncio.Task[None] | None = None  # sends its chunks, while it is being trained

    @property
    def is_busy(self) -> bool:
        """Whether it is being trained right now."""
        return self.driver is not None

    @property
    def best(self) -> int | None:
        """Index of the point with the lowest validation loss."""
        return best_index(self.history)

    @property
    def progress(self) -> float:
        """Share of the planned steps done, in [0, 1]."""
        return self.step / schedule.total_steps(self.experiment)

    @property
    def remaining_seconds(self) -> float | None:
        """Time left at the present speed; None before the first chunk and after the last."""
        if self.status is not Status.RUNNING or not self.images_per_second:
            return None
        steps = schedule.total_steps(self.experiment) - self.step
        return steps * self.experiment.batch_size / self.images_per_second

    @property
    def size(self) -> int:
        """Bytes held in memory."""
        return len(self.state) + sum(map(len, self.snapshots.values()))


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
    everything = load_training_data(root)
    few = TrainingData(everything.train.first(100), everything.val.first(100))
    for network in Network:
        experiment = Experiment.from_dict({"network": network, "train_size": len(few.train)})
        training.advance(training.start(experiment), 2, few)
    with contextlib.suppress(AttributeError, OSError):  # glibc alone has it, and keeps 40 MB of what imports left
        ctypes.CDLL(None).malloc_trim(0)


def estimated_seconds(experiment: Experiment) -> float:
    """How long the run takes on one core, from the multiplications of its network."""
    images = experiment.epochs * experiment.train_size
    return images * networks.multiply_adds(experiment) / MULTIPLY_ADDS_PER_SECOND


def check_affordable(experiment: Experiment) -> None:
    """Raises RunError for a run too large for a machine that visitors share."""
    weights = networks.weight_count(experiment)
    if weights > MAX_WEIGHTS:
        raise RunError(
            f"This network has {weights:,} weights; {MAX_WEIGHTS:,} is the most here: use smaller hidden sizes."
        )
    seconds = estimated_seconds(experiment)
    if seconds > MAX_RUN_SECONDS:
        raise RunError(
            f"This run would take about {seconds / 60:.0f} minutes; {MAX_RUN_SECONDS // 60} is the most here: "
            "use fewer epochs, fewer training images or smaller hidden sizes."
        )


class RunStore:
    """The runs of all visitors, by random id; a visitor sees only their own. Used from one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._runs: dict[str, Run] = {}
        self._models: OrderedDict[tuple[str, int], Checkpoint] = OrderedDict()

    def create_pair(self, pair: Pair, owner: str) -> list[Run]:
        """Runs A and B before their first step. Raises RunError if one of them is too large."""
        for experiment in (pair.a, pair.b):
            check_affordable(experiment)
        numbers = [int(digits) for run in self.of_owner(owner) if (digits := run.name[:-1]).isdecimal()]
        number = max(numbers, default=0) + 1
        return [self.create(pair.a, owner, f"{number}A"), self.create(pair.b, owner, f"{number}B")]

    def create(self, experiment: Experiment, owner: str, name: str) -> Run:
        """A run before its first step. Raises RunError if it is too large."""
        check_affordable(experiment)
        run = Run(
            id=secrets.token_urlsafe(12),
            owner=owner,
            name=name,
            experiment=experiment,
            state=checkpoints.state_to_bytes(training.start(experiment)),
            touched_at=self._clock(),
        )
        self._runs[run.id] = run
        self._purge(owner)
        return run

    def get(self, run_id: str, owner: str) -> Run:
        """This visitor's run of that id. Raises UnknownRun, the same for another's run as for none."""
        run = self._runs.get(run_id)
        if run is None or run.owner != owner:
            raise UnknownRun("This run is no longer there: train it again.")
        run.touched_at = self._clock()
        return run

    def of_owner(self, owner: str) -> list[Run]:
        """This visitor's runs, oldest first."""
        return [run for run in list(self._runs.values()) if run.owner == owner]

    def checkpoint(self, run: Run, index: int) -> Checkpoint:
        """The network kept nearest to a point of the history, in memory for the next question."""
        if not run.snapshots:
            raise RunError("This run has no weights yet: train it for a moment first.")
        nearest = min(run.snapshots, key=lambda kept: abs(kept - index))
        key = (run.id, nearest)
        if key not in self._models:
            self._models[key] = checkpoints.unpack(run.snapshots[nearest])
            while len(self._models) > MODELS_IN_MEMORY:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]

    def stop(self, run: Run) -> None:
        """Ends its training at the last finished chunk; does nothing to a run that is not being trained."""
        if run.driver is not None:
            run.driver.get_loop().call_soon_threadsafe(run.driver.cancel)  # a button may be served by another thread

    def drop(self, run: Run) -> None:
        """Forgets one run and its weights."""
        self.stop(run)
        self._runs.pop(run.id, None)
        for key in [key for key in self._models if key[0] == run.id]:
            del self._models[key]

    def drop_owner(self, owner: str) -> None:
        """Forgets all runs of a visitor who has left."""
        for run in self.of_owner(owner):
            self.drop(run)

    def _purge(self, owner: str) -> None:
        """Forgets idle runs: expired ones, a visitor's oldest over their share, the oldest over the total."""
        idle = sorted((run for run in list(self._runs.values()) if not run.is_busy), key=lambda run: run.touched_at)
        for run in idle[:-1]:
            is_expired = self._clock() - run.touched_at > MAX_AGE_SECONDS
            is_over_share = run.owner == owner and len(self.of_owner(owner)) > MAX_RUNS_PER_VISITOR
            is_over_total = sum(other.size for other in self._runs.values()) > MAX_STORE_BYTES
            if is_expired or is_over_share or is_over_total:
                self.drop(run)


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
            yield
        for driver in drivers:
            if not driver.cancelled():
                driver.result()  # raises what ended it
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
            _record(run, state, points)
            seconds = max(clock() - sent_at, 1e-3)
            run.images_per_second = (run.step - step_before) * run.experiment.batch_size / seconds
            grown.put_nowait(None)
            if run.status is Status.RUNNING:
                due_at = started_at + pace_seconds * (run.step - started_step) / total
                await asyncio.sleep(max(0.0, due_at - clock()))
    finally:
        grown.put_nowait(None)


def _chunk_steps(run: Run, pace_seconds: float) -> int:
    """How many steps to ask for next: about CHUNK_SECONDS of work, or less of a paced run."""
    if not run.images_per_second:
        return FIRST_CHUNK_STEPS
    steps = run.images_per_second / run.experiment.batch_size * CHUNK_SECONDS
    if pace_seconds:
        steps = min(steps, schedule.total_steps(run.experiment) * PACED_CHUNK_SECONDS / pace_seconds)
    return max(1, round(steps))


def _record(run: Run, state: bytes, points: Sequence[tuple[Metrics, bytes]]) -> None:
    after = checkpoints.progress_of(state)
    run.state, run.step, run.status = state, after.step, after.status
    for metrics, snapshot in points:
        run.history.append(metrics)
        run.snapshots[len(run.history) - 1] = snapshot
    _thin(run)


def _thin(run: Run) -> None:
    """Drops weights from the middle until the rest fit, always keeping the first, the best and the last."""
    while sum(map(len, run.snapshots.values())) > MAX_SNAPSHOT_BYTES and len(run.snapshots) > 3:
        kept = sorted(run.snapshots)
        gaps = {
            index: after - before
            for before, index, after in zip(kept, kept[1:], kept[2:], strict=False)
            if index != run.best
        }
        del run.snapshots[min(gaps, key=lambda index: gaps[index])]
