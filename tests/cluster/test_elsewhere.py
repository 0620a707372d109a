"""Workers of other machines: an address in the open is refused unless it is allowed, and so is another version."""

import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mnist_demo.cluster import elsewhere
from mnist_demo.cluster.elsewhere import PACKAGE, refuse_differences, scheduler_address, versions
from mnist_demo.errors import CannotStart, EngineUnavailable
from tests.test_readme import ENCRYPTED


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_DEMO_SCHEDULER", raising=False)
    monkeypatch.delenv("MNIST_DEMO_UNENCRYPTED", raising=False)


def test_without_a_setting_workers_are_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scheduler_address() is None
    monkeypatch.setenv("MNIST_DEMO_SCHEDULER", "")
    assert scheduler_address() is None


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "127.0.0.1:8786", "tcp://[::1]:8786", "tls://10.0.0.7:8786"],
)
def test_this_machine_and_encrypted_addresses_need_no_leave(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("MNIST_DEMO_SCHEDULER", address)
    assert scheduler_address() == address


@pytest.mark.parametrize(
    "address",
    [
        "tcp://10.0.0.7:8786",
        "10.0.0.7:8786",
        "tcp://lab:8786",
        "tcp://127.0.0.1.lab:8786",
        "ws://lab:80",
        "tcp://",
        "x",
    ],
)
def test_an_address_in_the_open_needs_leave(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("MNIST_DEMO_SCHEDULER", address)
    for setting in ("", "false", "1"):
        monkeypatch.setenv("MNIST_DEMO_UNENCRYPTED", setting)
        with pytest.raises(CannotStart, match="MNIST_DEMO_UNENCRYPTED=true"):
            scheduler_address()
    monkeypatch.setenv("MNIST_DEMO_UNENCRYPTED", "True")
    assert scheduler_address() == address


def test_versions_are_of_python_torch_and_every_line_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = dict(versions())
    assert platform.python_version().startswith(f"{here['Python']}.")
    assert here["PyTorch"] == torch.__version__
    one, same, other = (tmp_path_factory.mktemp("package") for _ in range(3))
    found = []
    for folder, line in ((one, "x = 1\n"), (same, "x = 1\n"), (other, "x = 2\n")):
        (folder / "module.py").write_text(line)
        monkeypatch.setattr(elsewhere, "PACKAGE", folder)
        found.append(dict(versions.__wrapped__())["MNIST Lab"])
    assert found[0] == found[1] != found[2]


def test_a_difference_is_refused_with_a_table_of_those_that_differ() -> None:
    here = versions()
    refuse_differences(here, {})
    refuse_differences(here, {"tcp://a": here})
    older = (("Python", "3.9"), *here[1:])
    with pytest.raises(EngineUnavailable) as refused:
        refuse_differences(here, {"tcp://c": AttributeError("versions"), "tcp://b": older, "tcp://a": here})
    _, own, second, third = str(refused.value).split("\n")
    assert own.startswith(f"here: Python {here[0][1]}, PyTorch {here[1][1]}, MNIST Lab ")
    assert second.startswith("tcp://b: Python 3.9, ")
    assert third == "tcp://c: no MNIST Lab that tells its versions (AttributeError: versions)."


# The server's part: what `python app.py` does with MNIST_DEMO_SCHEDULER.
ASK = """
import os, sys
from mnist_demo.cluster import Cluster
with Cluster.start(scheduler_address=os.environ["MNIST_DEMO_SCHEDULER"]) as cluster:
    print(cluster.run_blocking(os.path.basename, "/a/answer", deadline_seconds=60))
"""


def test_an_encrypted_cluster_by_readmes_commands_and_nobody_else_gets_in(tmp_path: Path) -> None:
    shutil.copy(PACKAGE / "assets" / "tls.yaml", tmp_path)
    certificate, setting, scheduler, worker, server = ENCRYPTED
    subprocess.run(certificate.split(), cwd=tmp_path, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tls://127.0.0.1:{probe.getsockname()[1]}"
    name, _, file = setting.removeprefix("export ").partition("=")
    key, _, _ = server.partition("=")
    environment = os.environ | {name: file, key: address, "PYTHONPATH": str(PACKAGE.parent)}
    here = ["--no-dashboard", "--host", address.rpartition(":")[0]]
    started = [
        [sys.executable, "-m", *scheduler.split(), "--no-dashboard", "--host", address],
        [sys.executable, "-m", *worker.replace("tls://HOST:8786", address).split(), *here],
    ]
    processes = [
        subprocess.Popen(each, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for each in started
    ]
    ask = [sys.executable, "-c", ASK]
    try:
        for _ in range(5):  # until the scheduler is there
            told = subprocess.run(ask, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
            if told.returncode == 0:
                break
        assert told.stdout == "answer\n", told.stderr
        strangers = {each: value for each, value in environment.items() if each != name}
        refused = subprocess.run(ask, cwd=tmp_path, env=strangers, capture_output=True, text=True, timeout=120)
        assert refused.returncode != 0
        assert "answer" not in refused.stdout
    finally:
        for process in processes:
            process.kill()
            process.wait()
