"""Training runs chunk by chunk: cuts, pauses, stops and failures change no number, and free what they should."""

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mnist_demo.cluster.engine import Engine, InProcess
from mnist_demo.errors import EngineUnavailable, RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.experiment.pair import Pair
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import checkpoints, chunks, memory, networks, training
from mnist_demo.learning.chunks import FIRST_STEPS
from mnist_demo.learning.training import Status
from mnist_demo.serving import budget
from mnist_demo.serving import driver as driver_module
from mnist_demo.serving.driver import TIDY_SECONDS, Driver
from mnist_demo.serving.runs import Run, RunStore

ROOT = Path("unused")


class FailingEngine(InProcess):
    """Runs each function in this process until a call fails."""

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__()
        self.steps: list[int] = []  # asked for, chunk by chunk
        self.taken: list[int] = []
        self.fails_at = fails_at

    async def run(self, function: Callable[..., Any], *arguments: Any, deadline_seconds: float = 120.0) -> Any:
        self.steps.append(arguments[1])
        if self.fails_at and len(self.steps) >= self.fails_at:
            raise EngineUnavailable("No training worker is running; try again in a minute.")
        chunk = await super().run(function, *arguments, deadline_seconds=deadline_seconds)
        self.taken.append(chunk.steps)
        return chunk


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch, tiny_data: TrainingData) -> None:
    """The chunks train on 300 images and validate on 200."""
    monkeypatch.setattr(chunks, "load_training_data", lambda _root: tiny_data)


@pytest.fixture
def store() -> RunStore:
    return RunStore()


def train_through(pair_of_runs: list[Run], engine: Engine, pace_seconds: float = 0, updates: int = 0) -> int:
    """Trains the runs, closing the generator after so many updates (0: never); the number of updates seen."""

    async def follow() -> int:
        seen = 0
        generator = Driver(RunStore(), engine, ROOT).train(pair_of_runs, pace_seconds)
        async for _ in generator:
            seen += 1
            if seen == updates:
                break
        await generator.aclose()  # type: ignore[attr-defined]
        return seen

    return asyncio.run(follow())


