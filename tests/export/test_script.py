"""The script cut from the plain program trains to the app's weights, and says only what its run needs."""

import ast
import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mnist_demo.experiment.choices import Mistake, Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.export.script import REASONS, script, training_loop
from mnist_demo.images import data
from mnist_demo.images.own_digits import read_file, with_own, with_sample
from mnist_demo.images.pens import Pens
from mnist_demo.learning import training
from mnist_demo.learning.networks import weights_hash
from tests.images.own_hand import drawings_of, file_of

ONE = "train_size=100&batch_size=50&epochs=1&"
TINY = "train_size=100&batch_size=50&epochs=2&"
SIZES = {Network.MLP: "8", Network.CNN: "2-3", Network.DEEP_CNN: "1-2"}
EVERY_PAIR = [
    ONE + f"network={network}&hidden_sizes={SIZES[network]}&mistake={mistake}&dropout=0.3"
    for network in Network
    for mistake in Mistake
]
EVERY_KNOB = [
    TINY + "seed=3&augmentation=shift&b.label_noise=0.3",
    TINY + "activation=none&optimizer=sgd&learning_rate=0.1&hidden_sizes=16-16-16-16&normalize=unit",
    TINY
    + "activation=tanh&label_smoothing=0.1&optimizer=momentum&weight_decay=0.01&normalize=raw&learning_rate=0.0001",
    TINY + "mistake=softmax_cross_entropy&label_smoothing=0.1&optimizer=adamw&weight_decay=0.1&hidden_sizes=none",
    TINY + "mistake=no_shuffle&label_noise=0.5&schedule=trapezoid&learning_rate=0.01",
    TINY + "mistake=no_eval&dropout=0.5&augmentation=affine&schedule=one_cycle&optimizer=adam&weight_decay=0.1",
    TINY + "network=cnn&hidden_sizes=2&mistake=no_eval&dropout=0.5&weight_averaging=0.9&patience=1&learning_rate=0.1",
    TINY + "augmentation=handwriting&dropout=0.3&hidden_sizes=8",
    TINY + "non_digits=0.3&label_noise=0.2&weight_averaging=0.9&hidden_sizes=8",
    TINY + "non_digits=0.02&augmentation=handwriting&hidden_sizes=8",  # one for a batch of 50, none for fewer than 25
    "train_size=110&batch_size=100&epochs=2&non_digits=0.04&augmentation=shift&hidden_sizes=8",
    "train_size=200&epochs=8&patience=1&learning_rate=0.01&hidden_sizes=16&mistake=no_eval&dropout=0.5",
    # The sums of a validation loss that hardly moves must agree to the last bit.
    "train_size=100&batch_size=100&optimizer=sgd&learning_rate=0.000001&normalize=unit&hidden_sizes=8"
    "&activation=sigmoid&epochs=12&patience=2",
    "train_size=200&epochs=8&optimizer=sgd&learning_rate=100&normalize=raw&activation=none&hidden_sizes=16",  # diverges
    # Several points an epoch, and patience decides at each.
    "train_size=41000&batch_size=2048&epochs=3&patience=1&learning_rate=0.3&hidden_sizes=4",
]


def hash_of_app(experiment: Experiment, training_data: data.TrainingData) -> str:
    state = training.start(experiment)
    while state.is_running:
        state, _ = training.advance(state, 7, training_data)
    return weights_hash(state.evaluated_weights)


