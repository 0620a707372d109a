"""The only package that knows Dask: it runs module-level functions on worker processes.

It decides how workers start, what happens if a worker dies or a task never ends, and how an outage is reported. It
does not know what the functions compute. They take plain arguments or bytes, workers can import them, and they are
pure, because a lost task is run again.

All of Dask runs on one event loop in one daemon thread, so a web server's own loop never waits for it.
"""

# mypy: allow-untyped-calls

import asyncio
import atexit
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from typing import Any, Self, TypeVar, TypeVarTuple, cast

import dask
from distributed import Client, KilledWorker, LocalCluster

from mnist_demo.cluster.elsewhere import compare_versions
from mnist_demo.cluster.local import end_stopped, local_cluster
from mnist_demo.cluster.slots import Slots
from mnist_demo.cluster.status import CLOSED, LOST, ClusterStatus, Phase, why_not_started
from mnist_demo.cluster.suspects import Workshop
from mnist_demo.cluster.workers import ConnectionLost, WorkerCare, try_on_worker
from mnist_demo.errors import EngineUnavailable

__all__ = ["Cluster", "ClusterStatus", "Phase"]

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

TRIES_ALONE = 3  # of a task that has lost a worker in company
NOTICE_SECONDS = 0.5  # until the deaths of other workers at the same moment are noticed
WATCH_SECONDS = 2.0
CONNECT_SECONDS = 5.0
RECONNECT_SECONDS = 2.0
RETURN_SECONDS = 60.0  # a scheduler that dies and starts again is waited for so long
LOSSES = 3  # of the connection, in one task
LOOK_SECONDS = 0.2
CLOSE_SECONDS = 4.0  # then the program ends all the same; workers without a server end by themselves
RESTART_SECONDS = 15.0  # a machine too busy to start workers needs a rest

_COMMON_SETTINGS = {
    "distributed.admin.large-graph-warning-threshold": "256MiB",  # a task carries a few MB of optimizer state
    "distributed.admin.low-level-log-length": 0,  # else the last 1,000 messages below 1 MB are kept: whole trainings
}


