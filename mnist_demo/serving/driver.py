"""Moves trainings forward as fast as their watchers want, and then each visitor's runs, which show them.

Knows who watches what and how large a chunk should be. Does not know pages, whose chunk comes next (`turns`) or how it
is trained (`learning.chunks`).
"""

import asyncio
import functools
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mnist_demo.cluster.engine import Engine
from mnist_demo.errors import RunError
from mnist_demo.learning import memory
from mnist_demo.learning.chunks import FIRST_STEPS, SECONDS, Chunks
from mnist_demo.learning.schedule import steps_to_point
from mnist_demo.serving import budget
from mnist_demo.serving.runs import Run, RunStore
from mnist_demo.serving.trainings import Training
from mnist_demo.serving.turns import Turns
from mnist_demo.serving.watch import LEAD_SECONDS, Watch

MAX_VISITORS = 64  # who train at the same time
MAX_PAIRS = 4  # of one visitor at the same time
FIRST_CHUNK_SECONDS = 10  # by the estimate, for a network so large that even FIRST_STEPS would take minutes
ROUND_SECONDS = 1.3  # in which everybody should get one turn; chunks are made shorter for that
LEAST_SECONDS = 0.1  # of a chunk: sending one costs a quarter of that, and most have a point by then
PACED_SECONDS = 0.2  # of watching time in one chunk of a slowed-down run
UPDATE_SECONDS = 0.1  # between two updates of a page, at least,
UPDATE_SECONDS_EACH = 0.05  # and that for each page that watches: an update takes some 10 ms of the server
TIDY_SECONDS = 10.0  # at least, between two times that the server's memory is tidied
TICK_SECONDS = 1.0  # after which a page is updated even if there is no new point


