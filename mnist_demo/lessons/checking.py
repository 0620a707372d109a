"""Whether the lessons show what they claim, tried on many seeds.

Trains every distinct run once, on worker processes of low priority. Knows how to try; what must be
shown is in the lessons.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from mnist_demo.cluster import Cluster
from mnist_demo.cluster.engine import Engine
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.images import data
from mnist_demo.learning import checkpoints, training
from mnist_demo.learning.chunks import about, chunks
from mnist_demo.lessons.catalog import Lesson

NEEDED_SHARE = 0.9
CHUNK_SECONDS = 5.0  # nobody is watching

Key = str  # an experiment as JSON, its seed included


@dataclass(frozen=True)
class Verdict:
    """How often a lesson showed all that it claims, and each failure as 'seed: claim'."""

    lesson: Lesson
    seeds: int
    failures: tuple[str, ...]
    held: int

    @property
    def is_good(self) -> bool:
        """Whether it held on nine seeds of ten."""
        return self.held >= NEEDED_SHARE * self.seeds

    def line(self) -> str:
        """The verdict on one line."""
        word = "ok  " if self.is_good else "FAIL"
        return f"{word} {self.held:2d}/{self.seeds} {self.lesson.slug:24s} {'; '.join(self.failures)}".rstrip()


def check(chosen: Sequence[Lesson], seeds: int, processes: int = 2) -> Iterator[Verdict | None]:
    """Trains the lessons' pairs with `seeds` seeds each; yields None for every run trained, and verdicts.

    A lesson's verdict comes as soon as its last run is there. Results depend on no order.
    """
    histories: dict[Key, tuple[Metrics, ...]] = {}
    waiting = list(chosen)
    keys = dict.fromkeys(key for lesson in chosen for seed in range(seeds) for key in _keys(lesson, seed))
    root = data.mnist_root()
    with Cluster.start(workers=processes) as cluster, ThreadPoolExecutor(processes) as pool:
        futures = {pool.submit(asyncio.run, _history_of(key, cluster, root)): key for key in keys}
        try:
            for future in as_completed(futures):
                histories[futures[future]] = future.result()
                yield None
                for lesson in [lesson for lesson in waiting if _is_trained(lesson, seeds, histories)]:
                    waiting.remove(lesson)
                    yield _judge(lesson, seeds, histories)
        finally:
            pool.shutdown(cancel_futures=True)


def run_count(chosen: Sequence[Lesson], seeds: int) -> int:
    """How many runs `check` will train: what lessons share is trained once."""
    return len({key for lesson in chosen for seed in range(seeds) for key in _keys(lesson, seed)})


def _keys(lesson: Lesson, seed: int) -> tuple[Key, Key]:
    return _key(lesson.pair.a, seed), _key(lesson.pair.b, seed)


def _key(experiment: Experiment, seed: int) -> Key:
    """The experiment as the try number `seed` trains it: A and B move on together."""
    return experiment.replace(seed=experiment.seed + seed).model_dump_json()


def _is_trained(lesson: Lesson, seeds: int, trained: Iterable[Key]) -> bool:
    return all(key in trained for seed in range(seeds) for key in _keys(lesson, seed))


def _judge(lesson: Lesson, seeds: int, histories: dict[Key, tuple[Metrics, ...]]) -> Verdict:
    failures, held = [], 0
    for seed in range(seeds):
        a, b = (histories[key] for key in _keys(lesson, seed))
        broken = lesson.check(a, b)
        held += not broken
        failures += [f"seed {seed}: {claim.sentence}" for claim in broken]
    return Verdict(lesson, seeds, tuple(failures), held)


async def _history_of(key: Key, engine: Engine, root: Path) -> tuple[Metrics, ...]:
    """What a whole run measured."""
    state = checkpoints.state_to_bytes(training.start(Experiment.model_validate_json(key)))
    return tuple(
        [point async for chunk in chunks(state, engine, root, about(CHUNK_SECONDS)) for point, _ in chunk.points]
    )
