"""Runs of many visitors: what each sees of a training, who may see it and how long it is kept.

Knows owners, names and how far each run has come. Does not know how trainings are kept (`trainings`) or how runs move
on (`driver`).
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mnist_demo.errors import RunError, UnknownRun
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics, best_index
from mnist_demo.experiment.knobs import NO_OWN_DIGITS, SAMPLE_HAND
from mnist_demo.experiment.pair import Pair
from mnist_demo.images.own_digits import OwnDigits
from mnist_demo.learning import checkpoints, schedule
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.learning.training import Status
from mnist_demo.serving.budget import check_affordable
from mnist_demo.serving.snapshots import Snapshots
from mnist_demo.serving.trainings import Training, Trainings

MAX_AGE_SECONDS = 2 * 3600.0
MAX_RUNS_PER_VISITOR = 12
MODELS_IN_MEMORY = 48
NOT_HERE = (
    "A run learns from own digits that are not here: on the Draw tab click Train with them, or set My digits to none."
)
FULL = "The server is full of trainings that go on: try again in a minute, or train smaller networks."


class Watch(Protocol):
    """Whoever moves a run on, and can be told to stop."""

    def stop(self) -> None:
        """May be called from any thread, and twice."""


@dataclass(eq=False)
class Run:
    """One visitor's view of a training: a name, and how much of it they have seen."""

    id: str
    owner: str
    name: str  # "1A", "1B", "2A", ... unless the visitor renames it
    training: Training
    touched_at: float  # seconds on the store's clock
    started_at: float  # likewise
    step: int = 0  # up to which the training is seen
    history: list[Metrics] = field(default_factory=list)  # its points up to that step
    watch: Watch | None = None  # while the visitor follows it
    waits_for: str = ""  # a sentence, while it is followed and has no point yet
    remaining_seconds: float | None = None  # an estimate, while it is followed

    @property
    def experiment(self) -> Experiment:
        """What is trained."""
        return self.training.experiment

    @property
    def is_busy(self) -> bool:
        """Whether it is followed right now."""
        return self.watch is not None

    @property
    def status(self) -> Status:
        """How the training ended, once that has been seen."""
        return self.training.status if self.step >= self.training.step else Status.RUNNING

    @property
    def best(self) -> int | None:
        """Index of the point with the lowest validation loss."""
        return best_index(self.history)

    @property
    def progress(self) -> float:
        """Share of the planned steps seen, in [0, 1]."""
        return self.step / self.training.total_steps

    @property
    def images_per_second(self) -> float:
        """Training images that one core works through in a second; 0 before the first chunk."""
        return (self.training.speed or 0.0) * schedule.images_per_step(self.experiment)

    @property
    def snapshots(self) -> Snapshots:
        """The weights kept of the points seen: index in the history -> checkpoint."""
        if len(self.history) == len(self.training.history):
            return self.training.snapshots
        return self.training.snapshots.copy(len(self.history))

    def see(self, step: int) -> bool:
        """Shows the training up to a step, as far as it has come; True if there was a new point."""
        self.step = max(self.step, min(step, self.training.step))
        points = self.training.history
        seen = len(self.history)
        while len(self.history) < len(points) and points[len(self.history)].step <= self.step:
            self.history.append(points[len(self.history)])
        return len(self.history) > seen


def _packed(experiment: Experiment, own: OwnDigits | None) -> bytes:
    """The own digits that an experiment learns from. Raises RunError if these are not they."""
    if experiment.own_digits in (NO_OWN_DIGITS, SAMPLE_HAND):
        return b""
    if own is None or own.digest != experiment.own_digits:
        raise RunError(NOT_HERE)
    return own.to_bytes()


def nearest_index(kept: Collection[int], index: int) -> int | None:
    """Of the points whose weights are kept, the one nearest to a point of the history; None if none is."""
    return min(kept, key=lambda place: abs(place - index), default=None)


