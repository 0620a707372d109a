"""One slot for each worker thread there is: tasks wait for one here, and not in Dask's queues.

So they start in the order of asking, a waiting task is not blamed when a worker dies, and its deadline starts only
when it has a worker. Knows numbers alone; all on one event loop.
"""

import asyncio


class Slots:
    """As many slots as there are workers at the time."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(0)
        self._count = self._wanted = 0

    async def acquire(self) -> None:
        """Waits for a free slot and takes it."""
        await self._free.acquire()

    def release(self) -> None:
        """Gives a slot back, or drops it if its worker has left."""
        if self._count > self._wanted:
            self._count -= 1
        else:
            self._free.release()

    async def resize(self, wanted: int) -> None:
        """Adds slots at once; takes free ones away at once, and taken ones when they are given back."""
        self._wanted = wanted
        while self._count < wanted:
            self._count += 1
            self._free.release()
        while self._count > wanted and not self._free.locked():
            await self._free.acquire()
            self._count -= 1
