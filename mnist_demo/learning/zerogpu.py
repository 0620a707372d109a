"""Hugging Face's ZeroGPU, which lends a GPU for one call: where it is, chunks of the two CNNs go there.

Knows which function asks for the GPU, and that it may be refused: then the workers do the chunk. Does not know how a
chunk is trained. All else goes to the workers, and so does everything off ZeroGPU. Not tried on its hardware.
"""

import asyncio
import importlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from mnist_demo.cluster.engine import Engine
from mnist_demo.cluster.status import ClusterStatus
from mnist_demo.experiment.choices import Network
from mnist_demo.images.pens import PenDigits
from mnist_demo.learning import checkpoints
from mnist_demo.learning.chunks import Chunk, train_chunk

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")
SECONDS_ASKED = 20  # of the GPU for a chunk; a shorter wish waits less
Lent = Callable[..., Chunk]


def is_here() -> bool:
    """Whether this is a Space on ZeroGPU: so its package `spaces` reads the variable."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def gpu_chunk(state: bytes, max_steps: int, root: Path, threads: int, written: PenDigits | None, own: bytes) -> Chunk:
    """In the process that has the GPU: the same as `train_chunk` there."""
    return train_chunk(state, max_steps, root, threads, written, "cuda", own)


def lend() -> Lent:
    """`gpu_chunk` as a function that asks for a GPU, and tells ZeroGPU, which ends an app without one, that it exists.

    `spaces` would tell so when Gradio's own server is launched; this page is served by another.
    """
    lent: Lent = importlib.import_module("spaces").GPU(gpu_chunk, duration=SECONDS_ASKED)
    if is_here():
        importlib.import_module("spaces.zero").startup()
    return lent


class ZeroGpu:
    """An engine whose chunks of CNNs are trained by `lent`, and all else by another engine."""

    def __init__(self, workers: Engine, lent: Lent) -> None:
        self._workers = workers
        self._lent = lent

    @property
    def status(self) -> ClusterStatus:
        """The workers'."""
        return self._workers.status

    async def run(
        self,
        function: Callable[[*Arguments], Result],
        *arguments: *Arguments,
        deadline_seconds: float = 120.0,
    ) -> Result:
        """The same as `Engine.run`."""
        asked: object = function
        given: tuple[Any, ...] = arguments
        if asked is train_chunk and _is_cnn(given[0]):
            state, steps, root, threads, written, _, own = given
            try:
                chunk: Any = await asyncio.to_thread(self._lent, state, steps, root, threads, written, own)
            except Exception as error:  # no GPU is free, or the visitors' share of it is spent
                logging.getLogger(__name__).warning("ZeroGPU did not train a chunk (%s); a worker does.", error)
            else:
                return chunk  # type: ignore[no-any-return]
        return await self._workers.run(function, *arguments, deadline_seconds=deadline_seconds)


def _is_cnn(state: bytes) -> bool:
    return checkpoints.state_from_bytes(state).experiment.network is not Network.MLP
