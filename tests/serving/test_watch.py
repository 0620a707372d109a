"""A visitor's pace: how much of a training is due when, how long it may rest, and that a stop frees the runs."""

import asyncio
import math
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.learning.training import Status
from mnist_demo.serving.runs import Run, RunStore
from mnist_demo.serving.watch import LEAD_SECONDS, Watch

PACE = 24.0  # seconds for the 12 steps of the tiny run: one in two seconds


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(tiny: Experiment) -> Run:
    """A run whose training is over, of 12 steps with a point every four, and of which nothing has been seen."""
    made = RunStore().create(tiny, "me", "1A")
    made.training.history = [Metrics(step, step / 4, 25 * step, 1.0, 1.0, 0.5, 1.0, 0.5) for step in (0, 4, 8, 12)]
    made.training.step, made.training.status = 12, Status.FINISHED
    return made


async def watching(run: Run, clock: Clock, pace: float = PACE) -> Watch:
    return Watch([run], pace, clock)


def on_a_loop(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(steps, 10))


def test_a_run_is_seen_at_the_pace_and_no_faster(run: Run, clock: Clock) -> None:
    watch = asyncio.run(watching(run, clock))
    seen = []
    for seconds in (0, 7.9, 8, 8, 15.9, 16, 23.9, 24):
        clock.now = 1_000 + seconds
        seen.append((watch.see(), len(run.history), run.step))
        assert watch.is_over == (seconds == PACE)
    points = [(True, 1, 0), (False, 1, 3), (True, 2, 4), (False, 2, 4)]
    assert seen == [*points, (False, 2, 7), (True, 3, 8), (False, 3, 11), (True, 4, 12)]
    assert watch.is_over
    assert run.status is Status.FINISHED


def test_without_a_pace_everything_is_due_at_once(run: Run, clock: Clock) -> None:
    watch = asyncio.run(watching(run, clock, pace=0))
    assert watch.due(run.training) == math.inf
    assert watch.seconds_until_wanted(run.training) == 0
    assert watch.see()
    assert (len(run.history), watch.is_over) == (4, True)


def test_nothing_is_seen_before_it_is_trained(run: Run, clock: Clock) -> None:
    run.training.step, run.training.status = 6, Status.RUNNING
    del run.training.history[2:]
    watch = asyncio.run(watching(run, clock))
    clock.now += 2 * PACE
    assert watch.see()
    assert (run.step, len(run.history)) == (6, 2)
    assert not watch.is_over, "all that is trained is seen, but the training goes on"


def test_who_resumes_goes_on_where_they_were(run: Run, clock: Clock) -> None:
    run.see(8)
    watch = asyncio.run(watching(run, clock))
    assert watch.due(run.training) == 8
    clock.now += 2
    assert watch.due(run.training) == 9
    assert watch.due(run.training, ahead_seconds=4) == 11


def test_a_training_may_rest_until_its_lead_is_used_up(run: Run, clock: Clock) -> None:
    watch = asyncio.run(watching(run, clock))
    run.training.step = 4  # due after eight seconds
    assert watch.seconds_until_wanted(run.training) == pytest.approx(8 - LEAD_SECONDS)
    clock.now += 8 - LEAD_SECONDS
    assert watch.seconds_until_wanted(run.training) == pytest.approx(0)
    clock.now += 1
    assert watch.seconds_until_wanted(run.training) == pytest.approx(-1)


def test_the_next_point_is_waited_for_exactly_as_long_as_the_pace_says(run: Run, clock: Clock) -> None:
    watch = asyncio.run(watching(run, clock))
    assert watch.seconds_until_point() == 0, "the first point is due at once"
    watch.see()
    assert watch.seconds_until_point() == pytest.approx(8)
    clock.now += 5
    assert watch.seconds_until_point() == pytest.approx(3)
    clock.now += 50
    assert watch.seconds_until_point() == 0, "late is not negative"
    watch.see()
    assert watch.seconds_until_point() == math.inf


def test_a_stop_from_another_thread_frees_the_runs_and_wakes_who_waits(run: Run, clock: Clock) -> None:
    async def stopped() -> None:
        watch = Watch([run], PACE, clock)
        run.waits_for, run.remaining_seconds = "1 other is training.", 9.0
        assert run.is_busy
        thread = threading.Thread(target=watch.stop)
        thread.start()
        await watch.changed.wait()
        thread.join()
        assert (run.watch, run.waits_for, run.remaining_seconds, watch.is_on) == (None, "", None, False)

    on_a_loop(stopped())


def test_a_watch_that_is_stopped_late_leaves_the_next_one_alone(run: Run, clock: Clock) -> None:
    async def both() -> None:
        first, second = Watch([run], PACE, clock), Watch([run], PACE, clock)
        first.stop()
        first.stop()
        assert run.watch is second
        assert second.is_on

    on_a_loop(both())
    assert run.watch
    run.watch.stop()  # its loop is closed: nobody is left to wake
    assert not run.is_busy


def test_an_error_ends_it_and_wakes_who_waits(run: Run, clock: Clock) -> None:
    async def failed() -> None:
        watch = Watch([run], PACE, clock)
        assert watch.is_on
        watch.fail(error := RunError("Run 1A ends here."))
        await watch.changed.wait()
        assert (watch.error, watch.is_on) == (error, False)

    on_a_loop(failed())
