"""Which task is to blame for the death of a worker: it is found out by letting a suspect run alone.

Workers die together (a machine out of memory, somebody's `kill`), and a task that waits at a worker dies with it. So
a first death says nothing of a task. From then on it runs while no other does; what kills workers then is the task.
Knows tasks as blocks of code. Does not know Dask.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Workshop:
    """Lets tasks run side by side, or one alone; all on one event loop."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._inside = 0
        self._is_reserved = False

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Runs its block as soon as nobody is alone or waits to be."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._is_reserved)
            self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            await self._tell()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Runs its block while no other runs; whoever comes meanwhile waits."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._is_reserved)
            self._is_reserved = True
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._inside)
            yield
        finally:
            self._is_reserved = False
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
