"""The exported script, run in a process of its own, against the app's training."""

import ast
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.export.script import script
from mnist_demo.images import data
from mnist_demo.learning import training
from mnist_demo.learning.networks import weights_hash

TINY = "train_size=200&epochs=2&"
EVERY_KIND = [
    TINY + "seed=3",
    TINY + "activation=none&optimizer=sgd&learning_rate=0.1&hidden_sizes=32-32-32-32&normalize=unit",
    TINY
    + "activation=tanh&label_smoothing=0.1&optimizer=momentum&weight_decay=0.01&normalize=raw&learning_rate=0.0001",
    TINY + "optimizer=sgd&learning_rate=0.01&mistake=no_zero_grad",
    TINY + "mistake=softmax_cross_entropy&label_smoothing=0.1&optimizer=adamw&weight_decay=0.1",
    TINY + "mistake=nll_logits&dropout=0.3",
    TINY + "mistake=no_shuffle&hidden_sizes=none",
    TINY + "mistake=no_eval&dropout=0.5&augmentation=affine",
    "train_size=200&epochs=8&patience=1&learning_rate=0.01",
    "train_size=200&epochs=8&optimizer=sgd&learning_rate=3&normalize=raw",
    "train_size=12000&epochs=2&batch_size=500&network=cnn&hidden_sizes=4-8&patience=1&learning_rate=0.3",
    "train_size=300&epochs=1&network=cnn&hidden_sizes=4-8&mistake=no_eval&dropout=0.5&schedule=one_cycle",
    TINY + "schedule=trapezoid&learning_rate=0.01",
    "train_size=200&epochs=1&network=deep_cnn&hidden_sizes=4-6&weight_averaging=0.9&mistake=no_eval",
]


def _app_hash(experiment: Experiment) -> str:
    training_data = data.load_training_data(data.mnist_root())
    state = training.start(experiment)
    while state.is_running:
        state, _ = training.advance(state, 7, training_data)
    return weights_hash(state.averages or state.weights)


def _script_hash(experiment: Experiment, folder: Path) -> str:
    path = folder / "run.py"
    path.write_text(script(experiment), encoding="utf-8")
    # One thread, and no module of ours within reach.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    command = [sys.executable, str(path), str(data.mnist_root())]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=120, check=True)
    return done.stdout.splitlines()[-1].removeprefix("weights SHA-256 ")


@pytest.mark.parametrize(
    "query",
    [
        TINY + "b.dropout=0.5&b.augmentation=shift&b.label_noise=0.3",
        "train_size=300&epochs=1&network=cnn&hidden_sizes=8-16&b.mistake=no_eval",
    ],
)
def test_script_of_each_run_of_a_pair_prints_the_hash_of_the_app(query: str, tmp_path: Path) -> None:
    pair = Pair.from_query(query)
    hashes = [_app_hash(experiment) for experiment in (pair.a, pair.b)]
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor() as both:  # each is a process of its own
        assert list(both.map(_script_hash, (pair.a, pair.b), folders)) == hashes
    assert hashes[0] != hashes[1]


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("query", EVERY_KIND)
def test_script_of_every_kind_of_run_prints_the_hash_of_the_app(query: str, tmp_path: Path) -> None:
    experiment = Pair.from_query(query).a
    assert _script_hash(experiment, tmp_path) == _app_hash(experiment)


@pytest.mark.parametrize("query", EVERY_KIND)
def test_script_is_short_and_imports_nothing_of_ours(query: str) -> None:
    text = script(Pair.from_query(query).a)
    tree = ast.parse(text)
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {str(name).split(".")[0] for name in imported} <= {"copy", "hashlib", "math", "sys", "torch", "torchvision"}
    assert 60 <= len(text.splitlines()) <= 125
    assert max(len(line) for line in text.splitlines()) <= 120


def test_script_says_only_what_the_run_needs() -> None:
    plain = script(Experiment())
    assert not any(word in plain for word in ("augment", "Dropout", "label_rng", "patience", "fork_rng", "averaged"))
    assert "Dropout(0.5)" in script(Experiment(dropout=0.5))
    assert "more threads, a GPU or another build may round differently" in plain


def test_script_points_at_its_mistake() -> None:
    text = script(Pair.from_query("mistake=no_zero_grad").a)
    assert "# optimizer.zero_grad()" in text
    assert "the right line would be `optimizer.zero_grad()`" in text


def test_runs_too_long_to_write_are_refused_in_a_sentence() -> None:
    with pytest.raises(InvalidExperiment, match="non-digits"):
        script(Experiment(non_digits=0.1))
