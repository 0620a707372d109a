"""A run in chunks: what one brings back, and the one loop that sends them, of any length, to any engine."""

import asyncio
import json
from pathlib import Path

import pytest
from safetensors.torch import load as load_tensors

from mnist_demo.cluster.engine import InProcess
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData
from mnist_demo.images.own_digits import with_sample
from mnist_demo.learning import checkpoints, chunks, training
from mnist_demo.learning.chunks import Chunk, NextSteps, about, train_chunk
from mnist_demo.learning.networks import weights_hash

ROOT = Path("unused")


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch, tiny_data: TrainingData) -> None:
    """The chunks train on 300 images and validate on 200."""
    monkeypatch.setattr(chunks, "load_training_data", lambda _root: tiny_data)


def sent(experiment: Experiment, next_steps: NextSteps) -> list[Chunk]:
    """A whole run, chunk by chunk, in this process."""

    async def all_of_them() -> list[Chunk]:
        state = checkpoints.state_to_bytes(training.start(experiment))
        with InProcess() as engine:
            return [chunk async for chunk in chunks.Chunks(state, engine, ROOT, next_steps)]

    return asyncio.run(all_of_them())


def content(state: bytes) -> dict[str, bytes]:
    """Every tensor of a packed state, and its header, whose keys come in any order."""
    header = json.loads(state[8 : 8 + int.from_bytes(state[:8], "little")])
    tensors = {name: value.numpy().tobytes() for name, value in load_tensors(state).items()}
    return {**tensors, "header": json.dumps(header, sort_keys=True).encode()}


def test_a_chunk_gives_a_loadable_checkpoint_for_every_point_and_its_cost(tiny: Experiment) -> None:
    chunk = train_chunk(checkpoints.state_to_bytes(training.start(tiny)), 5, ROOT)
    assert checkpoints.progress_of(chunk.state).step == chunk.steps == 5
    assert [point.step for point, _ in chunk.points] == [0, 4]
    for point, blob in chunk.points:
        assert checkpoints.unpack(blob).scores["val_accuracy"] == point.val_accuracy
    assert 0 < chunk.cpu_seconds < 30
    assert chunk.peak_bytes > 50_000_000


@pytest.mark.parametrize("lengths", [[1], [5, 2], [1000]])
def test_however_a_run_is_cut_it_ends_with_the_same_values(
    tiny: Experiment, tiny_data: TrainingData, lengths: list[int]
) -> None:
    experiment = tiny.replace(dropout=0.5)
    whole, points = training.advance(training.start(experiment), 10**6, tiny_data)
    asked: list[float | None] = []

    def next_steps(speed: float | None) -> int:
        asked.append(speed)
        return lengths[len(asked) % len(lengths)]

    found = sent(experiment, next_steps)
    assert content(found[-1].state) == content(checkpoints.state_to_bytes(whole))
    assert [point.step for chunk in found for point, _ in chunk.points] == [point.step for point in points]
    assert sum(chunk.steps for chunk in found) == whole.step
    assert asked[0] is None
    assert all(speed and speed > 0 for speed in asked[1:])


def test_a_run_that_is_over_sends_nothing(tiny: Experiment) -> None:
    state = sent(tiny, about(1))[-1].state

    async def again() -> int:
        with InProcess() as engine:
            return len([chunk async for chunk in chunks.Chunks(state, engine, ROOT)])

    assert asyncio.run(again()) == 0


def test_a_chunk_is_as_long_as_the_work_asked_for() -> None:
    next_steps = about(0.5)
    assert next_steps(None) == chunks.FIRST_STEPS
    assert next_steps(100.0) == 50
    assert next_steps(0.01) == 1


def test_the_sample_hand_is_learned_by_its_name(tiny: Experiment, tiny_data: TrainingData) -> None:
    experiment = tiny.replace(own_digits="sample")
    whole, _ = training.advance(training.start(experiment), 1_000, with_sample(tiny_data))
    last = sent(experiment, lambda _: 3)[-1]
    assert content(last.state) == content(checkpoints.state_to_bytes(whole))
    plain, _ = training.advance(training.start(tiny), 1_000, tiny_data)
    assert weights_hash(plain.weights) != weights_hash(whole.weights)
