"""Turns: who may send the next chunk to the workers.

The visitor who has had the least of the workers' time comes next. Two runs, ten tabs or a hundred requests of one
visitor share one account. If several visitors watch a training, they share its cost. Knows CPU-seconds. Does not know
what they are spent on.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

TYPICAL_SECONDS = 0.2  # of a chunk, before one was measured
NEWEST = 0.2  # share of the last chunk in what is typical


@dataclass(eq=False)
class Turn:
    """One chunk's place in the order."""

    owners: Callable[[], Collection[str]]  # asked when somebody has to be chosen
    number: int
    granted: asyncio.Future[None] = field(repr=False)
    payers: Collection[str] = ()
    charged: float = 0.0  # CPU-seconds, before they are known
    cpu_seconds: float = 0.0  # to be filled in by who has the turn


class Turns:
    """The order of chunks. Lives on one event loop."""

    def __init__(self, workers: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        """`workers` tells how many chunks can be trained at once."""
        self._workers = workers
        self._clock = clock
        self._served: dict[str, float] = {}  # visitor -> CPU-seconds; a newcomer starts at the lowest value
        self._present: Counter[str] = Counter()
        self._waiting: list[Turn] = []
        self._running = 0
        self._numbers = itertools.count()
        self._typical = TYPICAL_SECONDS  # CPU-seconds of a chunk
        self._typical_wait = TYPICAL_SECONDS  # and how long it took: a busy machine takes longer

    @property
    def visitors(self) -> Collection[str]:
        """Who takes part."""
        return self._present.keys()

    @property
    def crowd(self) -> float:
        """How many chunks there are for each worker, at least 1."""
        return max(1.0, (len(self._waiting) + self._running) / max(1, self._workers()))

    def enter(self, owner: str) -> None:
        """A visitor takes part, once more: nobody waits longer for their first chunk than for anybody's next."""
        if owner not in self._present:
            least = min((self._served[each] for each in self._present), default=0.0)
            self._served[owner] = max(least, self._served.get(owner, least))
        self._present[owner] += 1

    def leave(self, owner: str) -> None:
        """The opposite of `enter`."""
        self._present[owner] -= 1
        if not self._present[owner]:
            del self._present[owner]
            del self._served[owner]

    @asynccontextmanager
    async def turn(self, owners: Callable[[], Collection[str]]) -> AsyncIterator[Turn]:
        """Waits for a turn, and ends it; its `cpu_seconds`, set meanwhile, are then shared by its owners."""
        turn = Turn(owners, next(self._numbers), asyncio.get_running_loop().create_future())
        self._waiting.append(turn)
        self._grant()
        try:
            await turn.granted
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.granted.cancelled():
                self._charge(turn.payers, -turn.charged)
                self._end()
            raise
        started_at = self._clock()
        try:
            yield turn
        finally:
            self._charge(turn.payers, turn.cpu_seconds - turn.charged)
            if turn.cpu_seconds:
                self._typical += NEWEST * (turn.cpu_seconds - self._typical)
                self._typical_wait += NEWEST * (self._clock() - started_at - self._typical_wait)
            self._end()

    def seconds_until(self, owner: str) -> float:
        """About how long this visitor waits for the end of their next chunk."""
        ahead = sum(self._rank(turn) <= (self._served.get(owner, 0.0), turn.number) for turn in self._waiting)
        return (ahead + self._running) * self._typical_wait / max(1, self._workers())

    def _rank(self, turn: Turn) -> tuple[float, int]:
        served = (self._served[owner] for owner in turn.owners() if owner in self._served)
        return min(served, default=0.0), turn.number

    def _charge(self, payers: Collection[str], cpu_seconds: float) -> None:
        for owner in payers:
            if owner in self._served:
                self._served[owner] += cpu_seconds / len(payers)

    def _end(self) -> None:
        self._running -= 1
        self._grant()

    def _grant(self) -> None:
        """Lets the next ones in: one more than there are workers, so that none of them waits for this server."""
        while self._waiting and self._running <= max(1, self._workers()):
            turn = min(self._waiting, key=self._rank)
            self._waiting.remove(turn)
            if turn.granted.cancelled():
                continue
            self._running += 1
            turn.payers = [owner for owner in turn.owners() if owner in self._served]
            turn.charged = self._typical  # at once, so that their next request does not come before the others'
            self._charge(turn.payers, turn.charged)
            turn.granted.set_result(None)
