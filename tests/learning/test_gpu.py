"""Runs on a real GPU, where PyTorch finds one; elsewhere a stand-in device is tested (`test_devices`).

A GPU adds in another order than the processor, so losses are compared, not bits. Bits are compared on the GPU alone.
"""

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData, load_training_data, mnist_root
from mnist_demo.learning import checkpoints
from mnist_demo.learning.chunks import train_chunk
from mnist_demo.learning.networks import weights_hash
from mnist_demo.learning.training import TrainState, advance, start
from mnist_demo.learning.zerogpu import gpu_chunk
from tests.cli.conftest import run

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

RUNS = (
    "hidden_sizes=64&dropout=0.5&optimizer=adamw&weight_averaging=0.9",
    "hidden_sizes=64&mistake=no_zero_grad&optimizer=momentum&augmentation=shift&label_noise=0.2",
    "hidden_sizes=64&mistake=no_eval&dropout=0.5&non_digits=0.3",
    "network=cnn&augmentation=affine&learning_rate=0.001",
    "network=deep_cnn&dropout=0.3&learning_rate=0.001",
)


@pytest.fixture(scope="module")
def few() -> TrainingData:
    digits = load_training_data(mnist_root())
    return TrainingData(digits.train.first(1_000), digits.val.first(500))


def on_gpu(experiment: Experiment, digits: TrainingData, steps: int = 1_000) -> TrainState:
    state = start(experiment)
    while state.is_running:
        state, _ = advance(state, steps, digits, device="cuda")
    return state


@pytest.mark.parametrize("knobs", RUNS)
def test_a_run_begins_as_on_the_processor_and_goes_nearly_the_same_way(knobs: str, few: TrainingData) -> None:
    experiment = Experiment.from_text(dict(parse_qsl(f"train_size=1000&epochs=2&{knobs}")))
    here, _ = advance(start(experiment), 1_000, few)
    there = on_gpu(experiment, few)
    assert [point.step for point in there.history] == [point.step for point in here.history]
    for of_cpu, of_gpu in zip(here.history, there.history, strict=True):
        assert of_gpu.val_loss == pytest.approx(of_cpu.val_loss, rel=0.1, abs=0.02)
        assert of_gpu.val_accuracy == pytest.approx(of_cpu.val_accuracy, abs=0.04)
    assert there.history[0].val_loss == pytest.approx(here.history[0].val_loss, rel=1e-3)
    assert {tensor.device.type for tensor in (*there.weights.values(), *there.moments.values())} == {"cpu"}


@pytest.mark.parametrize("knobs", RUNS)
def test_chunks_of_any_lengths_are_the_same_run(knobs: str, few: TrainingData) -> None:
    experiment = Experiment.from_text(dict(parse_qsl(f"train_size=1000&epochs=2&{knobs}")))
    whole, chunked = on_gpu(experiment, few), on_gpu(experiment, few, steps=5)
    assert [point.val_loss for point in chunked.history] == [point.val_loss for point in whole.history]
    assert weights_hash(chunked.weights) == weights_hash(whole.weights)


def test_what_zerogpu_would_be_lent_trains_on_the_gpu() -> None:
    state = checkpoints.state_to_bytes(start(Experiment.from_text({"network": "cnn", "train_size": "1000"})))
    here = train_chunk(state, 20, mnist_root())
    there = gpu_chunk(state, 20, mnist_root(), 1, None, b"")
    assert there.steps == here.steps == 20
    assert len(there.points) == len(here.points)
    assert there.points[-1][0].val_loss == pytest.approx(here.points[-1][0].val_loss, rel=0.05)


def test_a_checkpoint_trained_on_the_gpu_scores_the_same_on_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "gpu.safetensors")
    words = ["train", "--network", "cnn", "--train-size", "2000", "--epochs", "1", "--device", "cuda", "--output", file]
    assert run(*words) == 0
    assert "(trained on cuda)" in capsys.readouterr().out
    told = []
    for device in ("cpu", "cuda"):
        assert run("evaluate", file, "--json", "--device", device) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0].keys() == told[1].keys()
    accuracies = [each["test_accuracy"] for each in told]
    assert accuracies[1] == pytest.approx(accuracies[0], abs=2e-3)
