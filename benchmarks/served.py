"""The app as `python app.py` serves it, in a process of its own, for the benchmarks that watch it from outside."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
QUIET_SECONDS = 3.0


@dataclass(frozen=True)
class Served:
    """A running app: its address, its process, and how long the page took to answer."""

    address: str
    process: psutil.Process
    start_seconds: float

    def wait_until_warm(self) -> None:
        """Returns when both workers are there and neither they nor the server compute any more."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            family = self.family()
            before = cpu_seconds(family)
            time.sleep(QUIET_SECONDS)
            workers = [each for each in family if any("spawn_main" in part for part in each.cmdline())]
            if len(workers) >= 2 and cpu_seconds(family) - before < 0.25 * QUIET_SECONDS:
                return
        raise TimeoutError("the workers did not come to rest")

    def family(self) -> list[psutil.Process]:
        """The server and its workers."""
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def served() -> Iterator[Served]:
    """Starts the app on a free port of 127.0.0.1 and ends it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | {"GRADIO_SERVER_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_heed_interrupts,
    )
    try:
        while not _answers(address):
            if server.poll() is not None:
                raise RuntimeError("python app.py has ended by itself")
            time.sleep(0.05)
        yield Served(address, psutil.Process(server.pid), time.perf_counter() - started)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=60)


def _heed_interrupts() -> None:
    """For a child of a shell that runs its jobs in the background, where Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return b"MNIST Lab" in answer.read()
    except OSError:
        return False


def cpu_seconds(family: Iterable[psutil.Process]) -> float:
    """Processor time that these processes have used so far, without those that have ended."""
    times = [each.cpu_times() for each in family if each.is_running()]
    return float(sum(each.user + each.system for each in times))
