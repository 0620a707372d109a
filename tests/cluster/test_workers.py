"""A worker's settings and its end: as many as there are cores or as asked for; only one that is stopped is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil
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


class Nanny:
    """Whoever looks after a process and knows its id; 0 while it is starting one."""

    def __init__(self, pid: int | None) -> None:
        self.pid = pid


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    made = [subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2)]
    yield made
    for process in made:
        process.kill()
        process.communicate(timeout=10)


def test_a_stopped_worker_is_killed_and_a_sleeping_one_is_not(processes: list[subprocess.Popen[bytes]]) -> None:
    stopped, waiting = processes
    stopped.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, stopped.pid, os.WSTOPPED | os.WNOWAIT)
    assert psutil.Process(stopped.pid).status() == psutil.STATUS_STOPPED
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait(timeout=10)
    nannies: list[Any] = [Nanny(gone.pid), Nanny(None), Nanny(stopped.pid), Nanny(waiting.pid)]
    workers.end_stopped(nannies)
    assert stopped.wait(timeout=10) == -signal.SIGKILL
    assert waiting.poll() is None
