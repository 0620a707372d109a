"""The interface for running functions elsewhere, and its smallest implementation: one thread of this process.

`Engine` is the interface. `mnist_demo.cluster.Cluster` implements it with worker processes, `InProcess` with one
thread. Does not know Dask or training.
"""

import asyncio
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, SupportsIndex, TypeVar, TypeVarTuple

from mnist_demo.cluster.status import ClusterStatus, Phase
from mnist_demo.errors import EngineUnavailable

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Parcel(bytes):
    """Bytes that a pickle carries beside itself, so that nobody on the way to a worker and back has to copy them.

    Sending 2.8 MB to a worker and back took the server 12 ms as plain bytes, and 6 as a parcel (2026-11-26).
    """

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return (Parcel, (pickle.PickleBuffer(self),)) if int(protocol) >= 5 else super().__reduce_ex__(protocol)


class Engine(Protocol):
    """Runs module-level, pure functions on plain arguments, outside the caller's event loop."""

    @property
    def status(self) -> ClusterStatus:
        """The latest state."""

    async def run(
        self,
        function: Callable[[*Arguments], Result],
        *arguments: *Arguments,
        deadline_seconds: float = 120.0,
    ) -> Result:
        """Call `function(*arguments)` and return what it returns, or raise what it raises.

        Waiting calls start in the order of asking. If the awaiting task is cancelled, a function that still waits
        never starts; one that runs is left to end, and its result is dropped. Raises EngineUnavailable.
        """


class InProcess:
    """An engine of one thread of this process: for tests and single trainings.

    One thread, as a worker has. A function cannot be stopped here, so there is no deadline.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "mnist-in-process")
        self._is_closed = False

    @property
    def status(self) -> ClusterStatus:
        """Ready until it is closed."""
        return ClusterStatus(Phase.CLOSED) if self._is_closed else ClusterStatus(Phase.READY, workers=1)

    async def run(
        self,
        function: Callable[[*Arguments], Result],
        *arguments: *Arguments,
        deadline_seconds: float = 120.0,  # noqa: ARG002
    ) -> Result:
        """The same as `Engine.run`. Raises EngineUnavailable after `close`."""
        if self._is_closed:
            raise EngineUnavailable("The training thread has been shut down; start it again to train.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: function(*arguments))

    def close(self) -> None:
        """Waits for the function that is running; waiting ones never start. May be called twice."""
        self._is_closed = True
        self._thread.shutdown(cancel_futures=True)

    def __enter__(self) -> "InProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
