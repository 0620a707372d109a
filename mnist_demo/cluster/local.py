"""The worker processes of this machine: how they are started, watched and ended.

Knows Dask's local cluster and its nannies, the processes that keep a worker each. Does not know tasks.
"""

# mypy: allow-untyped-calls

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import dask
import psutil
from distributed import LocalCluster, Nanny

WORKER_MEMORY = "4GiB"  # five times a warm worker (0.73 GB); two fit a 16 GB machine beside the server
LOOK_SECONDS = 0.1

# Trimming memory after every task costs a quarter of the training speed; sampling the stack costs more of it.
# Workers hold no data worth spilling. A paused worker would never resume, so one that uses too much is restarted.
WORKER_SETTINGS = {
    "distributed.nanny.pre-spawn-environ": {
        "MALLOC_TRIM_THRESHOLD_": 2**28,
        "MALLOC_MMAP_THRESHOLD_": 2**28,
        "OMP_NUM_THREADS": 1,
        "MKL_NUM_THREADS": 1,
        "OPENBLAS_NUM_THREADS": 1,
    },
    "distributed.worker.profile.enabled": False,
    "distributed.worker.http.routes": [],
    "distributed.scheduler.http.routes": [],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    # Clocks that look for what cannot happen here: an idle server took .046 of a core with Dask's, .02 with these
    # (2026-11-26). Each worker has one task at most, so there is none to steal, and no result is kept twice.
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.cycle": "5s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.no-workers-timeout": "60s",
    "distributed.comm.timeouts.connect": "120s",  # also how long a worker may take to start on a busy machine
    # This timer starts at each death. A worker that is down again when it ends would be removed for good.
    "distributed.deploy.lost-worker-timeout": "365 days",
}


@asynccontextmanager
async def local_cluster(workers: int, closing: asyncio.Event) -> AsyncIterator[LocalCluster]:
    """As many worker processes, each with one thread. When `closing` is set they are killed, even while they start."""
    dask.config.set(WORKER_SETTINGS)
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=WORKER_MEMORY,
        # A death is told at once: the cluster itself decides what runs again.
        # Without an address of its own, the scheduler's web page would open on 0.0.0.0:8787 even when switched off.
        scheduler_kwargs={"allowed_failures": 0, "dashboard_address": "127.0.0.1:0"},
        silence_logs=logging.CRITICAL,
        asynchronous=True,
    )
    ending = asyncio.ensure_future(_end_when(closing, cluster))
    try:
        async with cluster:
            yield cluster
    finally:
        ending.cancel()


def end_stopped(nannies: Iterable[Nanny]) -> None:
    """Kills workers that are stopped (SIGSTOP, a debugger): they would never answer. Their nannies start new ones."""
    for nanny in nannies:
        if nanny.pid:
            with suppress(psutil.Error):  # just gone
                process = psutil.Process(nanny.pid)
                if process.status() == psutil.STATUS_STOPPED:
                    process.kill()


async def _end_when(closing: asyncio.Event, cluster: LocalCluster) -> None:
    """Kills all workers, which hold nothing that is worth keeping; no new ones are started in their place."""
    await closing.wait()
    while True:  # a process that is just being started has no id yet
        for nanny in cluster.workers.values():
            nanny.auto_restart = False
            if nanny.pid:
                with suppress(psutil.Error):
                    psutil.Process(nanny.pid).kill()
        await asyncio.sleep(LOOK_SECONDS)
