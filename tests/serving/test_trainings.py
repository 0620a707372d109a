"""Trainings: one an experiment, within bounds; who is needed stays, who was asked for last goes last."""

from itertools import pairwise
from pathlib import Path

import pytest

from mnist_demo.cluster.engine import Parcel
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import checkpoints, chunks
from mnist_demo.learning.chunks import Chunk, train_chunk
from mnist_demo.learning.training import Status
from mnist_demo.serving import budget, trainings
from mnist_demo.serving.snapshots import Held
from mnist_demo.serving.trainings import Training, Trainings


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch, tiny_data: TrainingData) -> None:
    """The chunks train on 300 images and validate on 200."""
    monkeypatch.setattr(chunks, "load_training_data", lambda _root: tiny_data)


@pytest.fixture
def all_of_them() -> Trainings:
    return Trainings()


def chunk_of(training: Training, steps: int = 10**6) -> Chunk:
    return train_chunk(training.state.read(), steps, Path("unused"))


def test_an_experiment_has_one_training_however_it_is_written(all_of_them: Trainings, tiny: Experiment) -> None:
    first = all_of_them.of(tiny)
    assert all_of_them.of(Experiment.from_dict(tiny.to_dict())) is first
    assert all_of_them.of(tiny.replace(seed=1)) is not first
    assert len(all_of_them) == 2
    assert (first.step, first.status, first.history, first.is_over) == (0, Status.RUNNING, [], False)


def test_a_chunk_brings_points_with_their_weights_and_its_cost(all_of_them: Trainings, tiny: Experiment) -> None:
    training = all_of_them.of(tiny)
    first = chunk_of(training, 5)
    training.record(first)
    assert (training.step, training.state.read(), training.is_over) == (5, first.state, False)
    assert training.disk_size == len(first.state) + training.snapshots.size
    second = chunk_of(training)
    training.record(second)
    assert training.step == training.total_steps == 12
    assert [point.step for point in training.history] == [0, 4, 8, 12]
    for index, point in enumerate(training.history):
        assert checkpoints.unpack(training.snapshots[index]).scores["val_loss"] == point.val_loss
    assert training.cpu_seconds == first.cpu_seconds + second.cpu_seconds
    assert training.peak_bytes == max(first.peak_bytes, second.peak_bytes)
    assert (training.status, training.is_over) == (Status.FINISHED, True)
    assert training.state.size == 0, "nothing is left to go on from"
    assert training.size == 0, "all is on the disk"
    assert training.snapshots.size == sum(map(len, training.snapshots.values())) == all_of_them.disk_size > 0


def test_what_has_cost_too_much_is_over_with_a_sentence_and_what_is_finished_without(
    all_of_them: Trainings, tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "MAX_CPU_SECONDS", 0)
    training, finished = all_of_them.of(tiny), all_of_them.of(tiny.replace(seed=1))
    training.record(chunk_of(training, 5))
    assert (training.status, training.is_over, training.state.size) == (Status.RUNNING, True, 0)
    assert training.limit.endswith(".")
    assert list(training.snapshots) == [0, 1], "what was trained is kept"
    finished.record(chunk_of(finished))
    assert (finished.status, finished.limit) == (Status.FINISHED, "")


