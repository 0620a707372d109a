"""Runs of many visitors: who sees what, what is kept and for how long."""

from pathlib import Path

import pytest

from mnist_demo.errors import RunError, UnknownRun
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.experiment.pair import Pair
from mnist_demo.images.data import TrainingData
from mnist_demo.images.own_digits import own_digits
from mnist_demo.learning import chunks
from mnist_demo.learning.chunks import train_chunk
from mnist_demo.learning.training import Status
from mnist_demo.serving import runs, trainings
from mnist_demo.serving.driver import MAX_VISITORS
from mnist_demo.serving.runs import RunStore
from mnist_demo.serving.snapshots import Held, SnapshotFile, Snapshots


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Watching:
    """Somebody who follows a run."""

    def stop(self) -> None:
        pass


@pytest.fixture
def store() -> RunStore:
    return RunStore(Clock())


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch, tiny_data: TrainingData) -> None:
    """The chunks train on 300 images and validate on 200."""
    monkeypatch.setattr(chunks, "load_training_data", lambda _root: tiny_data)


def test_a_visitor_sees_only_their_own_runs(store: RunStore, tiny: Experiment) -> None:
    mine, yours = (store.create(tiny, owner, "1A") for owner in ("me", "you"))
    assert store.of_owner("me") == [mine]
    assert store.get(mine.id, "me") is mine
    errors = []
    for run_id, owner in ((mine.id, "you"), ("no such id", "you"), (yours.id, "")):
        with pytest.raises(UnknownRun, match=r"train it again\.$") as error:
            store.get(run_id, owner)
        errors.append(str(error.value))
    assert len(set(errors)) == 1, "another's run must look like none at all"
    store.drop_owner("me")
    assert store.of_owner("me") == []
    assert store.get(yours.id, "you") is yours


def test_a_caller_without_an_id_owns_nothing(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny, "", "1A")
    assert store.of_owner("") == []
    with pytest.raises(UnknownRun):
        store.get(run.id, "")


def test_ids_cannot_be_guessed_and_names_count_up(store: RunStore, tiny: Experiment) -> None:
    pairs = [store.create_pair(Pair(a=tiny, b=tiny), "me") for _ in range(2)]
    assert [run.name for pair in pairs for run in pair] == ["1A", "1B", "2A", "2B"]
    ids = {run.id for pair in pairs for run in pair}
    assert len(ids) == 4
    assert min(map(len, ids)) >= 16


def test_idle_runs_expire_but_busy_and_new_ones_stay(tiny: Experiment) -> None:
    clock = Clock()
    store = RunStore(clock)
    idle, busy, asked = (store.create(tiny, "me", name) for name in ("1A", "1B", "2A"))
    busy.watch = Watching()
    clock.now = runs.MAX_AGE_SECONDS * 0.9
    store.get(asked.id, "me")
    clock.now = runs.MAX_AGE_SECONDS * 1.1
    new = store.create(tiny, "you", "1A")
    assert store.of_owner("me") == [busy, asked]
    assert store.of_owner("you") == [new]
    assert idle not in store.of_owner("me")


def test_a_visitor_has_a_bounded_share(tiny: Experiment) -> None:
    clock = Clock()
    store = RunStore(clock)
    other = store.create(tiny, "you", "1A")
    made = []
    for _ in range(runs.MAX_RUNS_PER_VISITOR + 5):
        clock.now += 1
        made.append(store.create(tiny, "me", "1A"))
    assert store.of_owner("me") == made[-runs.MAX_RUNS_PER_VISITOR :]
    assert store.of_owner("you") == [other]


def test_equal_experiments_share_one_training_and_each_run_sees_its_own_part(store: RunStore, tiny: Experiment) -> None:
    mine, yours = (store.create(tiny, owner, "1A") for owner in ("me", "you"))
    other = store.create(tiny.replace(seed=1), "me", "1B")
    assert mine.training is yours.training is not other.training
    mine.training.record(train_chunk(mine.training.state.read(), 10**6, Path("unused")))
    assert [mine.see(4), mine.see(5)] == [True, False]
    assert ([point.step for point in mine.history], mine.step, mine.status) == ([0, 4], 5, Status.RUNNING)
    assert (yours.history, yours.snapshots, yours.best) == ([], {}, None)
    assert list(mine.snapshots) == [0, 1]
    assert 0 < mine.progress < 1
    yours.see(10**6)
    assert (yours.history, yours.status, yours.progress) == (mine.training.history, Status.FINISHED, 1)
    store.drop(yours)
    assert store.create(tiny, "third", "1A").training is mine.training, "a training stays when a visitor has left"


def test_all_trainings_together_are_bounded_and_the_least_asked_for_go_first(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainings, "MAX_DISK_BYTES", 300_000_000)
    clock = Clock()
    store = RunStore(clock)
    for number in range(40):
        clock.now += 1
        run = store.create(tiny.replace(seed=number), f"visitor {number}", "1A")
        for index in range(3):
            run.training.history.append(Metrics(index, index, index, 1.0, 1.0, 0.5, 1.0 - index, 0.5))
            run.training.snapshots[index] = bytes(10_000_000)
    assert store.make_room()
    assert store.trainings.disk_size <= trainings.MAX_DISK_BYTES
    kept = [number for number in range(40) if store.of_owner(f"visitor {number}")]
    assert kept == list(range(40 - len(kept), 40))
    assert len(kept) >= trainings.MAX_DISK_BYTES // 31_000_000


