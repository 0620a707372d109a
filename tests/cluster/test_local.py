"""Of the workers of this machine, those that are stopped are killed, and only those."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from mnist_demo.cluster import local


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
    local.end_stopped(nannies)
    assert stopped.wait(timeout=10) == -signal.SIGKILL
    assert waiting.poll() is None
