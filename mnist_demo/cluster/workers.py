"""A worker process of the cluster: how many there are, what each does before its first task, how it is replaced.

Knows one worker. Does not know which worker gets which task: the cluster decides that.
"""

# mypy: allow-untyped-calls

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from distributed import Client, Nanny, Worker, WorkerPlugin
from distributed.scheduler import NoValidWorkerError, NoWorkerError

from mnist_demo.cluster.elsewhere import refuse_differences, versions
from mnist_demo.errors import CannotStart, EngineUnavailable, TookTooLong

MOST_WORKERS = 256
WORKER_NICENESS = 10  # keeps drawing fast during training: p95 22 ms with it, 53 ms for threads (2026-11-23)


def cores() -> int:
    """The cores that this process may use: by its affinity and its container's quota, or as set by a Space."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        found = min(found, round(int(quota) / int(period)))  # "max" is not a number: it means no limit
    with suppress(KeyError, ValueError):
        found = min(found, round(float(os.environ["CPU_CORES"])))
    return max(1, found)


def worker_count() -> int:
    """How many workers to start: MNIST_DEMO_WORKERS, else one per core."""
    text = os.environ.get("MNIST_DEMO_WORKERS") or str(cores())
    if not text.isdecimal() or not 0 < int(text) <= MOST_WORKERS:
        raise CannotStart(f"MNIST_DEMO_WORKERS must be a number from 1 to {MOST_WORKERS}, not {text[:40]!r}.")
    return int(text)


class WorkerCare(WorkerPlugin):
    """What every worker does before its first task, each time it starts."""

    def __init__(self, warm: Callable[[], object] | None, *, is_local: bool) -> None:
        self.warm = warm
        self.is_local = is_local
        self.versions = () if is_local else versions()

    async def setup(self, worker: Worker) -> None:
        is_replacement = not worker.periodic_callbacks["heartbeat"].is_running()
        if self.is_local:
            # This thread starts the thread that runs tasks, which inherits its niceness.
            os.setpriority(os.PRIO_PROCESS, 0, WORKER_NICENESS)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the server, which ends its workers
        else:  # also one that joins later: it then ends with the table of versions
            refuse_differences(self.versions, {worker.address: versions()})
        if self.warm is None:
            return
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(worker.executors["default"], self.warm)
        except Exception:
            # At the first start this is a failure. Later, the first task reports the same error to its visitor.
            if not is_replacement:
                raise


class ConnectionLost(Exception):
    """The scheduler has gone, and with it what it knew of a task."""


async def try_on_worker(
    client: Client | None, function: Callable[..., Any], arguments: tuple[Any, ...], deadline: float
) -> Any:
    """Calls `function(*arguments)` on a worker, once. Raises ConnectionLost, and otherwise as `Cluster.run`."""
    if client is None or client.status != "running":
        raise ConnectionLost
    future = client.submit(function, *arguments, pure=False)
    try:
        async with asyncio.timeout(deadline) as clock:
            return await future
    except (NoWorkerError, NoValidWorkerError) as error:
        raise EngineUnavailable("No training worker is running; try again in a minute.") from error
    except Exception as error:
        if future.status == "error":
            raise
        if clock.expired():
            await kill_worker_of(future, client)
            raise TookTooLong(f"The task was stopped, because it took longer than {deadline:g} seconds.") from None
        raise ConnectionLost from error
    finally:
        future.release()


async def kill_worker_of(future: Any, client: Client) -> None:
    """Replace the worker that runs `future`; there is no other way to stop a running function."""
    with suppress(Exception):  # no nanny, or the worker has already gone: nothing left to do
        processing = await client.processing()
        addresses = [address for address, keys in processing.items() if future.key in keys]
        await client.cancel([future])
        if addresses:
            await client.run(_kill_own_worker, workers=addresses, nanny=True, on_error="return")


def _kill_own_worker(dask_worker: Nanny) -> None:
    """Run by a nanny (Dask passes it by this name), which then starts another worker."""
    if dask_worker.pid:
        os.kill(dask_worker.pid, signal.SIGKILL)
