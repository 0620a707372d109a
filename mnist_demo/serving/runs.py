"""Runs of many visitors: what each has trained so far, who may see it and how long it is kept.

Knows sizes and owners. Does not train: that is `driver`.
"""

import asyncio
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from mnist_demo.errors import RunError, UnknownRun
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics, best_index
from mnist_demo.experiment.pair import Pair
from mnist_demo.learning import checkpoints, schedule, training
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.learning.training import Status
from mnist_demo.serving.budget import check_affordable

MAX_SNAPSHOT_BYTES = 32_000_000  # a run
MAX_STORE_BYTES = 2_000_000_000
MAX_AGE_SECONDS = 2 * 3600.0
MAX_RUNS_PER_VISITOR = 12
MODELS_IN_MEMORY = 48


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
        return steps * schedule.images_per_step(self.experiment) / self.images_per_second

    @property
    def size(self) -> int:
        """Bytes held in memory."""
        return len(self.state) + sum(map(len, self.snapshots.values()))

    def record(self, state: bytes, points: Sequence[tuple[Metrics, bytes]]) -> None:
        """Takes in a finished chunk: the new state, and each point measured with its checkpoint."""
        progress = checkpoints.progress_of(state)
        self.state, self.step, self.status = state, progress.step, progress.status
        for metrics, snapshot in points:
            self.history.append(metrics)
            self.snapshots[len(self.history) - 1] = snapshot
        self._thin()

    def _thin(self) -> None:
        """Drops weights from the middle until the rest fit, always keeping the first, the best and the last."""
        while sum(map(len, self.snapshots.values())) > MAX_SNAPSHOT_BYTES and len(self.snapshots) > 3:
            kept = sorted(self.snapshots)
            gaps = {
                index: after - before
                for before, index, after in zip(kept, kept[1:], kept[2:], strict=False)
                if index != self.best
            }
            del self.snapshots[min(gaps, key=lambda index: gaps[index])]


def nearest_index(kept: Collection[int], index: int) -> int | None:
    """Of the points whose weights are kept, the one nearest to a point of the history; None if none is."""
    return min(kept, key=lambda place: abs(place - index), default=None)


class RunStore:
    """The runs of all visitors, by random id; a visitor sees only their own.

    May be asked from several threads; a caller without an id owns nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._runs: dict[str, Run] = {}
        self._models: OrderedDict[tuple[str, int], Checkpoint] = OrderedDict()
        self._models_lock = threading.Lock()

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
        if run is None or run.owner != owner or not owner:
            raise UnknownRun("This run is no longer there: train it again.")
        run.touched_at = self._clock()
        return run

    def of_owner(self, owner: str) -> list[Run]:
        """This visitor's runs, oldest first."""
        return [run for run in list(self._runs.values()) if owner and run.owner == owner]

    def touch(self, runs: Sequence[Run]) -> None:
        """Notes that somebody still looks at these runs."""
        for run in runs:
            run.touched_at = self._clock()

    def checkpoint(self, run: Run, index: int) -> Checkpoint:
        """The network kept nearest to a point of the history, in memory for the next question."""
        snapshots = dict(run.snapshots)  # training goes on, and thins them
        nearest = nearest_index(snapshots, index)
        if nearest is None:
            raise RunError("This run has no weights yet: train it for a moment first.")
        key = (run.id, nearest)
        with self._models_lock:
            if key not in self._models:
                self._models[key] = checkpoints.unpack(snapshots[nearest])
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
        with self._models_lock:
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
            is_over_total = sum(other.size for other in list(self._runs.values())) > MAX_STORE_BYTES
            if is_expired or is_over_share or is_over_total:
                self.drop(run)
