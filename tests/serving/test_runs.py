"""Runs of many visitors: who sees what, what is kept and for how long."""

import asyncio
from itertools import pairwise
from typing import Any, cast

import pytest
from torch import nn

from mnist_demo.errors import RunError, UnknownRun
from mnist_demo.experiment.choices import Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.experiment.pair import Pair
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import checkpoints, training
from mnist_demo.serving import runs
from mnist_demo.serving.budget import check_affordable
from mnist_demo.serving.runs import RunStore


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> RunStore:
    return RunStore(Clock())


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
    busy.driver = cast("asyncio.Task[None]", object())
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


def test_all_runs_together_are_bounded_in_bytes(tiny: Experiment) -> None:
    clock = Clock()
    store = RunStore(clock)
    for number in range(40):
        clock.now += 1
        run = store.create(tiny, f"visitor {number}", "1A")
        run.snapshots[0] = bytes(100_000_000)
    kept = [run for number in range(40) for run in store.of_owner(f"visitor {number}")]
    assert sum(run.size for run in kept) <= runs.MAX_STORE_BYTES + 100_000_000
    assert kept[-1] is run
    assert len(kept) >= 19


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"network": "cnn", "train_size": 55_000, "epochs": 200}, "minutes; 10 is the most here"),
        ({"hidden_sizes": [1024, 1024, 1024]}, "weights; 1,900,000 is the most here"),
        # few images to train on, but thousands to be measured by in each epoch
        ({"network": "deep_cnn", "hidden_sizes": [256, 256], "train_size": 100, "epochs": 150}, "10 is the most here"),
    ],
)
def test_runs_too_large_are_refused_in_a_sentence(store: RunStore, knobs: dict[str, Any], sentence: str) -> None:
    experiment = Experiment.from_dict(knobs)
    with pytest.raises(RunError, match=sentence) as error:
        store.create_pair(Pair(a=Experiment(), b=experiment), "me")
    assert str(error.value).endswith(".")
    assert store.of_owner("me") == [], "half a pair must not stay behind"


def test_the_defaults_of_every_network_are_affordable() -> None:
    for network in Network:
        check_affordable(Experiment.from_dict({"network": network, "train_size": 5000, "epochs": 5}))


def test_thinning_keeps_the_first_the_best_and_the_last_within_bounds(store: RunStore, tiny: Experiment) -> None:
    run = store.create(tiny, "me", "1A")
    size = runs.MAX_SNAPSHOT_BYTES // 10
    best = 7
    for index in range(60):
        loss = 0.5 if index == best else 1.0
        point = Metrics(index, index / 4, index, 1.0, 1.0, 0.5, loss, 0.5)
        run.record(run.state, [(point, bytes(size))])
        assert sum(map(len, run.snapshots.values())) <= runs.MAX_SNAPSHOT_BYTES
        assert {0, index, min(index, best)} <= run.snapshots.keys()
    kept = sorted(run.snapshots)
    assert len(kept) >= 9
    assert max(after - before for before, after in pairwise(kept)) <= 20, "no hole in the middle"


def test_the_model_nearest_to_a_point_is_given_and_kept(
    store: RunStore, tiny: Experiment, tiny_data: TrainingData
) -> None:
    run = store.create(tiny, "me", "1A")
    with pytest.raises(RunError, match="no weights yet"):
        store.checkpoint(run, 0)
    points: list[tuple[Metrics, bytes]] = []

    def keep(point: Metrics, model: nn.Module) -> None:
        points.append((point, checkpoints.pack(model.state_dict(), tiny, checkpoints.scores_of(point))))

    training.advance(training.start(tiny), 12, tiny_data, on_evaluation=keep)
    run.record(run.state, points)
    last = len(run.history) - 1
    found = store.checkpoint(run, last)
    assert found.scores["val_loss"] == run.history[last].val_loss
    assert store.checkpoint(run, last) is found
    del run.snapshots[1]
    assert store.checkpoint(run, 1).scores["epoch"] in {run.history[index].epoch for index in (0, 2)}
