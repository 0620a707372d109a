"""Trainings: one for each experiment, however many visitors have asked for it.

`advance` is a pure function: the same experiment always gives the same training. So history, weights and cost are kept
once for each experiment. Knows bytes and what was asked last. Does not know visitors: what one of them sees is a run.
"""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics, best_index
from mnist_demo.learning import checkpoints, schedule, training
from mnist_demo.learning.chunks import Chunk
from mnist_demo.learning.training import Status
from mnist_demo.serving.budget import limit_reached
from mnist_demo.serving.snapshots import Held, SnapshotFile, Snapshots

MAX_SNAPSHOT_BYTES = 64_000_000  # of one training's weights on the way
MAX_DISK_BYTES = 1_000_000_000  # on the disk: all such weights, and what all trainings go on from
MAX_BYTES = 300_000_000  # in memory: whatever of that found no disk


@dataclass(eq=False)
class Training:
    """Where one experiment's training stands: every point measured, and the weights kept on the way."""

    experiment: Experiment
    state: Held  # the TrainState to go on from; empty once the training is over
    own: bytes = b""  # the own digits it learns from, packed; forgotten with it
    snapshots: Snapshots = field(default_factory=lambda: Snapshots(SnapshotFile()))  # index in history -> checkpoint
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    step: int = 0
    status: Status = Status.RUNNING
    history: list[Metrics] = field(default_factory=list)
    cpu_seconds: float = 0.0  # that workers have spent on it
    peak_bytes: int = 0  # of a worker that trained it
    speed: float | None = None  # steps a CPU-second, in the last chunk
    limit: str = ""  # why it was ended before its last step: a sentence, if it reached its limit of cost

    @property
    def is_over(self) -> bool:
        """Whether there is no further step."""
        return self.status is not Status.RUNNING or bool(self.limit)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training, unless it ends early."""
        return schedule.total_steps(self.experiment)

    @property
    def size(self) -> int:
        """Bytes held in memory."""
        return self.state_size(is_in_memory=True) + self.snapshots.size_in_memory

    @property
    def disk_size(self) -> int:
        """Bytes held on the disk."""
        return self.state_size(is_in_memory=False) + self.snapshots.size - self.snapshots.size_in_memory

    def record(self, chunk: Chunk) -> None:
        """Takes in a finished chunk: the new state, each point measured with its checkpoint, and the cost."""
        progress = checkpoints.progress_of(chunk.state)
        for metrics, snapshot in chunk.points:
            self.history.append(metrics)
            self.snapshots[len(self.history) - 1] = snapshot
        self.step, self.status = progress.step, progress.status
        self.cpu_seconds += chunk.cpu_seconds
        self.peak_bytes = max(self.peak_bytes, chunk.peak_bytes)
        if self.status is Status.RUNNING:
            self.limit = limit_reached(self.cpu_seconds, self.peak_bytes)
        self.state = self.snapshots.file.hold(b"" if self.is_over else chunk.state)  # the last weights are a snapshot
        self.speed = chunk.steps / max(chunk.cpu_seconds, 1e-3)
        self.thin(MAX_SNAPSHOT_BYTES)

    def thin(self, most_bytes: int) -> None:
        """Drops weights from the middle until the rest fit, always keeping the first, the best and the last."""
        self.snapshots.thin(most_bytes, best_index(self.history))

    def state_size(self, *, is_in_memory: bool) -> int:
        """Bytes of the state, if that is where it is."""
        return self.state.size if self.state.is_in_memory is is_in_memory else 0


class Trainings:
    """All trainings by experiment, those asked for last at the end."""

    def __init__(self, is_forgotten: Callable[[Training], None] = lambda _: None) -> None:
        """`is_forgotten` is called with each training that is dropped."""
        self._trainings: dict[Experiment, Training] = {}
        self._file = SnapshotFile()
        self._is_forgotten = is_forgotten

    def __len__(self) -> int:
        return len(self._trainings)

    @property
    def size(self) -> int:
        """Bytes held in memory."""
        return sum(each.size for each in list(self._trainings.values()))

    @property
    def disk_size(self) -> int:
        """Bytes held on the disk."""
        return sum(each.disk_size for each in list(self._trainings.values()))

    def of(self, experiment: Experiment, own: bytes = b"") -> Training:
        """The experiment's training, which learns from `own`; a new one before its first step if there is none."""
        found = self._trainings.pop(experiment, None)
        if found is None:
            state = self._file.hold(checkpoints.state_to_bytes(training.start(experiment)))
            found = Training(experiment, state, own, Snapshots(self._file))
        self._trainings[experiment] = found
        return found

    def forget(self, training: Training) -> None:
        """Drops a training that nobody needs."""
        if self._trainings.get(training.experiment) is training:
            del self._trainings[training.experiment]
            self._is_forgotten(training)

    def make_room(self, needed: Collection[Training]) -> bool:
        """Keeps the total within bounds; True if that was possible without dropping a needed training.

        Drops the trainings not needed first, those not asked for longest before others. Then all drop weights from
        their middle.
        """
        for each in list(self._trainings.values()):
            if self._fits:
                return True
            if each not in needed and self.would_help(each):
                self.forget(each)
        count, is_disk_full, is_memory_full = len(self._trainings), self._is_disk_full, self._is_memory_full
        for each in self._trainings.values():
            if is_disk_full:
                each.thin(MAX_DISK_BYTES // count - each.state_size(is_in_memory=False))
            if is_memory_full and each.snapshots.size_in_memory:
                each.thin(MAX_BYTES // count - each.state_size(is_in_memory=True))
        return self._fits

    def would_help(self, training: Training) -> bool:
        """Whether there is too much of something that this training holds."""
        return (self._is_memory_full and training.size > 0) or (self._is_disk_full and training.disk_size > 0)

    @property
    def _is_memory_full(self) -> bool:
        return self.size > MAX_BYTES

    @property
    def _is_disk_full(self) -> bool:
        return self.disk_size > MAX_DISK_BYTES

    @property
    def _fits(self) -> bool:
        return not (self._is_memory_full or self._is_disk_full)