def hash_of_script(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a script here, as a file of its own would run."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["run.py", str(data.mnist_root())])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), torch.random.fork_rng(devices=[]):
        exec(compile(text, "run.py", "exec"), {"__name__": "__main__"})
    return printed.getvalue().splitlines()[-1].removeprefix("weights SHA-256 ")


@pytest.mark.parametrize("query", [*EVERY_PAIR, *EVERY_KNOB])
def test_a_script_trains_to_the_weights_of_the_app(
    query: str, training_data: data.TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = Pair.from_query(query).b
    found = hash_of_script(script(experiment), tmp_path, monkeypatch)
    assert found == hash_of_app(experiment, training_data)


@pytest.mark.parametrize(
    "rest", ["dropout=0.3", "non_digits=0.2&label_noise=0.3", "augmentation=handwriting&non_digits=0.1"]
)
def test_a_script_learns_from_own_digits_as_the_app_does(
    rest: str, training_data: data.TrainingData, written: Pens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my-digits.json").write_text(file_of(drawings_of(written, 20)))
    learned, _ = read_file((tmp_path / "my-digits.json").read_bytes()).parted()
    experiment = Pair.from_query(f"{TINY}{rest}&hidden_sizes=8&own_digits={learned.digest}").a
    text = script(experiment)
    assert "Put your own digits beside it: the file my-digits.json" in text
    found = hash_of_script(text, tmp_path, monkeypatch)
    assert found == hash_of_app(experiment, with_own(training_data, learned.to_bytes()))
    (tmp_path / "my-digits.json").write_text(file_of(drawings_of(written, 10)))
    with pytest.raises(AssertionError, match="other digits than the run has learned from"):
        hash_of_script(text, tmp_path, monkeypatch)


def test_a_script_learns_from_the_sample_hand_as_the_app_does(
    training_data: data.TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = Pair.from_query(f"{TINY}hidden_sizes=8&dropout=0.3&own_digits=sample").a
    text = script(experiment)
    assert "my-digits.json" not in text
    assert hash_of_script(text, tmp_path, monkeypatch) == hash_of_app(experiment, with_sample(training_data))


def test_a_script_needs_torch_and_torchvision_only(training_data: data.TrainingData, tmp_path: Path) -> None:
    experiment = Pair.from_query(TINY + "network=cnn&hidden_sizes=2-3&dropout=0.3").a
    (tmp_path / "run.py").write_text(script(experiment), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "run.py", str(data.mnist_root())]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == f"weights SHA-256 {hash_of_app(experiment, training_data)}"


def test_the_saved_weights_are_the_best_ones(
    training_data: data.TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = Experiment(train_size=100, epochs=8, learning_rate=0.05, hidden_sizes=(16,))
    hash_of_script(script(experiment), tmp_path, monkeypatch)
    kept: dict[float, str] = {}
    training.advance(
        training.start(experiment),
        10_000,
        training_data,
        on_evaluation=lambda point, model: kept.update({point.val_loss: weights_hash(model.state_dict())}),
    )
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    assert weights_hash(best) == kept[min(kept)] != list(kept.values())[-1]


@pytest.mark.parametrize("query", [*EVERY_PAIR, *EVERY_KNOB])
def test_a_script_is_short_and_imports_what_it_needs(query: str) -> None:
    experiment = Pair.from_query(query).b
    text = script(experiment)
    tree = ast.parse(text)
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    allowed = {"copy", "hashlib", "math", "sys", "torch", "torchvision"}
    if experiment.augmentation == "handwriting" or experiment.non_digits:
        allowed |= {"mnist_demo"}
        assert "Run it in the folder of MNIST Lab" in text
    assert {str(name).split(".")[0] for name in imported} <= allowed
    assert 60 <= len(text.splitlines()) <= 125
    assert max(len(line) for line in text.splitlines()) <= 120


def test_the_default_script_has_eighty_lines_and_one_for_speed() -> None:
    assert len(script(Experiment()).splitlines()) <= 81


def test_a_script_says_only_what_the_run_needs() -> None:
    plain = script(Experiment())
    words = (
        "augment",
        "Dropout",
        "label_rng",
        "patience",
        "rng_state",
        "averaged",
        "smoothing",
        "weight_decay",
        "knobs.",
    )
    assert not any(word in plain for word in words)
    assert "Dropout(0.5)" in script(Experiment(dropout=0.5))
    assert "more threads, a GPU or another build may round differently" in plain


def test_a_script_points_at_its_mistake() -> None:
    text = script(Pair.from_query("mistake=no_zero_grad").a)
    assert "# optimizer.zero_grad()" in text
    assert "the right line would be `optimizer.zero_grad()`" in text


def test_the_right_loop_has_no_wrong_line() -> None:
    lines, wrong_line, right_line, reason = training_loop(Experiment())
    assert (wrong_line, right_line, reason) == (None, None, "")
    order = [next(i for i, line in enumerate(lines) if word in line) for word in ("zero_grad", "backward", ".step()")]
    assert order == sorted(order)
    ast.parse("\n".join(lines))


@pytest.mark.parametrize("mistake", [mistake for mistake in Mistake if mistake is not Mistake.NONE])
@pytest.mark.parametrize("more", [{}, {"label_smoothing": 0.1, "weight_averaging": 0.9, "patience": 2}])
def test_a_mistake_is_one_line_and_putting_it_right_gives_the_right_loop(
    mistake: Mistake, more: dict[str, object]
) -> None:
    source = training_loop(Experiment.from_dict({"mistake": mistake, **more}))
    assert source.wrong_line is not None
    assert source.right_line is not None
    assert source.reason == REASONS[mistake]
    repaired = list(source.lines)
    repaired[source.wrong_line] = source.right_line
    assert repaired == training_loop(Experiment.from_dict(more)).lines
