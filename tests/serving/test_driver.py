"""Training runs chunk by chunk: cuts, pauses, stops and failures change no number, and free what they should."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mnist_demo.cluster.engine import InProcess
from mnist_demo.errors import EngineUnavailable, RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.experiment.pair import Pair
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import checkpoints, chunks, training
from mnist_demo.learning.chunks import FIRST_STEPS
from mnist_demo.learning.training import Status
from mnist_demo.serving import driver
from mnist_demo.serving.driver import train
from mnist_demo.serving.runs import Run, RunStore


class FailingEngine(InProcess):
    """Runs each function in this process until a call fails."""

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__()
        self.steps: list[int] = []
        self.fails_at = fails_at

    async def run(self, function: Callable[..., Any], *arguments: Any, deadline_seconds: float = 120.0) -> Any:
        self.steps.append(arguments[1])
        if self.fails_at and len(self.steps) >= self.fails_at:
            raise EngineUnavailable("No training worker is running; try again in a minute.")
        return await super().run(function, *arguments, deadline_seconds=deadline_seconds)


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch, tiny_data: TrainingData) -> None:
    """The chunks train on 300 images and validate on 200."""
    monkeypatch.setattr(chunks, "load_training_data", lambda _root: tiny_data)


@pytest.fixture
def store() -> RunStore:
    return RunStore()


def train_through(pair_of_runs: list[Run], cluster: FailingEngine, pace_seconds: float = 0, updates: int = 0) -> int:
    """Trains the runs, closing the generator after so many updates (0: never); the number of updates seen."""

    async def follow() -> int:
        seen = 0
        generator = train(pair_of_runs, cluster, Path("unused"), pace_seconds)
        async for _ in generator:
            seen += 1
            if seen == updates:
                break
        await generator.aclose()  # type: ignore[attr-defined]
        return seen

    return asyncio.run(follow())


def comparable(point: Metrics) -> Metrics:
    """The point without NaN, which is unequal to itself."""
    return replace(point, running_loss=-1.0) if math.isnan(point.running_loss) else point


def assert_like_the_bare_loop(run: Run, data: TrainingData) -> None:
    """Every tensor, generator and point equals those of the whole run in one chunk."""
    expected, points = training.advance(training.start(run.experiment), 10**6, data)
    found = checkpoints.state_from_bytes(run.state)
    for ours, theirs in ((found.weights, expected.weights), (found.moments, expected.moments)):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert torch.equal(found.order_rng, expected.order_rng)
    assert torch.equal(found.noise_rng, expected.noise_rng)
    assert (found.step, found.status) == (expected.step, expected.status)
    assert [comparable(point) for point in run.history] == [comparable(point) for point in points]


def test_a_trained_run_equals_the_bare_loop(store: RunStore, tiny: Experiment, tiny_data: TrainingData) -> None:
    run, twin = store.create_pair(Pair(a=tiny, b=tiny), "me")
    cluster = FailingEngine()
    seen = train_through([run, twin], cluster)
    assert run.status is Status.FINISHED
    for each in (run, twin):
        assert_like_the_bare_loop(each, tiny_data)
    assert seen >= len(cluster.steps) >= 2
    assert run.progress == 1
    assert run.remaining_seconds is None
    assert not run.is_busy


@pytest.mark.timeout(60)
def test_the_pace_changes_the_time_and_no_number(store: RunStore, tiny: Experiment, tiny_data: TrainingData) -> None:
    experiment = tiny.replace(epochs=12)
    run = store.create(experiment, "me", "1A")
    run.images_per_second = 500.0  # known, so that the very first chunk is paced
    cluster = FailingEngine()
    loop_seconds = asyncio.run(_timed(run, cluster, pace_seconds=1.0))
    assert loop_seconds >= 0.8
    assert len(cluster.steps) >= 4
    assert_like_the_bare_loop(run, tiny_data)


async def _timed(run: Run, cluster: FailingEngine, pace_seconds: float) -> float:
    clock = asyncio.get_running_loop().time
    started_at = clock()
    async for _ in train([run], cluster, Path("unused"), pace_seconds):
        pass
    return clock() - started_at


def test_the_first_chunk_of_a_large_network_is_short(store: RunStore) -> None:
    huge = {"network": "deep_cnn", "hidden_sizes": [256, 256], "train_size": 100, "batch_size": 128, "epochs": 5}
    for knobs, steps in ((huge, 1), ({"train_size": 5000}, FIRST_STEPS)):
        run = store.create(Experiment.from_dict(knobs), "me", "1A")
        assert driver._next_steps(run, 0, None) == steps


def test_images_are_counted_as_they_are_in_the_last_batch_of_an_epoch(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny.replace(train_size=100, batch_size=512, epochs=10), "me", "1A")
    run.images_per_second = 100.0
    assert run.remaining_seconds == pytest.approx(10)


@pytest.mark.parametrize("updates", [1, 2])
def test_closed_and_continued_is_the_uninterrupted_run(
    store: RunStore, tiny: Experiment, tiny_data: TrainingData, updates: int
) -> None:
    experiment = tiny.replace(epochs=60, dropout=0.5)
    run = store.create(experiment, "me", "1A")
    train_through([run], FailingEngine(), pace_seconds=1, updates=updates)
    assert not run.is_busy, "a closed generator frees its run"
    assert run.status is Status.RUNNING
    assert 0 < run.progress < 1
    train_through([run], FailingEngine())
    assert_like_the_bare_loop(run, tiny_data)


@pytest.mark.timeout(60)
def test_stop_from_another_thread_ends_the_training(store: RunStore, tiny: Experiment, tiny_data: TrainingData) -> None:
    experiment = tiny.replace(epochs=60)
    run = store.create(experiment, "me", "1A")

    async def follow() -> None:
        async for _ in train([run], InProcess(), Path("unused"), pace_seconds=600):
            await asyncio.to_thread(store.stop, run)

    asyncio.run(follow())
    assert run.status is Status.RUNNING
    assert not run.is_busy
    store.stop(run)  # twice is once
    train_through([run], FailingEngine())
    assert_like_the_bare_loop(run, tiny_data)


def test_dropping_a_visitor_ends_their_training(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny.replace(epochs=60), "me", "1A")

    async def follow() -> None:
        async for _ in train([run], InProcess(), Path("unused"), pace_seconds=600):
            store.drop_owner("me")

    asyncio.run(follow())
    assert not run.is_busy
    assert store.of_owner("me") == []


def test_failing_workers_are_told_and_leave_the_run_resumable(
    store: RunStore, tiny: Experiment, tiny_data: TrainingData
) -> None:
    experiment = tiny.replace(epochs=60)
    run, other = store.create_pair(Pair(a=experiment, b=experiment), "me")
    for each in (run, other):
        each.images_per_second = 10.0  # small chunks
    with pytest.raises(EngineUnavailable, match="No training worker"):
        train_through([run, other], FailingEngine(fails_at=4))
    assert not run.is_busy
    assert not other.is_busy
    assert {run.status, other.status} == {Status.RUNNING}
    train_through([run, other], FailingEngine())
    for each in (run, other):
        assert_like_the_bare_loop(each, tiny_data)


def test_a_run_is_trained_by_one_driver_at_a_time(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny.replace(epochs=60), "me", "1A")

    async def twice() -> None:
        first = train([run], InProcess(), Path("unused"), pace_seconds=600)
        await anext(first)
        with pytest.raises(RunError, match="being trained already"):
            await anext(train([run], InProcess(), Path("unused")))
        assert run.is_busy, "the refused one must not free it"
        await first.aclose()  # type: ignore[attr-defined]

    asyncio.run(twice())
    assert not run.is_busy


def test_a_finished_run_is_left_as_it_is(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny, "me", "1A")
    train_through([run], FailingEngine())
    before = run.state
    cluster = FailingEngine()
    train_through([run], cluster)
    assert run.state == before
    assert cluster.steps == []
