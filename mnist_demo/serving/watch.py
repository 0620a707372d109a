"""A visitor following a pair of runs: how fast they want to see it, and what they have seen.

Knows one visitor's pace and clock. Does not know workers or pages.
"""

import asyncio
import math
import threading
from collections.abc import Callable, Sequence

from mnist_demo.serving.runs import Run
from mnist_demo.serving.trainings import Training

LEAD_SECONDS = 0.2  # how far a training stays ahead of its watchers, so that they need not wait for a chunk


class Watch:
    """From a click on Train or Resume to the end, a Stop or a closed page. Lives on one event loop."""

    def __init__(self, runs: Sequence[Run], pace_seconds: float, clock: Callable[[], float]) -> None:
        self.runs = runs
        self.owner = runs[0].owner
        self.pace_seconds = pace_seconds  # the least time a whole run may take
        self.changed = asyncio.Event()
        self.error: Exception | None = None
        self.is_stopped = False
        self._clock = clock
        self._started_at = clock()
        self._first_steps = {run.training.id: run.step for run in runs}
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        for run in runs:
            run.watch = self

    @property
    def is_on(self) -> bool:
        """Whether the visitor still wants to see more."""
        return not self.is_stopped and self.error is None

    @property
    def is_over(self) -> bool:
        """Whether both runs have been seen to their ends."""
        return all(run.training.is_over and run.step >= run.training.step for run in self.runs)

    def stop(self) -> None:
        """Ends it: the runs are free at once, and waiting code wakes up. May be called from any thread, and twice."""
        with self._lock:
            self.is_stopped = True
            self.release()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.changed.set)

    def release(self) -> None:
        """The runs may be followed again."""
        for run in self.runs:
            if run.watch is self:
                run.watch = None
                run.waits_for, run.remaining_seconds = "", None

    def fail(self, error: Exception) -> None:
        """Ends it with the error that ended the training."""
        self.error = error
        self.changed.set()

    def due(self, training: Training, ahead_seconds: float = 0.0) -> float:
        """The step up to which the pace lets a training be seen, now or so many seconds later."""
        if not self.pace_seconds:
            return math.inf
        seconds = self._clock() - self._started_at + ahead_seconds
        return self._first_steps[training.id] + training.total_steps * seconds / self.pace_seconds

    def see(self) -> bool:
        """Moves the runs on as far as the pace and their trainings allow; True if there is a new point."""
        is_new = False
        for run in self.runs:
            is_new |= run.see(int(min(self.due(run.training), run.training.step)))
        return is_new

    def seconds_until_wanted(self, training: Training) -> float:
        """How long the training may rest before this visitor wants to see more of it; at most 0 if at once."""
        if not self.pace_seconds:
            return 0.0
        steps = training.step - self.due(training, LEAD_SECONDS)
        return steps * self.pace_seconds / training.total_steps

    def seconds_until_point(self) -> float:
        """How long until the pace shows a point that is there already; infinite if there is none."""
        waits = [
            (run.training.history[len(run.history)].step - self.due(run.training))
            * self.pace_seconds
            / run.training.total_steps
            for run in self.runs
            if len(run.history) < len(run.training.history)
        ]
        return max(0.0, min(waits, default=math.inf))
