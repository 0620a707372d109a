"""As many workers as there are cores, or as asked for."""

import os

import pytest

from mnist_demo.cluster import workers
from mnist_demo.errors import CannotStart


def test_as_many_workers_as_cores_that_this_process_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_DEMO_WORKERS", raising=False)
    monkeypatch.delenv("CPU_CORES", raising=False)
    here = workers.cores()
    assert 1 <= here <= len(os.sched_getaffinity(0))
    mine = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(mine)})
        assert workers.cores() == 1
    finally:
        os.sched_setaffinity(0, mine)
    for said, found in (("1", 1), ("0.5", 1), ("1000", here), ("many", here)):
        monkeypatch.setenv("CPU_CORES", said)
        assert workers.worker_count() == found
    monkeypatch.setenv("MNIST_DEMO_WORKERS", "7")
    assert workers.worker_count() == 7
    for wrong in ("0", "-1", "two", "2.5", "100000"):
        monkeypatch.setenv("MNIST_DEMO_WORKERS", wrong)
        with pytest.raises(CannotStart, match="MNIST_DEMO_WORKERS"):
            workers.worker_count()


@pytest.mark.parametrize("said", ["1", str(workers.MOST_WORKERS)])
def test_the_fewest_and_the_most_workers_are_allowed(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("MNIST_DEMO_WORKERS", said)
    assert workers.worker_count() == int(said)


@pytest.mark.parametrize("said", ["0", str(workers.MOST_WORKERS + 1), "9" * 500])
def test_one_less_and_one_more_are_refused_in_a_short_sentence(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("MNIST_DEMO_WORKERS", said)
    with pytest.raises(CannotStart, match=rf"^MNIST_DEMO_WORKERS must be a number from 1 to 256, not '{said[:40]}'\.$"):
        workers.worker_count()
