"""Which networks a visitor can ask: the shipped ones and their own, never another's."""

import gradio as gr
import pytest

from mnist_demo.errors import InvalidDrawing, MnistLabError, UnknownRun
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import checkpoints, training
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.serving.runs import Run, RunStore
from mnist_demo.serving.shelf import MAX_UPLOADS, ModelShelf, checked_keys
from mnist_demo.ui.visit import Visit, error_html, note_html, owner_of


@pytest.fixture
def store() -> RunStore:
    return RunStore()


@pytest.fixture
def trained(store: RunStore, tiny: Experiment, tiny_data: TrainingData) -> Run:
    """My run, three epochs long, weights of every point kept."""
    run = store.create(tiny, "me", "1A")
    points: list[tuple[Metrics, bytes]] = []
    training.advance(
        training.start(tiny),
        100,
        tiny_data,
        on_evaluation=lambda point, model: points.append(
            (point, checkpoints.pack(model.state_dict(), tiny, checkpoints.scores_of(point)))
        ),
    )
    run.record(run.state, points)
    return run


@pytest.fixture
def shipped(tiny: Experiment) -> dict[str, Checkpoint]:
    weights = training.start(tiny).weights
    return {"cnn": checkpoints.unpack(checkpoints.pack(weights, tiny, {"test_accuracy": 0.995}))}


def test_own_runs_are_on_the_shelf_and_others_are_not(
    shipped: dict[str, Checkpoint], store: RunStore, trained: Run
) -> None:
    shelf = ModelShelf(shipped, store)
    keys = [key for _, key in shelf.choices("me")]
    assert keys == ["shipped:cnn", f"run:{trained.id}:best", f"run:{trained.id}:last"]
    assert [key for _, key in shelf.choices("you")] == ["shipped:cnn"]
    last = shelf.find(keys[2], "me")
    assert last.scores["epoch"] == trained.history[-1].epoch
    with pytest.raises(UnknownRun):
        shelf.find(keys[2], "you")


@pytest.mark.parametrize("key", ["", "run", "run:", "run:x:best", "shipped:no", "upload:no", "shipped:../cnn", "a:b:c"])
def test_keys_that_name_nothing_are_refused(shipped: dict[str, Checkpoint], store: RunStore, key: str) -> None:
    with pytest.raises(MnistLabError, match=r"^[A-Z].*\.$"):
        ModelShelf(shipped, store).find(key, "me")


def test_the_scrubbed_epoch_is_a_network_of_its_own(
    shipped: dict[str, Checkpoint], store: RunStore, trained: Run
) -> None:
    trained.cursor = 1
    shelf = ModelShelf(shipped, store)
    key = f"run:{trained.id}:looked at"
    assert key in [each for _, each in shelf.choices("me")]
    assert shelf.find(key, "me").scores["epoch"] == trained.history[1].epoch


def test_the_epoch_on_a_label_is_that_of_the_network(
    shipped: dict[str, Checkpoint], store: RunStore, trained: Run
) -> None:
    trained.cursor = 1
    del trained.snapshots[1]  # thinned away: the nearest kept is another epoch's
    shelf = ModelShelf(shipped, store)
    labels = {key: label for label, key in shelf.choices("me")}
    for key, label in labels.items():
        if key.startswith("run:"):
            assert f"(epoch {shelf.find(key, 'me').scores['epoch']:.3g})" in label


def test_uploads_are_few_and_their_owners(shipped: dict[str, Checkpoint], store: RunStore) -> None:
    shelf = ModelShelf(shipped, store)
    keys = [shelf.add_upload(f"file {n}", shipped["cnn"], "me") for n in range(MAX_UPLOADS + 2)]
    held = [key for _, key in shelf.choices("me") if key.startswith("upload:")]
    assert held == keys[-MAX_UPLOADS:]
    with pytest.raises(MnistLabError):
        shelf.find(keys[-1], "you")
    shelf.drop_owner("me")
    with pytest.raises(MnistLabError):
        shelf.find(keys[-1], "me")


@pytest.mark.parametrize("keys", [None, "shipped:cnn", [], [5], [["x"]], ["a"] * 4, {}, 7])
def test_asking_is_for_one_to_three_names(keys: object) -> None:
    with pytest.raises(InvalidDrawing, match=r"^[A-Z].*\.$"):
        checked_keys(keys)


@pytest.mark.parametrize("ids", [None, 5, "abc", {"a": 1}, [None], [["x"]], ["no such"], [7, True]])
def test_what_is_no_list_of_own_ids_names_no_runs(store: RunStore, trained: Run, ids: object) -> None:
    visit = Visit(store, None, None)  # type: ignore[arg-type]
    mine = gr.Request(session_hash="me")
    assert visit.runs(ids, mine) == []
    assert visit.runs([trained.id, "no such"], mine) == [trained]
    assert visit.runs([trained.id], gr.Request(session_hash="you")) == []
    assert visit.runs([trained.id], None) == []


def test_a_caller_without_a_session_owns_nothing() -> None:
    assert owner_of(None) == ""
    assert owner_of(gr.Request()) == ""


def test_an_upload_without_an_owner_is_nobodys(shipped: dict[str, Checkpoint], store: RunStore) -> None:
    shelf = ModelShelf(shipped, store)
    key = shelf.add_upload("mine", shipped["cnn"], "")
    assert [key for _, key in shelf.choices("")] == ["shipped:cnn"]
    with pytest.raises(UnknownRun):
        shelf.find(key, "")


def test_what_an_upload_says_of_itself_is_told_as_such(shipped: dict[str, Checkpoint], store: RunStore) -> None:
    shelf = ModelShelf(shipped, store)
    key = shelf.add_upload("mine", shipped["cnn"], "me")
    assert "own account" in shelf.describe(key, "me")[1]
    assert "own account" not in shelf.describe("shipped:cnn", "me")[1]


def test_words_of_others_are_escaped() -> None:
    assert "<script>" not in error_html(ValueError("<script>")) + note_html("<script>")
    assert note_html("") == ""
