"""Starting and ending the app, as a process: what keeps it from starting is one line, and a signal ends it with all."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.ui.conftest import free_port

ROOT = Path(__file__).parents[3]
SECONDS = 20.0  # for a refusal, which takes half a second by itself, on a busy machine
PROXY = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}


@pytest.fixture
def settings(mnist_root: Path, tmp_path: Path) -> dict[str, str]:
    """An environment with a port and a cache of its own."""
    shutil.copytree(mnist_root, tmp_path / "cache" / mnist_root.name)
    return {**os.environ, "GRADIO_SERVER_PORT": str(free_port()), "MNIST_DEMO_CACHE": str(tmp_path / "cache")}


def refusal(settings: dict[str, str], **limits: int) -> str:
    """The one line with which `python app.py` does not start."""

    def limit() -> None:
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    started = time.monotonic()
    command = [sys.executable, "app.py"]
    ended = subprocess.run(
        command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=60, check=False, preexec_fn=limit
    )
    assert time.monotonic() - started < SECONDS
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


def test_a_port_that_is_taken_is_named(settings: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(settings["GRADIO_SERVER_PORT"]))):
        assert f"port {settings['GRADIO_SERVER_PORT']} (Address already in use)" in refusal(settings)


@pytest.mark.parametrize("port", ["five", "70000", "-1"])
def test_a_port_that_is_none_is_named(port: str, settings: dict[str, str]) -> None:
    assert repr(port) in refusal(settings | {"GRADIO_SERVER_PORT": port})


def test_an_address_that_is_not_of_this_machine_is_named(settings: dict[str, str]) -> None:
    assert "192.0.2.1" in refusal(settings | {"GRADIO_SERVER_NAME": "192.0.2.1"})


def test_a_cache_that_cannot_be_written_is_named(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "MNIST_DEMO_CACHE" in refusal(settings | {"MNIST_DEMO_CACHE": str(tmp_path / "file" / "below")})


def test_a_full_cache_is_named(settings: dict[str, str], tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: the first large one cannot be written."""
    assert "MNIST_DEMO_CACHE" in refusal(settings | {"MNIST_DEMO_CACHE": str(tmp_path / "new")}, RLIMIT_FSIZE=1_000_000)


@contextmanager
def running(settings: dict[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """The app, answering requests; ended at last, whatever happens."""
    with subprocess.Popen([*command, sys.executable, "app.py"], cwd=ROOT, env=settings) as server:
        try:
            wait_for_answer(f"http://127.0.0.1:{settings['GRADIO_SERVER_PORT']}/healthz", server)
            yield server
        finally:
            if server.poll() is None:
                for process in [*psutil.Process(server.pid).children(recursive=True), server]:
                    process.kill()


def wait_for_answer(address: str, server: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + 240
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        assert server.poll() is None
        assert time.monotonic() < limit
        try:
            with opener.open(address, timeout=30) as answer:
                assert answer.read() == b"ok"
                return
        except OSError:  # not open yet, or open and still loading
            time.sleep(0.2)


def test_behind_a_proxy_it_serves_and_sigterm_ends_it_with_its_workers(settings: dict[str, str]) -> None:
    with running(settings | PROXY) as server:
        process = psutil.Process(server.pid)
        limit = time.monotonic() + 240
        while len(process.children()) < 2:
            assert time.monotonic() < limit
            time.sleep(0.2)
        family = process.children(recursive=True)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
        assert psutil.wait_procs(family, timeout=5)[1] == []


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("unshare")
    or subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True, check=False).returncode != 0,
    reason="no namespace of processes of one's own can be made here",
)
def test_as_process_1_sigterm_ends_it(settings: dict[str, str]) -> None:
    with running(settings, "unshare", "--pid", "--fork", "--kill-child") as outside:
        (first,) = psutil.Process(outside.pid).children()
        first.send_signal(signal.SIGTERM)
        assert outside.wait(timeout=30) == 0