class Cluster:
    """Worker processes of this machine, or of the cluster behind a scheduler's address, from `begin` to `close`.

    `scheduler_address` ("tcp://..." or "tls://...", certificates from Dask's own configuration) names a running
    scheduler; without it, `workers` processes of this machine are started. `warm`, a module-level function, is called
    once in each worker before it is ready. Every worker imports the main module, which must have no side effects.
    """

    def __init__(self, scheduler_address: str | None, workers: int = 2, warm: Callable[[], object] | None = None):
        self._scheduler_address = scheduler_address
        self._wanted_workers = workers
        self._warm = warm
        self._status = ClusterStatus(Phase.STARTING)
        self._client: Client | None = None
        self._has_been_ready = False
        self._settled = asyncio.Event()  # set while there is a client, or a reason for having none
        self._closing = asyncio.Event()
        self._slots = Slots()
        self._workshop = Workshop()
        self._running: set[asyncio.Task[Any]] = set()
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._lock = threading.Lock()  # nothing is given to the loop after `close` has begun
        self._is_closed = False
        self._thread = threading.Thread(target=self._serve, name="mnist-cluster", daemon=True)

    @classmethod
    def start(
        cls,
        *,
        scheduler_address: str | None = None,
        workers: int = 2,
        warm: Callable[[], object] | None = None,
    ) -> Self:
        """A cluster that has begun."""
        cluster = cls(scheduler_address, workers, warm)
        cluster.begin()
        return cluster

    def begin(self) -> None:
        """Start the workers and return at once; `status` shows how far they are. Tasks wait until they are ready."""
        atexit.register(self.close)
        self._thread.start()

    @property
    def status(self) -> ClusterStatus:
        """The latest state; `workers` may lag by two seconds."""
        return self._status

    async def run(
        self,
        function: Callable[[*Arguments], Result],
        *arguments: *Arguments,
        deadline_seconds: float = 120.0,
    ) -> Result:
        """Call `function(*arguments)` on a worker and return what it returns.

        Waits for the workers to be ready and for one of them to be free; neither counts towards the deadline. If the
        awaiting task is cancelled, a task that still waits never starts; one that runs is left to end, and its result
        is dropped.

        A task whose worker dies is run again, from then on alone; one whose scheduler is lost, when that is back.
        Raises EngineUnavailable if the workers cannot be reached, or if three more die while they run nothing else;
        TookTooLong if it exceeds the deadline (that worker is replaced). What `function` itself raises is passed on.
        """
        return await asyncio.wrap_future(self._submit(function, arguments, deadline_seconds))

    def run_blocking(
        self,
        function: Callable[[*Arguments], Result],
        *arguments: *Arguments,
        deadline_seconds: float = 120.0,
    ) -> Result:
        """The same as `run`, for callers without an event loop."""
        return self._submit(function, arguments, deadline_seconds).result()

    def close(self) -> None:
        """End the workers and wait for them; unfinished tasks raise EngineUnavailable. May be called twice."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._loop.call_soon_threadsafe(self._closing.set)
        if self._thread.ident:
            self._thread.join(CLOSE_SECONDS)
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # All methods below run on the cluster's own loop, except the first two.

    def _submit(self, function: Callable[..., Result], arguments: tuple[Any, ...], deadline: float) -> Future[Result]:
        with self._lock:
            if self._is_closed:
                raise EngineUnavailable(CLOSED)
            call = self._run_when_free(function, arguments, deadline)
            return asyncio.run_coroutine_threadsafe(call, self._loop)

    def _serve(self) -> None:
        with self._runner:
            self._runner.run(self._live())
        self._status = ClusterStatus(Phase.CLOSED)

    async def _live(self) -> None:
        """Stay connected until closed: after a failed start or a lost connection, try again after a pause."""
        while not self._closing.is_set():
            try:
                async with AsyncExitStack() as stack:
                    await self._connected_life(stack)
                reason = LOST
            except Exception as error:
                reason = why_not_started(error, self._scheduler_address)
                if not self._closing.is_set():
                    logging.getLogger(__name__).warning(reason, exc_info=error)
            self._client = None
            if self._closing.is_set():
                return
            self._status = ClusterStatus(Phase.FAILED, reason=reason)
            self._settled.set()
            pause = RECONNECT_SECONDS if self._scheduler_address else RESTART_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause)

    async def _connected_life(self, stack: AsyncExitStack) -> None:
        dask.config.set(_COMMON_SETTINGS)
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told by `status`
        target: str | LocalCluster | None = self._scheduler_address
        if target is None:
            target = await stack.enter_async_context(local_cluster(self._wanted_workers, self._closing))
        client = await stack.enter_async_context(
            Client(
                target,
                asynchronous=True,
                set_as_default=False,
                timeout=CONNECT_SECONDS,
                direct_to_workers=self._scheduler_address is None,  # remote workers may not be reachable from here
            )
        )
        if self._scheduler_address:
            await client.wait_for_workers(1, timeout=CONNECT_SECONDS)
            await compare_versions(client)
        care = WorkerCare(self._warm, is_local=self._scheduler_address is None)
        warming = asyncio.ensure_future(client.register_plugin(care, name="mnist-worker-care"))
        closing = asyncio.ensure_future(self._closing.wait())
        await asyncio.wait({warming, closing}, return_when=asyncio.FIRST_COMPLETED)
        if self._closing.is_set():
            return
        closing.cancel()
        await warming
        self._client = client
        self._has_been_ready = True
        while client.status == "running" and self._client is client and not self._closing.is_set():
            await self._count_workers(client)
            self._settled.set()
            if isinstance(target, LocalCluster):
                end_stopped(target.workers.values())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), WATCH_SECONDS)
        if self._closing.is_set():
            for task in self._running:
                task.cancel()

    async def _count_workers(self, client: Client) -> None:
        with suppress(OSError):
            threads = await client.nthreads()
            self._status = ClusterStatus(Phase.READY, workers=len(threads))
            await self._slots.resize(max(1, sum(threads.values())))  # with none left, one task finds out and says so

    async def _run_when_free(
        self, function: Callable[..., Result], arguments: tuple[Any, ...], deadline: float
    ) -> Result:
        try:
            await self._settled.wait()
            for _ in range(LOSSES):
                if self._client is None:
                    await self._wait_for_return()
                client = self._client
                await self._slots.acquire()
                task = self._loop.create_task(self._run_on_worker(function, arguments, deadline))
                self._running.add(task)
                task.add_done_callback(self._free_slot)
                with suppress(ConnectionLost):
                    # A function that runs cannot be interrupted. Its slot stays taken until the worker is free again.
                    return await asyncio.shield(task)
                if not self._scheduler_address:
                    break
                if self._client is client:
                    self._client = None  # `_live` makes another
            raise self._outage()
        except asyncio.CancelledError:
            if self._closing.is_set():
                raise self._outage() from None
            raise

    async def _wait_for_return(self) -> None:
        """Waits for a new client after a lost one. One that never was there is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RETURN_SECONDS if self._has_been_ready else 0):
                while self._client is None:
                    await asyncio.sleep(LOOK_SECONDS)
        if self._client is None:
            raise self._outage()

    def _outage(self) -> EngineUnavailable:
        return EngineUnavailable(CLOSED if self._closing.is_set() else self._status.reason or LOST)

    def _free_slot(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        self._slots.release()

    async def _run_on_worker(
        self, function: Callable[..., Result], arguments: tuple[Any, ...], deadline: float
    ) -> Result:
        with suppress(KilledWorker):
            async with self._workshop.together():
                return cast(Result, await try_on_worker(self._client, function, arguments, deadline))
        for _ in range(TRIES_ALONE):
            with suppress(KilledWorker):
                async with self._workshop.alone():
                    await asyncio.sleep(NOTICE_SECONDS)
                    return cast(Result, await try_on_worker(self._client, function, arguments, deadline))
        raise EngineUnavailable(
            f"The task was given up, because {1 + TRIES_ALONE} training workers died while running it."
        )