async def wait_until(is_true: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < limit
        await asyncio.sleep(0.01)


async def until_it_grows(following: AsyncIterator[None], run: Run) -> None:
    while not run.history:
        await anext(following)


async def follow_to_the_end(driver: Driver, runs: list[Run], pace_seconds: float = 0) -> None:
    async for _ in driver.train(runs, pace_seconds):
        pass


def comparable(point: Metrics) -> Metrics:
    """The point without NaN, which is unequal to itself."""
    return replace(point, running_loss=-1.0) if math.isnan(point.running_loss) else point


def assert_like_the_bare_loop(run: Run, data: TrainingData) -> None:
    """Every point and the last weights equal those of the whole run in one chunk."""
    expected, points = training.advance(training.start(run.experiment), 10**6, data)
    found = checkpoints.weights_of(run.snapshots[max(run.snapshots)])
    assert networks.weights_hash(found) == networks.weights_hash(expected.evaluated_weights)
    assert (run.step, run.status) == (expected.step, expected.status)
    assert [comparable(point) for point in run.history] == [comparable(point) for point in points]


def test_a_trained_run_equals_the_bare_loop(store: RunStore, tiny: Experiment, tiny_data: TrainingData) -> None:
    pair_of_runs = store.create_pair(Pair(a=tiny, b=tiny.replace(dropout=0.5)), "me")
    assert train_through(pair_of_runs, InProcess()) >= 1
    for run in pair_of_runs:
        assert run.status is Status.FINISHED
        assert_like_the_bare_loop(run, tiny_data)
        assert run.progress == 1
        assert run.remaining_seconds is None
        assert not run.is_busy


def test_equal_runs_of_many_visitors_are_trained_once_and_are_what_each_would_be_alone(
    store: RunStore, tiny: Experiment, tiny_data: TrainingData
) -> None:
    engine = FailingEngine()
    pairs = [store.create_pair(Pair(a=tiny, b=tiny.replace(seed=1)), f"visitor {number}") for number in range(10)]

    async def crowd() -> None:
        driver = Driver(store, engine, ROOT)
        await asyncio.gather(*(follow_to_the_end(driver, pair_of_runs) for pair_of_runs in pairs))

    asyncio.run(crowd())
    trainings = {run.training for pair_of_runs in pairs for run in pair_of_runs}
    assert len(trainings) == 2
    assert sum(engine.taken) == sum(training.step for training in trainings), "no step was taken twice"
    for pair_of_runs in (pairs[0], pairs[-1]):
        for run in pair_of_runs:
            assert_like_the_bare_loop(run, tiny_data)


def test_who_comes_later_sees_again_what_is_there_without_training(store: RunStore, tiny: Experiment) -> None:
    first = store.create(tiny, "me", "1A")
    train_through([first], InProcess())
    engine = FailingEngine(fails_at=1)
    late = store.create(tiny, "you", "1A")
    assert train_through([late], engine, pace_seconds=0.3) >= 2, "it grows"
    assert late.history == first.history
    assert (late.status, late.snapshots) == (Status.FINISHED, first.snapshots)
    assert engine.steps == []


def test_a_stopped_view_stays_where_it_is_while_another_goes_on(store: RunStore, tiny: Experiment) -> None:
    experiment = tiny.replace(epochs=30)
    mine, yours = (store.create(experiment, owner, "1A") for owner in ("me", "you"))

    async def both() -> None:
        driver = Driver(store, InProcess(), ROOT)
        mine_follows = driver.train([mine], 600)
        await until_it_grows(mine_follows, mine)
        await mine_follows.aclose()  # type: ignore[attr-defined]
        await follow_to_the_end(driver, [yours])

    asyncio.run(both())
    assert yours.status is Status.FINISHED
    assert mine.status is Status.RUNNING
    assert 0 < len(mine.history) < len(yours.history)
    train_through([mine], FailingEngine(fails_at=1))
    assert mine.history == yours.history


def test_a_training_rests_when_nobody_watches(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny.replace(epochs=200), "me", "1A")

    async def leave_and_look_again() -> tuple[int, int]:
        driver = Driver(store, InProcess(), ROOT)
        generator = driver.train([run], 100)
        await until_it_grows(generator, run)
        await generator.aclose()  # type: ignore[attr-defined]
        await wait_until(lambda: not driver.is_training)
        after = run.training.step
        await asyncio.sleep(0.3)
        return after, run.training.step

    after, later = asyncio.run(leave_and_look_again())
    assert after == later < run.training.total_steps
    assert store.trainings.size == 0, "what it goes on from is on the disk"


def test_memory_is_given_back_after_trainings_but_not_after_each(
    store: RunStore, tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(memory, "give_back", lambda: given_back.append(0))
    now, counts = [0.0], []

    async def one_after_another() -> None:
        driver = Driver(store, InProcess(), ROOT, clock=lambda: now[0])
        for seed, seconds in enumerate((1.0, TIDY_SECONDS, 1.0, TIDY_SECONDS)):
            now[0] += seconds
            await follow_to_the_end(driver, [store.create(tiny.replace(seed=seed), "me", "1A")])
            await wait_until(lambda: not driver.is_training)
            counts.append(len(given_back))

    asyncio.run(one_after_another())
    assert counts == [0, 1, 1, 2]


@pytest.mark.timeout(60)
def test_the_pace_changes_the_time_and_no_number(store: RunStore, tiny: Experiment, tiny_data: TrainingData) -> None:
    run = store.create(tiny.replace(epochs=12), "me", "1A")
    started = time.monotonic()
    assert train_through([run], InProcess(), pace_seconds=1.0) >= 4
    assert time.monotonic() - started >= 0.8
    assert_like_the_bare_loop(run, tiny_data)


def test_the_first_chunk_of_a_large_network_is_short(store: RunStore) -> None:
    huge = {"network": "deep_cnn", "hidden_sizes": [256, 256], "train_size": 100, "batch_size": 128, "epochs": 5}
    driver = Driver(store, InProcess(), ROOT)
    for knobs, steps in ((huge, 1), ({"train_size": 5000}, FIRST_STEPS)):
        run = store.create(Experiment.from_dict(knobs), "me", "1A")
        assert driver._next_steps(run.training, None) == steps


def test_images_are_counted_as_they_are_in_the_last_batch_of_an_epoch(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny.replace(train_size=100, batch_size=512, epochs=10), "me", "1A")
    run.training.speed = 2.0
    assert run.images_per_second == pytest.approx(200)


@pytest.mark.parametrize("updates", [1, 2])
def test_closed_and_continued_is_the_uninterrupted_run(
    store: RunStore, tiny: Experiment, tiny_data: TrainingData, updates: int
) -> None:
    run = store.create(tiny.replace(epochs=60, dropout=0.5), "me", "1A")
    train_through([run], InProcess(), pace_seconds=2, updates=updates)
    assert not run.is_busy, "a closed generator frees its run"
    assert run.status is Status.RUNNING
    assert run.progress < 1
    train_through([run], InProcess())
    assert_like_the_bare_loop(run, tiny_data)


@pytest.mark.timeout(60)
def test_stop_from_another_thread_ends_the_training(store: RunStore, tiny: Experiment, tiny_data: TrainingData) -> None:
    run = store.create(tiny.replace(epochs=60), "me", "1A")

    async def follow() -> None:
        async for _ in Driver(store, InProcess(), ROOT).train([run], pace_seconds=600):
            await asyncio.to_thread(store.stop, run)

    asyncio.run(follow())
    assert run.status is Status.RUNNING
    assert not run.is_busy
    store.stop(run)  # twice is once
    train_through([run], InProcess())
    assert_like_the_bare_loop(run, tiny_data)


def test_dropping_a_visitor_ends_their_training(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny.replace(epochs=60), "me", "1A")

    async def follow() -> None:
        async for _ in Driver(store, InProcess(), ROOT).train([run], pace_seconds=600):
            store.drop_owner("me")

    asyncio.run(follow())
    assert not run.is_busy
    assert store.of_owner("me") == []


def test_failing_workers_are_told_and_leave_the_run_resumable(
    store: RunStore, tiny: Experiment, tiny_data: TrainingData
) -> None:
    run, other = store.create_pair(Pair(a=tiny.replace(epochs=60), b=tiny.replace(epochs=61)), "me")
    for each in (run, other):
        each.training.speed = 10.0  # small chunks
    with pytest.raises(EngineUnavailable, match="No training worker"):
        train_through([run, other], FailingEngine(fails_at=4))
    for each in (run, other):
        assert not each.is_busy
        assert each.status is Status.RUNNING
    train_through([run, other], InProcess())
    for each in (run, other):
        assert_like_the_bare_loop(each, tiny_data)


def test_a_run_is_followed_once_at_a_time(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny.replace(epochs=60), "me", "1A")

    async def twice() -> None:
        driver = Driver(store, InProcess(), ROOT)
        first = driver.train([run], pace_seconds=600)
        await anext(first)
        with pytest.raises(RunError, match="being trained already"):
            await anext(driver.train([run]))
        assert run.is_busy, "the refused one must not free it"
        await first.aclose()  # type: ignore[attr-defined]

    asyncio.run(twice())
    assert not run.is_busy


def test_a_finished_run_is_left_as_it_is(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny, "me", "1A")
    train_through([run], InProcess())
    before = dict(run.snapshots)
    engine = FailingEngine()
    train_through([run], engine)
    assert run.snapshots == before
    assert engine.steps == []


def test_a_run_that_has_cost_too_much_ends_with_a_sentence(
    store: RunStore, tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "MAX_CPU_SECONDS", 0)
    run = store.create(tiny.replace(epochs=200), "me", "1A")
    for _ in range(2):  # nor does Resume go on
        with pytest.raises(RunError, match=r"^Run 1A ends here\. .* script"):
            train_through([run], InProcess())
        assert run.history, "what was trained is kept"
        assert run.progress < 1


def test_visitors_up_to_the_limit_all_grow_and_the_next_is_told_at_once(
    store: RunStore, tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_module, "MAX_VISITORS", 5)
    runs = [store.create(tiny.replace(seed=number, epochs=30), f"visitor {number}", "1A") for number in range(6)]

    async def crowd() -> None:
        driver = Driver(store, InProcess(), ROOT)
        following = [driver.train([run], 300) for run in runs[:5]]
        await asyncio.gather(*map(until_it_grows, following, runs))
        with pytest.raises(RunError, match="5 visitors are training, the most at once here"):
            await anext(driver.train([runs[5]]))
        await following[0].aclose()  # type: ignore[attr-defined]
        await until_it_grows(driver.train([runs[5]]), runs[5])

    asyncio.run(crowd())


def test_who_asks_for_the_same_gets_as_many_steps_however_a_busy_machine_measures_them(
    store: RunStore, tiny: Experiment
) -> None:
    class Busy(InProcess):
        async def run(self, function: Callable[..., Any], *arguments: Any, deadline_seconds: float = 120.0) -> Any:
            chunk = await super().run(function, *arguments, deadline_seconds=deadline_seconds)
            is_unlucky = checkpoints.state_from_bytes(arguments[0]).experiment.seed % 2
            return replace(chunk, cpu_seconds=chunk.steps * (0.015 if is_unlucky else 0.005))

    asked = [tiny.replace(seed=number, epochs=100, batch_size=10) for number in range(6)]
    runs = [store.create(experiment, f"visitor {number}", "1A") for number, experiment in enumerate(asked)]

    async def neighbours(engine: Engine) -> list[int]:
        driver = Driver(store, engine, ROOT)
        following = [asyncio.create_task(follow_to_the_end(driver, [run])) for run in runs]
        await wait_until(lambda: sum(run.training.step for run in runs) > 2_000)
        for task in following:
            task.cancel()
        return [run.training.step for run in runs]

    with Busy() as engine:
        steps = asyncio.run(neighbours(engine))
    assert min(steps) > 0.7 * max(steps), "a third, if each were charged as it was measured"


def test_one_visitor_has_a_bounded_number_of_pairs_at_once(store: RunStore, tiny: Experiment) -> None:
    runs = [store.create(tiny.replace(seed=number, epochs=30), "me", f"{number}A") for number in range(6)]

    async def many_tabs() -> None:
        driver = Driver(store, InProcess(), ROOT)
        following = [driver.train([run], 300) for run in runs[: driver_module.MAX_PAIRS]]
        await asyncio.gather(*(anext(generator) for generator in following))
        with pytest.raises(RunError, match="stop one of them"):
            await anext(driver.train([runs[5]]))

    asyncio.run(many_tabs())


def test_who_waits_is_told_for_what_and_can_stop(store: RunStore, tiny: Experiment) -> None:
    class Stuck(InProcess):
        async def run(self, *_: Any, **__: Any) -> Any:
            await asyncio.Event().wait()

    busy = store.create(tiny, "you", "1A")
    waiting = store.create(tiny.replace(seed=1), "me", "1A")

    async def wait() -> str:
        driver = Driver(store, Stuck(), ROOT)
        first, second = driver.train([busy]), driver.train([waiting])
        ahead = asyncio.ensure_future(anext(first))
        await asyncio.sleep(0)
        await anext(second)
        told = waiting.waits_for
        store.stop(waiting)
        async for _ in second:
            pass
        ahead.cancel()
        return told

    assert re.fullmatch(r"1 other is training; about \d+ s to your first point\.", asyncio.run(wait()))
    assert not waiting.is_busy
    assert waiting.waits_for == ""