class RunStore:
    """The runs of all visitors, by random id; a visitor sees only their own.

    May be called from several threads. A caller without an id owns nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._runs: dict[str, Run] = {}
        self._models: OrderedDict[tuple[str, int], Checkpoint] = OrderedDict()  # of (training, index in its history)
        self._models_lock = threading.Lock()
        self.trainings = Trainings(self._forget_models)

    def create_pair(self, pair: Pair, owner: str, own: OwnDigits | None = None) -> list[Run]:
        """Runs A and B before their first step. Raises RunError if one is too large, or needs other own digits."""
        for experiment in (pair.a, pair.b):
            check_affordable(experiment)
            _packed(experiment, own)
        numbers = [int(digits) for run in self.of_owner(owner) if (digits := run.name[:-1]).isdecimal()]
        number = max(numbers, default=0) + 1
        named = ((pair.a, f"{number}A"), (pair.b, f"{number}B"))
        return [self.create(experiment, owner, name, own) for experiment, name in named]

    def create(self, experiment: Experiment, owner: str, name: str, own: OwnDigits | None = None) -> Run:
        """A run before its first step. Raises RunError if it is too large, or if the server is full."""
        check_affordable(experiment)
        now, training = self._clock(), self.trainings.of(experiment, _packed(experiment, own))
        run = Run(secrets.token_urlsafe(12), owner, name, training, now, now)
        self._runs[run.id] = run
        self._purge(owner)
        if not self.make_room():
            self.drop(run)
            raise RunError(FULL)
        return run

    def get(self, run_id: str, owner: str) -> Run:
        """This visitor's run with that id. Raises UnknownRun, also for another visitor's run."""
        run = self._runs.get(run_id)
        if run is None or run.owner != owner or not owner:
            raise UnknownRun("This run is no longer there: train it again.")
        run.touched_at = self._clock()
        return run

    def of_owner(self, owner: str) -> list[Run]:
        """This visitor's runs, oldest first."""
        mine = [run for run in list(self._runs.values()) if owner and run.owner == owner]
        return sorted(mine, key=lambda run: run.started_at)

    def touch(self, runs: Sequence[Run]) -> None:
        """Notes that somebody still looks at these runs."""
        for run in runs:
            run.touched_at = self._clock()

    def checkpoint(self, run: Run, index: int) -> Checkpoint:
        """The network kept nearest to a point of the history, in memory for the next question."""
        snapshots = run.snapshots.copy()  # training continues meanwhile, and drops some of them
        nearest = nearest_index(snapshots, index)
        if nearest is None:
            raise RunError("This run has no weights yet: train it for a moment first.")
        key = (run.training.id, nearest)
        with self._models_lock:
            if key not in self._models:
                self._models[key] = checkpoints.unpack(snapshots[nearest])
                while len(self._models) > MODELS_IN_MEMORY:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return self._models[key]

    def stop(self, run: Run) -> None:
        """Stops following the run, which stays where it is. Does nothing if it is not followed."""
        watch = run.watch
        if watch is not None:
            watch.stop()

    def drop(self, run: Run) -> None:
        """Forgets one run. Its training stays while there is room: somebody else may ask for it.

        One that has learned from own digits goes with its last run, and the digits with it.
        """
        self.stop(run)
        self._runs.pop(run.id, None)
        training = run.training
        if training.own and all(other.training is not training for other in list(self._runs.values())):
            self.trainings.forget(training)

    def restore(self, run: Run) -> None:
        """Brings a run back that was dropped. Raises RunError if the server is full."""
        self._runs[run.id] = run
        run.touched_at = self._clock()
        if not self.make_room():
            self.drop(run)
            raise RunError(FULL)

    def drop_owner(self, owner: str) -> None:
        """Forgets all runs of a visitor who has left."""
        for run in self.of_owner(owner):
            self.drop(run)

    def make_room(self) -> bool:
        """Keeps all trainings within bounds, if need be by dropping runs nobody follows; True if that was enough."""
        runs = list(self._runs.values())
        idle = sorted((run for run in runs if not run.is_busy), key=lambda run: run.touched_at)
        while not self.trainings.make_room({run.training for run in self._runs.values()}):
            helpful = [run for run in idle[:-1] if self.trainings.would_help(run.training)]
            if not helpful:
                return False
            idle.remove(helpful[0])
            self.drop(helpful[0])
        return True

    def _purge(self, owner: str) -> None:
        """Forgets runs that nobody follows: expired ones, and a visitor's oldest over their share."""
        idle = sorted((run for run in list(self._runs.values()) if not run.is_busy), key=lambda run: run.touched_at)
        for run in idle[:-1]:
            is_expired = self._clock() - run.touched_at > MAX_AGE_SECONDS
            is_over_share = run.owner == owner and len(self.of_owner(owner)) > MAX_RUNS_PER_VISITOR
            if is_expired or is_over_share:
                self.drop(run)

    def _forget_models(self, training: Training) -> None:
        with self._models_lock:
            for key in [key for key in self._models if key[0] == training.id]:
                del self._models[key]
