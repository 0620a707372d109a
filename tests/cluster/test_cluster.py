"""Worker processes as they are: killed, poisoned, too slow, unreachable, orphaned."""

import asyncio
import gc
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

import mnist_demo.cluster
from mnist_demo.cluster import TRIES_ALONE, Cluster, ClusterStatus, Phase
from mnist_demo.cluster.engine import Parcel
from mnist_demo.cluster.workers import WORKER_NICENESS
from mnist_demo.errors import DataError, EngineUnavailable, InvalidExperiment

ROOT = Path(__file__).parents[2]

# --- what the workers run ---------------------------------------------------------------------------------------------


def add(left: int, right: int) -> int:
    return left + right


def echo(blob: bytes) -> bytes:
    return blob


def sleep_and_tell(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def leave_mark(path: str, seconds: float = 0.0) -> int:
    with Path(path).open("a", encoding="utf-8") as marks:
        marks.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return os.getpid()


def mark_and_wait(folder: str, name: str) -> int:
    """Leaves a mark of its own and stays until there is a file of that name; a test's way to know who is busy."""
    (Path(folder) / f"{name}.{os.getpid()}").touch()
    wait_until((Path(folder) / name).exists, 60)
    return os.getpid()


def meet(folder: str) -> int:
    """Stays until two processes have come here."""
    (Path(folder) / f"here.{os.getpid()}").touch()
    wait_until(lambda: len(list(Path(folder).glob("here.*"))) == 2, 8)
    return os.getpid()


def look_around() -> dict[str, Any]:
    names = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "OMP_NUM_THREADS", "MNIST_TEST_WARM")
    return {
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "is_interrupted_by_ctrl_c": signal.getsignal(signal.SIGINT) is not signal.SIG_IGN,
        "modules": sorted(sys.modules),
        **{name: os.environ.get(name) for name in names},
    }


def die() -> None:
    os._exit(3)


def raise_own_error(knob: str) -> None:
    raise InvalidExperiment(f"{knob} must be between 0 and 0.9, not 7.")


def raise_timeout() -> None:
    raise TimeoutError("the function's own")


def hold_the_interpreter() -> None:
    """Never gives the GIL back: a backtracking regular expression of 2**40 steps."""
    re.match(r"(a+)+$", "a" * 40 + "b")


def warm_worker() -> None:
    os.environ["MNIST_TEST_WARM"] = "yes"


def warm_badly() -> None:
    raise DataError("The archive is not what it should be.")


def warm_forever() -> None:
    time.sleep(60)


# --- helpers ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start(workers=2, warm=warm_worker) as cluster:
        yield cluster


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_true: Callable[[], bool], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < limit, f"not so within {seconds} seconds"
        time.sleep(0.05)


