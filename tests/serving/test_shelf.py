"""Which networks a visitor can ask: the shipped ones and their own, never another's."""

from pathlib import Path

import pytest

from mnist_demo.errors import MnistLabError, UnknownRun
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import checkpoints, chunks, training
from mnist_demo.learning.chunks import train_chunk
from mnist_demo.serving import shelf as serving_shelf
from mnist_demo.serving.runs import Run, RunStore
from mnist_demo.serving.shelf import MAX_UPLOADS, ModelShelf
from mnist_demo.serving.visitors import Visitor, Visitors


@pytest.fixture
def visitors() -> Visitors:
    return Visitors(RunStore())


@pytest.fixture
def me(visitors: Visitors) -> Visitor:
    return visitors.of("me")


@pytest.fixture
def you(visitors: Visitors) -> Visitor:
    return visitors.of("you")


@pytest.fixture
def trained(me: Visitor, tiny: Experiment, tiny_data: TrainingData, monkeypatch: pytest.MonkeyPatch) -> Run:
    """My run, three epochs long, weights of every point kept."""
    run = me.store.create(tiny, "me", "1A")
    monkeypatch.setattr(chunks, "load_training_data", lambda _root: tiny_data)
    run.training.record(train_chunk(run.training.state.read(), 100, Path("unused")))
    run.see(100)
    return run


@pytest.fixture
def shelf(visitors: Visitors, tiny: Experiment) -> ModelShelf:
    weights = training.start(tiny).weights
    return ModelShelf({"cnn": checkpoints.unpack(checkpoints.pack(weights, tiny, {"test_accuracy": 0.995}))}, visitors)


def upload(shelf: ModelShelf, visitor: Visitor, name: str = "mine") -> str:
    return shelf.add_upload(name, shelf.find("shipped:cnn", visitor), visitor)


def test_own_runs_are_on_the_shelf_and_others_are_not(
    shelf: ModelShelf, me: Visitor, you: Visitor, trained: Run
) -> None:
    keys = [key for _, key in shelf.choices(me)]
    assert keys == ["shipped:cnn", f"run:{trained.id}:best", f"run:{trained.id}:last"]
    assert [key for _, key in shelf.choices(you)] == [key for _, key in shelf.choices()] == ["shipped:cnn"]
    assert shelf.find(keys[2], me).scores["epoch"] == trained.history[-1].epoch
    with pytest.raises(UnknownRun):
        shelf.find(keys[2], you)


@pytest.mark.parametrize("key", ["", "run", "run:", "run:x:best", "shipped:no", "upload:no", "shipped:../cnn", "a:b:c"])
def test_keys_that_name_nothing_are_refused(shelf: ModelShelf, me: Visitor, key: str) -> None:
    with pytest.raises(MnistLabError, match=r"^[A-Z].*\.$"):
        shelf.find(key, me)


def test_the_epoch_looked_at_is_a_network_of_its_own(shelf: ModelShelf, me: Visitor, trained: Run) -> None:
    me.cursors[trained.id] = 1
    key = f"run:{trained.id}:looked at"
    assert key in [each for _, each in shelf.choices(me)]
    assert shelf.find(key, me).scores["epoch"] == trained.history[1].epoch


def test_the_epoch_on_a_label_is_that_of_the_network(shelf: ModelShelf, me: Visitor, trained: Run) -> None:
    me.cursors[trained.id] = 1
    del trained.snapshots[1]  # thinned away: the nearest kept is another epoch's
    for label, key in shelf.choices(me):
        if key.startswith("run:"):
            assert f"(epoch {shelf.find(key, me).scores['epoch']:.3g})" in label


def test_those_are_asked_that_were_chosen_and_are_still_there(shelf: ModelShelf, me: Visitor, trained: Run) -> None:
    assert shelf.asked_by(me) == ["shipped:cnn"]
    best = f"run:{trained.id}:best"
    me.asked = (best, "upload:gone")
    assert shelf.asked_by(me) == [best]
    me.store.drop(trained)
    assert shelf.asked_by(me) == ["shipped:cnn"]
    me.asked = ()
    assert shelf.asked_by(me) == []


def test_uploads_are_few_and_their_owners(shelf: ModelShelf, visitors: Visitors, me: Visitor, you: Visitor) -> None:
    keys = [upload(shelf, me, f"file {n}") for n in range(MAX_UPLOADS + 2)]
    held = [key for _, key in shelf.choices(me) if key.startswith("upload:")]
    assert held == keys[-MAX_UPLOADS:]
    with pytest.raises(MnistLabError):
        shelf.find(keys[-1], you)
    visitors.forget(visitors.of("me"))
    with pytest.raises(MnistLabError):
        shelf.find(keys[-1], visitors.of("me"))


def test_of_everybodys_uploads_the_oldest_go(
    shelf: ModelShelf, visitors: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_shelf, "MAX_UPLOADS_IN_ALL", 4)
    owners = [visitors.of(f"visitor {number}") for number in range(7)]
    for owner in owners:
        visitors.of("visitor 0")  # being seen lately does not make an upload younger
        upload(shelf, owner)
    assert [len(owner.uploads) for owner in owners] == [0, 0, 0, 1, 1, 1, 1]


def test_what_an_upload_says_of_itself_is_told_as_such(shelf: ModelShelf, me: Visitor) -> None:
    assert "according to its file" in shelf.describe(upload(shelf, me), me)[1]
    assert "according to its file" not in shelf.describe("shipped:cnn", me)[1]
