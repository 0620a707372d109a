"""Which chunks would go to ZeroGPU, and what its own package `spaces` does with the function that asks for it.

No such hardware was there: a stand-in for the lent function trains on the processor.
"""

import asyncio
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mnist_demo.cluster.engine import InProcess
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning import checkpoints, training, zerogpu
from mnist_demo.learning.chunks import Chunk, Chunks, train_chunk

ROOT = Path(__file__).parents[2]
SHORT = {"train_size": 100, "epochs": 1, "hidden_sizes": [4]}


async def trained(lent: zerogpu.Lent, network: str, root: Path) -> str:
    """The status at the end of a short run."""
    experiment = Experiment.from_dict({**SHORT, "network": network})
    state = checkpoints.state_to_bytes(training.start(experiment))
    with InProcess() as workers:
        async for chunk in Chunks(state, zerogpu.ZeroGpu(workers, lent), root):
            state = chunk.state
    return checkpoints.progress_of(state).status


@pytest.mark.parametrize(("network", "asks"), [("mlp", False), ("cnn", True), ("deep_cnn", True)])
def test_only_chunks_of_cnns_ask_for_the_gpu(network: str, asks: bool, mnist_root: Path) -> None:
    asked = []

    def lent(*arguments: Any) -> Chunk:
        asked.append(arguments)
        *given, own = arguments
        return train_chunk(*given, "cpu", own)

    assert asyncio.run(trained(lent, network, mnist_root)) == "finished"
    assert bool(asked) == asks


def test_a_worker_trains_what_was_refused(mnist_root: Path, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(*_: Any) -> Chunk:
        raise RuntimeError("No GPU was available")

    assert asyncio.run(trained(refuse, "cnn", mnist_root)) == "finished"
    assert "No GPU was available" in caplog.text


@pytest.mark.parametrize(("text", "is_here"), [("", False), ("0", False), ("1", True), ("True", True)])
def test_zerogpu_is_known_by_its_variable(text: str, is_here: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", text)
    assert zerogpu.is_here() == is_here


class Report(BaseHTTPRequestHandler):
    """Answers as ZeroGPU's own service does to an app that has a function for it, and notes the paths."""

    def __init__(self, paths: list[str], *arguments: Any) -> None:
        self.paths = paths
        super().__init__(*arguments)

    def do_POST(self) -> None:
        self.paths.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.mark.slow
def test_the_package_finds_the_function_and_leaves_it_alone_elsewhere(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path, "spaces"]
    subprocess.run(pip, check=True)
    program = "from mnist_demo.learning import zerogpu as z; lent = z.lend(); print(lent is z.gpu_chunk)"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    paths: list[str] = []
    with HTTPServer(("127.0.0.1", 0), partial(Report, paths)) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{service.server_address[1]}"
        there = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": address}
        said = [
            subprocess.run(
                [sys.executable, "-c", program], env=environment | more, capture_output=True, text=True, check=True
            ).stdout.split()
            for more in ({}, there)
        ]
        service.shutdown()
    assert said == [["True"], ["False"]]
    assert paths == ["/startup-report"]