def worker_processes(parent: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(parent).children() if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return any("spawn_main" in word for word in process.cmdline())
    except psutil.Error:  # just gone
        return False


async def _worker_pids(cluster: Cluster) -> set[int]:
    """The processes of both workers. Two tasks meet in them, again if one of them met a worker that had just died."""
    for _ in range(6):
        with tempfile.TemporaryDirectory() as folder:
            met = await asyncio.gather(*(cluster.run(meet, folder) for _ in range(2)), return_exceptions=True)
        pids = {pid for pid in met if isinstance(pid, int)}
        if len(pids) == 2:
            return pids
    raise AssertionError(f"two tasks did not meet: {met}")


async def _busy(cluster: Cluster, folder: Path) -> list[asyncio.Task[int]]:
    """Two tasks, both running, that end when there is a file "go on"."""
    tasks = [asyncio.create_task(cluster.run(mark_and_wait, str(folder), "go on")) for _ in range(2)]
    await asyncio.to_thread(wait_until, lambda: len(list(folder.glob("go on.*"))) == 2)
    return tasks


# --- the ordinary -----------------------------------------------------------------------------------------------------


def test_start_returns_before_the_workers_are_there() -> None:
    with Cluster.start(workers=1) as cluster:
        assert cluster.status == ClusterStatus(Phase.STARTING)
        assert cluster.run_blocking(add, 1, 2) == 3  # waits until they are
        assert cluster.status == ClusterStatus(Phase.READY, workers=1)
    assert cluster.status == ClusterStatus(Phase.CLOSED)


def test_a_blob_comes_back_as_it_went(cluster: Cluster) -> None:
    blob = os.urandom(12_000_000)  # more than Dask warns about by default
    assert cluster.run_blocking(echo, blob) == blob


def test_awaited_tasks_run_side_by_side_in_two_processes(cluster: Cluster) -> None:
    pids = asyncio.run(_worker_pids(cluster))
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_workers_are_nice_single_threaded_warm_and_deaf_to_ctrl_c(cluster: Cluster) -> None:
    seen = cluster.run_blocking(look_around)
    assert seen["niceness"] == WORKER_NICENESS
    assert seen["OMP_NUM_THREADS"] == "1"
    assert seen["MALLOC_TRIM_THRESHOLD_"] == seen["MALLOC_MMAP_THRESHOLD_"] == str(2**28)
    assert seen["MNIST_TEST_WARM"] == "yes"
    assert not seen["is_interrupted_by_ctrl_c"]
    assert "torch" not in seen["modules"]  # the cluster itself brings none of training into a worker


def test_errors_of_the_function_come_through_unchanged(cluster: Cluster) -> None:
    with pytest.raises(InvalidExperiment, match=r"^dropout must be between 0 and 0\.9, not 7\.$"):
        cluster.run_blocking(raise_own_error, "dropout")
    with pytest.raises(TimeoutError, match="the function's own"):
        cluster.run_blocking(raise_timeout)


# --- giving up --------------------------------------------------------------------------------------------------------


def test_a_cancelled_waiting_task_never_starts(cluster: Cluster, tmp_path: Path) -> None:
    mark = tmp_path / "started"

    async def crowd() -> None:
        busy = await _busy(cluster, tmp_path)
        waiting = asyncio.create_task(cluster.run(leave_mark, str(mark)))
        await asyncio.sleep(0.2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        (tmp_path / "go on").touch()
        await asyncio.gather(*busy)
        await _worker_pids(cluster)  # both workers have since taken other tasks

    asyncio.run(crowd())
    assert not mark.exists()


def test_a_cancelled_running_task_gives_its_worker_back(cluster: Cluster, tmp_path: Path) -> None:
    async def stop() -> None:
        for task in await _busy(cluster, tmp_path):
            task.cancel()
        behind = asyncio.create_task(_worker_pids(cluster))
        await asyncio.sleep(0.3)
        assert not behind.done()  # it queues behind the rest of what could not be stopped
        (tmp_path / "go on").touch()
        assert len(await behind) == 2

    asyncio.run(stop())


@pytest.mark.parametrize("endless", [hold_the_interpreter, warm_forever])
def test_a_task_over_its_deadline_is_stopped_and_its_worker_replaced(
    cluster: Cluster, endless: Callable[[], None]
) -> None:
    pids = asyncio.run(_worker_pids(cluster))
    with pytest.raises(EngineUnavailable, match=r"took longer than 0\.5 seconds"):
        cluster.run_blocking(endless, deadline_seconds=0.5)
    wait_until(lambda: len(pids & {process.pid for process in worker_processes(os.getpid())}) == 1)
    wait_until(lambda: asyncio.run(_worker_pids(cluster)) - pids != set())
    assert cluster.run_blocking(look_around)["niceness"] == WORKER_NICENESS


def test_what_was_sent_and_came_back_is_not_kept(cluster: Cluster) -> None:
    """Dask's own logs would keep the last thousand messages below a megabyte: trainings that have long ended."""

    async def post() -> None:
        for _ in range(20):
            assert len(await cluster.run(echo, Parcel(bytes(500_000)))) == 500_000

    asyncio.run(post())
    gc.collect()
    assert sum(type(each) is Parcel for each in gc.get_objects()) < 10


def test_waiting_for_a_free_worker_does_not_count_towards_the_deadline(cluster: Cluster) -> None:
    async def crowd() -> list[int]:
        return await asyncio.gather(*(cluster.run(sleep_and_tell, 0.6, deadline_seconds=2.0) for _ in range(8)))

    assert len(asyncio.run(crowd())) == 8


# --- death ------------------------------------------------------------------------------------------------------------


def test_killing_every_worker_in_mid_task_heals_and_the_tasks_run_again(cluster: Cluster, tmp_path: Path) -> None:
    mark = tmp_path / "attempts"

    async def massacre() -> tuple[set[int], list[int]]:
        pids = await _worker_pids(cluster)
        tasks = [asyncio.create_task(cluster.run(leave_mark, str(mark), 1.5)) for _ in range(2)]
        await asyncio.to_thread(wait_until, lambda: mark.exists() and len(mark.read_text().split()) == 2)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids, await asyncio.gather(*tasks)

    killed, survivors = asyncio.run(massacre())
    assert not killed & set(survivors)
    assert {int(pid) for pid in mark.read_text().split()} == killed | set(survivors)
    seen = cluster.run_blocking(look_around)
    assert (seen["niceness"], seen["MNIST_TEST_WARM"]) == (WORKER_NICENESS, "yes")


def test_workers_that_die_together_three_times_cost_no_innocent_task_its_life(cluster: Cluster, tmp_path: Path) -> None:
    async def massacres() -> list[int]:
        tasks = [asyncio.create_task(cluster.run(mark_and_wait, str(tmp_path), f"task{n}")) for n in range(2)]
        killed: set[int] = set()
        for _ in range(3):
            await asyncio.to_thread(
                wait_until, lambda: bool({int(mark.suffix[1:]) for mark in tmp_path.glob("task?.*")} - killed)
            )
            for process in worker_processes(os.getpid()):
                killed.add(process.pid)
                process.kill()
        for n in range(2):
            (tmp_path / f"task{n}").touch()
        return await asyncio.gather(*tasks)

    assert len(asyncio.run(massacres())) == 2


def test_a_stopped_worker_costs_seconds_and_no_task(cluster: Cluster, tmp_path: Path) -> None:
    """Where a worker is stopped (SIGSTOP), its task used to wait for the deadline of two minutes and was lost."""
    mark = tmp_path / "attempts"

    async def stop_it() -> tuple[int, int]:
        task = asyncio.create_task(cluster.run(leave_mark, str(mark), 1.0))
        await asyncio.to_thread(wait_until, lambda: mark.exists() and bool(mark.read_text().split()))
        stopped = int(mark.read_text())
        os.kill(stopped, signal.SIGSTOP)
        return stopped, await asyncio.wait_for(task, 60)

    stopped, done_by = asyncio.run(stop_it())
    assert stopped != done_by
    wait_until(lambda: not psutil.pid_exists(stopped), 30)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_worker_that_dies_again_fifteen_seconds_later_comes_back() -> None:
    """Dask's `lost-worker-timeout` dismissed such a worker, and the cluster stayed one short."""
    with Cluster.start(workers=1) as cluster:
        deaths = {cluster.run_blocking(sleep_and_tell, 0.0)}
        os.kill(next(iter(deaths)), signal.SIGKILL)
        again = time.monotonic() + 14.5
        deaths.add(cluster.run_blocking(sleep_and_tell, 0.0))
        time.sleep(again - time.monotonic())
        while time.monotonic() < again + 1.5:  # down most of this time
            pid = cluster.run_blocking(sleep_and_tell, 0.0)
            os.kill(pid, signal.SIGKILL)
            deaths.add(pid)
        assert cluster.run_blocking(sleep_and_tell, 0.0, deadline_seconds=20) not in deaths


def test_a_poison_task_is_given_up_and_harms_nobody_else(cluster: Cluster) -> None:
    async def both() -> None:
        innocent = [asyncio.create_task(cluster.run(sleep_and_tell, 0.2)) for _ in range(8)]
        with pytest.raises(EngineUnavailable, match=f"{1 + TRIES_ALONE} training workers died"):
            await cluster.run(die)
        assert len(await asyncio.gather(*innocent)) == 8

    asyncio.run(both())
    wait_until(lambda: cluster.status.workers == 2)


def test_close_ends_the_workers_and_answers_whoever_waits() -> None:
    cluster = Cluster.start(workers=1)
    cluster.run_blocking(add, 1, 1)
    workers = {process.pid for process in worker_processes(os.getpid())}
    answers: list[str] = []

    def ask() -> None:
        with pytest.raises(EngineUnavailable) as refusal:
            cluster.run_blocking(sleep_and_tell, 30.0)
        answers.append(str(refusal.value))

    askers = [threading.Thread(target=ask) for _ in range(2)]  # one runs, one waits for a worker
    for asker in askers:
        asker.start()
    time.sleep(0.3)
    cluster.close()
    cluster.close()
    for asker in askers:
        asker.join(timeout=5)
    assert len(answers) == 2
    assert all("shut down" in answer for answer in answers)
    with pytest.raises(EngineUnavailable, match="shut down"):
        cluster.run_blocking(add, 1, 1)
    assert len(workers - {process.pid for process in worker_processes(os.getpid())}) == 1


def test_close_does_not_wait_for_a_long_warm_up() -> None:
    cluster = Cluster.start(workers=1, warm=warm_forever)
    time.sleep(1.5)
    before = time.monotonic()
    cluster.close()
    assert time.monotonic() - before < 5


# --- never there ------------------------------------------------------------------------------------------------------


def test_a_warm_up_that_fails_is_told_in_its_own_words() -> None:
    with Cluster.start(workers=1, warm=warm_badly) as cluster:
        with pytest.raises(EngineUnavailable, match="The archive is not what it should be"):
            cluster.run_blocking(add, 1, 1)
        assert cluster.status.phase is Phase.FAILED
        assert cluster.status.reason == "The archive is not what it should be."


# --- whole programs ---------------------------------------------------------------------------------------------------

SERVER = """
import sys, time
from mnist_demo.cluster import Cluster
from tests.cluster.test_cluster import sleep_and_tell

def main():
    cluster = Cluster.start(workers=2)
    cluster.run_blocking(sleep_and_tell, 0.0)
    print("ready", flush=True)
    if "stay" in sys.argv:
        cluster.run_blocking(sleep_and_tell, 60.0)

if __name__ == "__main__":
    main()
"""


SCHEDULER = """
import sys, time
from distributed import LocalCluster

def main():
    cluster = LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", scheduler_port=int(sys.argv[1])
    )
    print(cluster.scheduler_address, flush=True)
    time.sleep(60)

if __name__ == "__main__":
    main()
"""


@contextmanager
def running_program(
    tmp_path: Path, source: str, *arguments: str, package: Path = ROOT
) -> Iterator[subprocess.Popen[str]]:
    script = tmp_path / "app.py"
    script.write_text(source, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script), *arguments],
        env={**os.environ, "PYTHONPATH": str(package)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            yield program
        finally:
            program.kill()


def read_line(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().strip()


def test_no_worker_outlives_a_killed_server(tmp_path: Path) -> None:
    with running_program(tmp_path, SERVER, "stay") as server:
        assert read_line(server) == "ready"
        workers = worker_processes(server.pid)
        assert len(workers) == 2
        server.kill()
        _, alive = psutil.wait_procs(workers, timeout=10)
        assert alive == []


def test_a_program_that_forgets_to_close_ends_cleanly_and_silently(tmp_path: Path) -> None:
    with running_program(tmp_path, SERVER) as server:
        output, complaints = server.communicate(timeout=30)
    assert (server.returncode, output, complaints) == (0, "ready\n", "")


def test_a_scheduler_that_dies_and_returns_loses_no_task(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.touch()
    results: list[int] = []
    with running_program(tmp_path, SCHEDULER, "0") as first:
        address = read_line(first)
        cluster = Cluster.start(scheduler_address=address)
        asker = threading.Thread(target=lambda: results.append(cluster.run_blocking(leave_mark, str(marks), 2.0)))
        asker.start()
        wait_until(lambda: bool(marks.read_text()))
    wait_until(lambda: cluster.status.phase is Phase.FAILED)
    with running_program(tmp_path, SCHEDULER, address.rsplit(":", 1)[1]) as second:
        assert read_line(second) == address
        asker.join(40)
        cluster.close()
    tries = [int(line) for line in marks.read_text().split()]
    assert len(set(tries)) == 2
    assert results == [tries[-1]]


def test_a_scheduler_elsewhere_is_used_and_its_loss_and_return_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist_demo.cluster, "RETURN_SECONDS", 1.0)
    ours = {process.pid for process in worker_processes(os.getpid())}
    with running_program(tmp_path, SCHEDULER, "0") as first:
        address = read_line(first)
        cluster = Cluster.start(scheduler_address=address, warm=warm_worker)
        assert cluster.run_blocking(look_around)["niceness"] == 0  # not ours to be nice on behalf of
        assert cluster.status == ClusterStatus(Phase.READY, workers=1)
        assert {process.pid for process in worker_processes(os.getpid())} <= ours
        threading.Timer(0.5, first.kill).start()
        with pytest.raises(EngineUnavailable, match="was lost"):
            cluster.run_blocking(sleep_and_tell, 20.0)
    wait_until(lambda: cluster.status.phase is Phase.FAILED)
    with running_program(tmp_path, SCHEDULER, address.rsplit(":", 1)[1]) as second:
        assert read_line(second) == address
        wait_until(lambda: cluster.status.phase is Phase.READY)
        assert cluster.run_blocking(add, 1, 2) == 3
        cluster.close()


def test_workers_of_another_version_are_refused_with_a_table(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "mnist_demo", tmp_path / "mnist_demo", ignore=shutil.ignore_patterns("*.zip", "*.png"))
    with (tmp_path / "mnist_demo" / "learning" / "step.py").open("a", encoding="utf-8") as step:
        step.write("# another line\n")
    with running_program(tmp_path, SCHEDULER, "0", package=tmp_path) as program:
        address = read_line(program)
        with (
            Cluster.start(scheduler_address=address) as cluster,
            pytest.raises(EngineUnavailable, match="need the same versions") as refused,
        ):
            cluster.run_blocking(os.getpid)
    _, here, there = str(refused.value).split("\n")
    assert here.startswith("here: Python 3.")
    assert there.startswith("tcp://127.0.0.1:")
    assert there.split(": ")[1].split("MNIST Lab")[0] == here.split(": ")[1].split("MNIST Lab")[0]
    assert there.split("MNIST Lab")[1] != here.split("MNIST Lab")[1]


def test_a_scheduler_that_is_not_there_is_named(unused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist_demo.cluster, "CONNECT_SECONDS", 0.3)
    with (
        Cluster.start(scheduler_address=f"tcp://127.0.0.1:{unused_port}") as cluster,
        pytest.raises(EngineUnavailable, match=f"scheduler at tcp://127.0.0.1:{unused_port} cannot be used"),
    ):
        cluster.run_blocking(add, 1, 1)
