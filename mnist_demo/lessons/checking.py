"""Whether the lessons show what they claim, tried on many seeds.

Trains every distinct run once, on worker processes of low priority. Knows how to check a claim. Does not know the
claims: they are in the lessons.
"""

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from mnist_demo.cluster import Cluster
from mnist_demo.cluster.engine import Engine
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import History, Metrics
from mnist_demo.experiment.pair import Pair
from mnist_demo.images import data
from mnist_demo.learning import checkpoints, training
from mnist_demo.learning.chunks import Chunks, about
from mnist_demo.lessons.catalog import Claim, Lesson

NEEDED_SHARE = 0.9
CHUNK_SECONDS = 5.0  # nobody is watching

Key = str  # an experiment as JSON, its seed included


@dataclass(frozen=True)
class Verdict:
    """The seeds at which a sentence of a lesson, or of a suggestion in it, was not true of its runs."""

    lesson: Lesson
    claim: Claim
    seeds: int
    failed: tuple[int, ...]

    @property
    def held(self) -> int:
        """At how many seeds it was true."""
        return self.seeds - len(self.failed)

    @property
    def is_good(self) -> bool:
        """Whether it held on nine seeds of ten."""
        return self.held >= NEEDED_SHARE * self.seeds

    def line(self) -> str:
        """The verdict on one line."""
        word = "ok  " if self.is_good else "FAIL"
        seeds = f" (not at seed {', '.join(map(str, self.failed))})" if self.failed else ""
        return f"{word} {self.held:2d}/{self.seeds} {self.lesson.slug:24s} {self.claim.sentence}{seeds}"


def check(chosen: Sequence[Lesson], seeds: int) -> Iterator[Verdict | None]:
    """Trains what the lessons speak of with `seeds` seeds each; yields None for every run trained, and verdicts.

    A lesson's verdicts, one for each sentence and each suggestion, come as soon as its last run is trained. The order
    of training does not change results.
    """
    histories: dict[Key, History] = {}
    waiting = list(chosen)
    for key, history in train_all(_all_keys(chosen, seeds)):
        histories[key] = history
        yield None
        for lesson in [lesson for lesson in waiting if _all_keys([lesson], seeds).keys() <= histories.keys()]:
            waiting.remove(lesson)
            yield from judge(lesson, seeds, histories)


def run_count(chosen: Sequence[Lesson], seeds: int) -> int:
    """How many runs `check` will train. A run that several lessons share is trained once."""
    return len(_all_keys(chosen, seeds))


def judge(lesson: Lesson, seeds: int, histories: Mapping[Key, History]) -> Iterator[Verdict]:
    """The verdicts on a lesson whose runs are all there."""
    for pair, claim in spoken_of(lesson):
        runs = [tuple(histories[key] for key in _keys(pair, seed)) for seed in range(seeds)]
        yield Verdict(lesson, claim, seeds, tuple(seed for seed, (a, b) in enumerate(runs) if not claim.holds(a, b)))


def spoken_of(lesson: Lesson) -> Iterator[tuple[Pair, Claim]]:
    """Each sentence of a lesson that can be measured, with the pair it is about."""
    for claim in lesson.claims:
        yield lesson.pair, claim
    for suggestion in lesson.try_next:
        if suggestion.claim.mark is None:
            yield suggestion.runs, suggestion.claim


def train_all(keys: Iterable[Key]) -> Iterator[tuple[Key, History]]:
    """Every distinct run as it ends, trained on worker processes of low priority, one a core."""
    root = data.mnist_root()
    processes = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    with Cluster.start(workers=processes) as cluster, ThreadPoolExecutor(processes) as pool:
        futures = {pool.submit(asyncio.run, _history_of(key, cluster, root)): key for key in dict.fromkeys(keys)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _all_keys(chosen: Sequence[Lesson], seeds: int) -> dict[Key, None]:
    pairs = [pair for lesson in chosen for pair, _ in spoken_of(lesson)]
    return dict.fromkeys(key for seed in range(seeds) for pair in pairs for key in _keys(pair, seed))


def _keys(pair: Pair, seed: int) -> tuple[Key, Key]:
    return _key(pair.a, seed), _key(pair.b, seed)


def _key(experiment: Experiment, seed: int) -> Key:
    """The experiment for try number `seed`: A and B change their seeds together."""
    return experiment.replace(seed=experiment.seed + seed).model_dump_json()


async def _history_of(key: Key, engine: Engine, root: Path) -> tuple[Metrics, ...]:
    """What a whole run measured."""
    state = checkpoints.state_to_bytes(training.start(Experiment.model_validate_json(key)))
    return tuple(
        [point async for chunk in Chunks(state, engine, root, about(CHUNK_SECONDS)) for point, _ in chunk.points]
    )