class Driver:
    """The trainings of all visitors, on one event loop."""

    def __init__(
        self, store: RunStore, engine: Engine, root: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._engine = engine
        self._root = root
        self._clock = clock
        self._turns = Turns(lambda: engine.status.workers)
        self._prices = budget.Prices()
        self._watches: list[Watch] = []
        self._watches_of: defaultdict[Training, list[Watch]] = defaultdict(list)
        self._tasks: dict[Training, asyncio.Task[None]] = {}
        self._wakers: dict[Training, asyncio.Event] = {}
        self._tidied_at = clock()

    @property
    def is_training(self) -> bool:
        """Whether any training goes on."""
        return bool(self._tasks)

    @property
    def watching(self) -> int:
        """How many pages follow a training."""
        return len(self._watches)

    async def train(self, runs: Sequence[Run], pace_seconds: float = 0) -> AsyncIterator[None]:
        """Follows the runs of one visitor to their ends, yielding whenever there is something new to show.

        Steps that are trained already are shown at the pace, then new ones live. Closing the iterator, or
        `RunStore.stop`, leaves each run where it is; calling `train` again continues from there. `pace_seconds` is the
        least time that a whole run may take. Neither stopping nor the pace changes a number. Raises RunError if one of
        the runs is followed already or has reached its limit of cost, or if too many train; EngineUnavailable if the
        workers fail.
        """
        self._admit(runs)
        watch = Watch(runs, pace_seconds, self._clock)
        self._watches.append(watch)
        self._turns.enter(watch.owner)
        watched = {run.training for run in runs}
        for training in watched:
            self._watches_of[training].append(watch)
        try:
            for training in watched:
                self._wake(training)
            async for _ in self._news(watch):
                yield
        finally:
            watch.release()
            self._watches.remove(watch)
            self._turns.leave(watch.owner)
            for training in watched:
                self._watches_of[training].remove(watch)
                if not self._watches_of[training]:
                    del self._watches_of[training]
                if training in self._wakers:
                    self._wakers[training].set()

    def _admit(self, runs: Sequence[Run]) -> None:
        owner = runs[0].owner
        if any(run.is_busy for run in runs):
            raise RunError("This run is being trained already: stop it first.")
        if sum(watch.owner == owner for watch in self._watches) >= MAX_PAIRS:
            raise RunError(f"You are training {MAX_PAIRS} pairs at once, the most for one visitor: stop one of them.")
        if owner not in self._turns.visitors and len(self._turns.visitors) >= MAX_VISITORS:
            raise RunError(f"{MAX_VISITORS} visitors are training, the most at once here: try again in a minute.")

    async def _news(self, watch: Watch) -> AsyncIterator[None]:
        """Yields when the visitor's runs have moved on, but not more often than the server can update every page."""
        told_at, told = self._clock() - TICK_SECONDS / 2, False  # a visitor who has to wait learns it soon
        told_words: list[object] = []
        while watch.is_on:
            watch.changed.clear()
            told = watch.see() or told
            self._estimate(watch)
            if watch.is_over:
                break
            since = self._clock() - told_at
            is_first = told and any(len(run.history) == 1 for run in watch.runs)
            interval = max(UPDATE_SECONDS, UPDATE_SECONDS_EACH * len(self._watches))
            words: list[object] = [(run.step, run.waits_for) for run in watch.runs]
            is_tick = since >= max(TICK_SECONDS, interval)
            if is_first or (told and since >= interval) or (is_tick and words != told_words):
                told_at, told, told_words = self._clock(), False, words
                yield
                continue
            rest = interval - since if told else min(watch.seconds_until_point(), TICK_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(watch.changed.wait(), max(rest, 0.01))
        yield
        if watch.error:
            raise watch.error
        for run in watch.runs:
            if run.training.limit and not watch.is_stopped:
                raise RunError(f"Run {run.name} ends here. {run.training.limit}")

    def _estimate(self, watch: Watch) -> None:
        """Estimates the remaining time that the visitor's cards show."""
        others = len(self._turns.visitors) - 1
        for run in watch.runs:
            training = run.training
            run.waits_for = ""
            if not run.history and others:
                seconds = max(1, round(self._turns.seconds_until(watch.owner)))
                who = "1 other is" if others == 1 else f"{others} others are"
                run.waits_for = f"{who} training; about {seconds} s to your first point."
            if training.speed:
                work = (training.total_steps - training.step) / training.speed * self._turns.crowd
                pace = watch.pace_seconds * (1 - run.progress)
                run.remaining_seconds = 0.0 if training.is_over and not pace else max(work, pace)

    def _watching(self, training: Training) -> list[Watch]:
        return [each for each in self._watches_of.get(training, ()) if each.is_on]

    def _wake(self, training: Training) -> None:
        """Continues a training, unless it is over."""
        if training in self._tasks:
            self._wakers[training].set()
        elif not training.is_over:
            self._wakers[training] = asyncio.Event()
            self._tasks[training] = asyncio.create_task(self._drive(training))

    async def _drive(self, training: Training) -> None:
        """Trains as far as somebody wants to see it, chunk by chunk; rests when nobody watches."""
        try:
            await self._send_chunks(training)
        except Exception as error:  # any error is passed on to the watchers
            for watch in self._watching(training):
                watch.fail(error)
        finally:
            del self._tasks[training], self._wakers[training]
            self._tidy()

    def _tidy(self) -> None:
        """Gives freed memory back: trainings come and go, and the holes they leave would add up over the hours."""
        if self._clock() - self._tidied_at >= TIDY_SECONDS:
            self._tidied_at = self._clock()
            memory.give_back()

    async def _send_chunks(self, training: Training) -> None:
        waker = self._wakers[training]
        while not training.is_over and (watches := self._watching(training)):
            waker.clear()
            rest = min(watch.seconds_until_wanted(training) for watch in watches)
            if rest > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(waker.wait(), rest)
                continue
            await self._send_chunk(training)
            self._store.make_room()
            for watch in self._watching(training):
                watch.changed.set()

    async def _send_chunk(self, training: Training) -> None:
        next_steps, own, speed = functools.partial(self._next_steps, training), training.own, training.speed
        async with self._turns.turn(lambda: {watch.owner for watch in self._watching(training)}) as turn:
            state = training.state.read()  # not before its turn: a crowd waits, and its states wait on the disk
            chunk = await anext(Chunks(state, self._engine, self._root, next_steps, own=own, speed=speed))
            is_first = not training.history
            turn.cpu_seconds = self._prices.charge(training.experiment, chunk.steps, chunk.cpu_seconds, is_first)
        training.record(chunk)

    def _next_steps(self, training: Training, speed: float | None) -> int:
        """How many steps to ask for next: fewer when many wait, and no more than a watcher wants to see."""
        speed = speed or training.speed
        if speed is None:
            seconds = budget.estimated_seconds(training.experiment)
            return max(1, min(FIRST_STEPS, int(training.total_steps * FIRST_CHUNK_SECONDS / seconds)))
        seconds = min(SECONDS, max(LEAST_SECONDS, ROUND_SECONDS / self._turns.crowd))
        ahead = LEAD_SECONDS + PACED_SECONDS
        wanted = max((watch.due(training, ahead) for watch in self._watching(training)), default=0.0) - training.step
        steps = max(1, int(min(seconds * speed, wanted)))
        return steps_to_point(training.experiment, training.step, steps)  # before it there is nothing new to see
