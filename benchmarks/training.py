"""Training through the app, on its workers and in its chunks, against the same loop bare in one process per core.

Beside it the training step and the CNN, against plain PyTorch (`peers`).
"""

import asyncio
import functools
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psutil
import torch

from benchmarks import peers
from benchmarks.served import cpu_seconds
from mnist_demo.cluster import Cluster
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.images import data
from mnist_demo.learning import checkpoints, training
from mnist_demo.learning.chunks import Chunks, warm
from mnist_demo.serving.driver import Driver
from mnist_demo.serving.runs import RunStore

CORES = 2
CHUNK_STEPS = 700
REPEATS = 3
MLP = Experiment.from_dict({"train_size": 55_000, "epochs": 5})
CNN = Experiment.from_dict({"network": "cnn", "train_size": 20_000, "epochs": 1})


def measure() -> Iterator[tuple[str, float, str]]:
    """(name, value, unit): the step, one bare process, two runs through the app relative to two bare, the CNN."""
    os.environ["OMP_NUM_THREADS"] = "1"
    root = data.mnist_root()
    spawn = multiprocessing.get_context("spawn")
    torch.set_num_threads(1)
    training_data = data.load_training_data(root)
    yield from peers.step_rows(training_data)
    with ProcessPoolExecutor(CORES, spawn) as bare, Cluster.start(warm=functools.partial(warm, root)) as cluster:
        _both_bare(bare, MLP.replace(epochs=1), root)  # imports, and reads the images
        cluster.run_blocking(data.load_training_data, root)
        for name, experiment in (("MLP 784-256-128-10", MLP), ("CNN", CNN)):
            seconds = statistics.median(bare.submit(bare_loop, experiment, root).result() for _ in range(REPEATS))
            images = experiment.epochs * experiment.train_size
            yield f"{name}, one bare process, evaluations included", images / seconds, "images/s"
        together, chunked, driven, kept_busy = [], [], [], []
        for _ in range(REPEATS):  # in turn, so that a busy moment hits all three
            seconds, bare_cores = _with_cores(lambda: _both_bare(bare, MLP, root))
            together.append(seconds)
            chunked.append(asyncio.run(_in_chunks(cluster, root)))
            seconds, cores = _with_cores(lambda: asyncio.run(_driven(cluster, root)))
            driven.append(seconds)
            kept_busy.append(cores / bare_cores)
    base = statistics.median(together)
    yield "two MLPs at once, bare", 2 * MLP.epochs * MLP.train_size / base, "images/s"
    yield f"through the app, {CHUNK_STEPS}-step chunks, of bare", base / statistics.median(chunked), "times"
    yield "through the app, its own chunks and snapshots, of bare", base / statistics.median(driven), "times"
    yield "cores that its workers keep busy, of those of bare", statistics.median(kept_busy), "times"
    yield from peers.cnn_rows(training_data)


def _with_cores(measured: Callable[[], float]) -> tuple[float, float]:
    """The seconds of a measurement, and how many cores all child processes kept busy meanwhile.

    The second tells about waiting alone. It does not change where the machine's cores are slower than a minute ago.
    """
    before = cpu_seconds(psutil.Process().children(recursive=True))
    seconds = measured()
    return seconds, (cpu_seconds(psutil.Process().children(recursive=True)) - before) / seconds


def bare_loop(experiment: Experiment, root: Path) -> float:
    """In a process: seconds of the whole run in one call, on one thread."""
    torch.set_num_threads(1)
    images = data.load_training_data(root)
    started = time.perf_counter()
    training.advance(training.start(experiment), 10**9, images)
    return time.perf_counter() - started


def _both_bare(pool: ProcessPoolExecutor, experiment: Experiment, root: Path) -> float:
    started = time.perf_counter()
    futures = [pool.submit(bare_loop, experiment, root) for _ in range(CORES)]
    for future in futures:
        future.result()
    return time.perf_counter() - started


async def _in_chunks(cluster: Cluster, root: Path) -> float:
    async def one() -> None:
        state = checkpoints.state_to_bytes(training.start(MLP))
        async for _ in Chunks(state, cluster, root, lambda _: CHUNK_STEPS):
            pass

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CORES)))
    return time.perf_counter() - started


async def _driven(cluster: Cluster, root: Path) -> float:
    store = RunStore()
    runs = store.create_pair(Pair(a=MLP, b=MLP.replace(seed=1)), "benchmark")
    started = time.perf_counter()
    async for _ in Driver(store, cluster, root).train(runs):
        pass
    return time.perf_counter() - started