def test_before_a_run_is_forgotten_all_give_up_weights_from_their_middle(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainings, "MAX_DISK_BYTES", 300_000_000)
    store = RunStore(Clock())
    made = [store.create(tiny.replace(seed=number), "me", "1A") for number in range(10)]
    for run in made:
        for index in range(60):
            run.training.history.append(Metrics(index, index, index, 1.0, 1.0, 0.5, 1.0, 0.5))
            run.training.snapshots[index] = bytes(1_000_000)
    assert store.make_room()
    assert store.of_owner("me") == made
    a_tenth = (trainings.MAX_DISK_BYTES // len(made) - made[0].training.state.size) // 1_000_000
    assert {len(run.training.snapshots) for run in made} == {a_tenth}


def test_a_server_full_of_busy_runs_refuses_the_next(tiny: Experiment) -> None:
    store = RunStore(Clock())
    busy = store.create(tiny, "me", "1A")
    busy.watch = Watching()
    busy.training.state = Held(bytes, trainings.MAX_DISK_BYTES)
    with pytest.raises(RunError, match=r"server is full .* try again in a minute"):
        store.create(tiny.replace(seed=1), "you", "1A")
    assert store.of_owner("you") == []
    assert store.of_owner("me") == [busy]


def test_as_many_visitors_as_may_train_at_once_have_room_for_a_pair(store: RunStore) -> None:
    """Even if all of them have taken a step before the last one comes: Adam keeps two numbers for each weight."""
    mlp = Experiment.from_dict({"train_size": 200})
    first = store.create(mlp, "visitor 0", "1A")
    begun = train_chunk(first.training.state.read(), 1, Path("unused"))
    least = dict.fromkeys(range(3), Held(bytes, len(begun.points[0][1])))  # the first, the best and the last weights
    for number in range(2 * MAX_VISITORS):
        run = store.create(mlp.replace(seed=number), f"visitor {number // 2}", "1A")
        run.watch, run.training.state = Watching(), Held(bytes, len(begun.state))
        run.training.snapshots = Snapshots(SnapshotFile(), least)
    assert len(store.trainings) == 2 * MAX_VISITORS


def test_what_fills_the_memory_costs_nobody_what_lies_on_the_disk(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RunStore(Clock())
    finished = [store.create(tiny.replace(seed=number), f"visitor {number}", "1A") for number in range(4)]
    for run in finished:
        run.training.state = Held(bytes, 0)
        run.training.snapshots.update({index: bytes(1_000) for index in range(10)})
    busy = store.create(tiny.replace(seed=9), "me", "1A")
    busy.watch = Watching()
    monkeypatch.setattr(trainings, "MAX_BYTES", 1_000_000)
    busy.training.state = Held(bytes, 1_000_001, is_in_memory=True)
    assert not store.make_room()
    assert [store.of_owner(run.owner) for run in finished] == [[run] for run in finished]
    assert all(len(run.training.snapshots) == 10 for run in finished)


def test_the_model_nearest_to_a_point_is_given_and_kept(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny, "me", "1A")
    with pytest.raises(RunError, match="no weights yet"):
        store.checkpoint(run, 0)
    run.training.record(train_chunk(run.training.state.read(), 10**6, Path("unused")))
    run.see(10**6)
    last = len(run.history) - 1
    found = store.checkpoint(run, last)
    assert found.scores["val_loss"] == run.history[last].val_loss
    assert store.checkpoint(run, last) is found
    twin = store.create(tiny, "you", "1A")
    twin.see(10**6)
    assert store.checkpoint(twin, last) is found, "equal runs ask one network"
    del run.snapshots[1]
    assert store.checkpoint(run, 1).scores["epoch"] in {run.history[index].epoch for index in (0, 2)}


def test_a_run_learns_from_own_digits_that_are_here_and_takes_them_with_it(
    store: RunStore, tiny: Experiment, tiny_data: TrainingData
) -> None:
    own, other = (own_digits(tiny_data.val.images[:n], tiny_data.val.labels[:n]) for n in (30, 20))
    learns = tiny.replace(own_digits=own.digest)
    for wrong in (None, other):
        with pytest.raises(RunError, match="own digits that are not here"):
            store.create_pair(Pair(a=tiny, b=learns), "me", wrong)
    assert store.of_owner("me") == []
    a, b = store.create_pair(Pair(a=tiny, b=learns), "me", own)
    assert (a.training.own, b.training.own) == (b"", own.to_bytes())
    yours = store.create(learns, "you", "1A", own)
    assert yours.training is b.training, "equal digits make equal trainings"
    store.drop(b)
    assert store.create(learns, "you", "2A", own).training is yours.training
    store.drop_owner("you")
    assert store.create(learns, "third", "1A", own).training is not yours.training, "they went with their last run"