def filled(all_of_them: Trainings, tiny: Experiment, sizes: dict[int, int]) -> dict[int, Training]:
    """Trainings by their seeds, in that order, each with three points and so many bytes of weights."""
    made = {seed: all_of_them.of(tiny.replace(seed=seed)) for seed in sizes}
    for seed, training in made.items():
        training.history = [Metrics(index, index, index, 1.0, 1.0, 0.5, 1.0 - index, 0.5) for index in range(3)]
        training.snapshots.update({index: bytes(sizes[seed] // 3) for index in range(3)})
    return made


def test_room_is_made_by_those_nobody_needs_the_least_asked_for_first(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[Training] = []
    all_of_them = Trainings(forgotten.append)
    made = filled(all_of_them, tiny, dict.fromkeys(range(5), 300_000))
    for name, size in (("MAX_BYTES", all_of_them.size), ("MAX_DISK_BYTES", all_of_them.disk_size)):
        monkeypatch.setattr(trainings, name, size)
    assert all_of_them.make_room([])
    assert forgotten == [], "what just fits stays"
    all_of_them.of(tiny.replace(seed=1))  # asked for again
    monkeypatch.setattr(trainings, "MAX_DISK_BYTES", all_of_them.disk_size - 2 * made[0].snapshots.size)
    assert all_of_them.make_room([made[0]])
    assert forgotten == [made[2], made[3]]
    for seed in (0, 4):
        made[seed].state = Held(bytes, 100, is_in_memory=True)  # as if there were no disk
    monkeypatch.setattr(trainings, "MAX_BYTES", 199)
    assert all_of_them.make_room([made[0]])
    assert forgotten == [made[2], made[3], made[4]]
    assert all(all_of_them.of(made[seed].experiment) is made[seed] for seed in (0, 1))


def test_nobody_who_is_needed_is_dropped_where_that_makes_no_room(
    all_of_them: Trainings, tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = filled(all_of_them, tiny, dict.fromkeys(range(3), 300_000))
    monkeypatch.setattr(trainings, "MAX_DISK_BYTES", 100_000)
    assert not all_of_them.make_room(list(made.values()))
    assert len(all_of_them) == 3
    assert all(len(each.snapshots) == 3 for each in made.values()), "the first, the best and the last are kept"


def test_a_state_has_its_share_of_a_full_disk(
    all_of_them: Trainings, tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = filled(all_of_them, tiny, dict.fromkeys(range(4), 300_000))
    for training in made.values():
        training.snapshots.update({index: bytes(50_000) for index in range(3, 9)})
    monkeypatch.setattr(trainings, "MAX_DISK_BYTES", all_of_them.disk_size - 1)
    assert all_of_them.make_room(list(made.values()))
    assert all(len(each.snapshots) >= 8 and each.state.size for each in made.values())


def test_without_a_disk_weights_are_kept_in_memory_and_bounded_like_it(
    all_of_them: Trainings, tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mnist_demo.serving.snapshots.os.pwrite", full)
    training = all_of_them.of(tiny)
    for index in range(60):
        point = Metrics(index, index / 4, index, 1.0, 1.0, 0.5, 1.0, 0.5)
        training.record(Chunk(Parcel(training.state.read()), [(point, bytes([index]) * 20_000)], 1, 0.1, 0))
    assert training.snapshots[59] == bytes([59]) * 20_000
    assert all_of_them.size == len(training.state.read()) + 60 * 20_000
    monkeypatch.setattr(trainings, "MAX_BYTES", 600_000)
    assert all_of_them.make_room([training])
    assert all_of_them.size <= 600_000
    assert len(training.snapshots) >= 20


def test_thinning_keeps_the_first_the_best_and_the_last_within_bounds(all_of_them: Trainings, tiny: Experiment) -> None:
    training = all_of_them.of(tiny)
    size = trainings.MAX_SNAPSHOT_BYTES // 10
    best = 7
    for index in range(60):
        loss = 0.5 if index == best else 1.0
        point = Metrics(index, index / 4, index, 1.0, 1.0, 0.5, loss, 0.5)
        training.record(Chunk(Parcel(training.state.read()), [(point, bytes(size))], 1, 0.1, 0))
        assert sum(map(len, training.snapshots.values())) <= trainings.MAX_SNAPSHOT_BYTES
        assert {0, index, min(index, best)} <= training.snapshots.keys()
    kept = sorted(training.snapshots)
    assert len(kept) >= 9
    assert max(after - before for before, after in pairwise(kept)) <= 20, "no hole in the middle"
