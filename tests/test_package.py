"""The package as a wheel brings it: all files, the command with the page, and all that a Dask worker elsewhere needs.

The wheel is installed into an empty folder, beside which nothing of this repository can be imported; what it depends on
is this environment's. `pytest -m slow` also installs it with everything, into a fresh environment.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from PIL import Image

from mnist_demo.cluster import Cluster
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import checkpoints, training
from mnist_demo.learning.chunks import train_chunk
from tests.conftest import TINY

Answer = TypeVar("Answer")
ROOT = Path(__file__).parents[1]
NEEDED = ("pyproject.toml", "setup.py", "requirements.txt", "README.md", "LICENSE.txt", "mnist_demo", "checkpoints")


@dataclass(frozen=True)
class Installed:
    """The wheel, and the folder it was installed into."""

    wheel: Path
    folder: Path

    def environment(self, home: Path) -> dict[str, str]:
        """Of a process that finds the package there alone, with a home of its own."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("MNIST_", "GRADIO_", "PYTHON"))
        }
        return {**kept, "PYTHONPATH": str(self.folder), "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    place = tmp_path_factory.mktemp("package")
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / "source" / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            (place / "source").mkdir(exist_ok=True)
            shutil.copy(ROOT / name, place / "source" / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", place, place / "source"], check=True)
    (wheel,) = place.glob("mnist_lab-*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--no-compile", "--target", place / "site", wheel], check=True
    )
    return Installed(wheel, place / "site")


def test_the_wheel_holds_every_file_of_the_package_and_the_networks(installed: Installed) -> None:
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "mnist_demo").rglob("*") if path.is_file()}
    here = {name for name in here if "__pycache__" not in name and "/." not in name}
    networks = {f"mnist_demo/checkpoints/{path.name}" for path in (ROOT / "checkpoints").iterdir() if path.is_file()}
    packed = {name for name in zipfile.ZipFile(installed.wheel).namelist() if not name.startswith("mnist_lab-")}
    assert packed == here | networks


def test_the_command_reads_a_digit_with_the_shipped_network(
    installed: Installed, training_data: TrainingData, tmp_path: Path
) -> None:
    Image.fromarray(255 - training_data.val.images[0].numpy()).resize((280, 280)).save(tmp_path / "digit.png")
    command = [installed.folder / "bin" / "mnist-lab", "predict", "digit.png"]
    told = subprocess.run(
        command, cwd=tmp_path, env=installed.environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith(f"digit.png: {training_data.val.labels[0]} (")


@pytest.mark.slow  # another start of the app, as in tests/ui/test_app.py
def test_the_command_serves_the_page_and_ends_with_ctrl_c(installed: Installed, tmp_path: Path) -> None:
    port = free_port()
    words = [installed.folder / "bin" / "mnist-lab", "serve", "--port", str(port)]
    with running(words, tmp_path, installed.environment(tmp_path)) as server:
        page = until(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read().decode())
        assert "MNIST Lab" in page
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=120) in (0, 130, -signal.SIGINT)


@pytest.mark.slow
def test_a_worker_elsewhere_needs_the_wheel_alone(installed: Installed, tmp_path: Path) -> None:
    """It has no folder of the server's, and unpacks MNIST for itself."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    experiment = Experiment(**TINY)
    state = checkpoints.state_to_bytes(training.start(experiment))
    environment = installed.environment(tmp_path)
    dask = [sys.executable, "-m", "dask"]
    quiet = ["--no-dashboard", "--host", "127.0.0.1"]
    with (
        running([*dask, "scheduler", *quiet, "--port", str(port)], tmp_path, environment),
        running([*dask, "worker", address, *quiet, "--nthreads", "1"], tmp_path, environment),
    ):
        until(lambda: socket.create_connection(("127.0.0.1", port)).close())
        with Cluster.start(scheduler_address=address) as cluster:
            root = tmp_path / "of the server alone"
            chunk = cluster.run_blocking(train_chunk, state, 1000, root, deadline_seconds=500)
    assert checkpoints.state_from_bytes(chunk.state).status is training.Status.FINISHED
    assert (tmp_path / "cache" / "mnist-lab").is_dir()


@pytest.mark.slow
def test_a_fresh_environment_needs_one_command(installed: Installed, tmp_path: Path) -> None:
    """Minutes and gigabytes: everything that the wheel depends on is installed."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "fresh"], check=True)
    subprocess.run([tmp_path / "fresh" / "bin" / "pip", "install", "--quiet", installed.wheel], check=True)
    command = [tmp_path / "fresh" / "bin" / "mnist-lab", "train", "--epochs", "1", "--json"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    told = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=True)
    assert '"status": "finished"' in told.stdout
    shutil.rmtree(tmp_path / "fresh")  # 5 GB


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(words: list[str | Path], folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended, at the latest, when the block is left."""
    with (folder / f"{Path(words[0]).name}.log").open("ab") as log:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(ask: Callable[[], Answer], seconds: float = 300) -> Answer:
    """The answer, once there is one."""
    ends_at = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except OSError:
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.2)
