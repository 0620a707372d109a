"""The bench: right order equals training, wrong orders do what PyTorch does with them."""

import math

import pytest
import torch

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import training
from mnist_demo.learning.step_by_step import CODE, MAX_PRESSES, Bench, Press, replay

B, F, L, D, S, Z = Press.BATCH, Press.FORWARD, Press.LOSS, Press.BACKWARD, Press.STEP, Press.ZERO_GRAD
ROUND = [B, F, L, D, S, Z]


def run(experiment: Experiment, presses: list[Press], data: TrainingData) -> Bench:
    return replay(experiment, presses, data)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dropout": 0.5, "augmentation": "shift"},
        {"optimizer": "sgd", "schedule": "one_cycle", "label_noise": 0.5},
        {"network": "cnn", "hidden_sizes": (4, 6, 8)},
        {"mistake": "no_shuffle", "label_smoothing": 0.1},
        {"weight_averaging": 0.9, "augmentation": "affine"},
        {"non_digits": 0.1},
    ],
)
def test_right_order_is_the_run_itself(tiny: Experiment, tiny_data: TrainingData, changes: dict[str, object]) -> None:
    experiment = tiny.replace(**changes)
    bench = run(experiment, ROUND * 3, tiny_data)
    state, _ = training.advance(training.start(experiment), 3, tiny_data)
    name, place = bench.weight_name.rstrip("]").split("[")
    trained = state.weights[name][tuple(int(index) for index in place.split(","))]
    assert bench.rows[-1].weight == trained.item()
    losses = [row.loss for row in bench.rows if row.press is L]
    assert sum(loss for loss in losses if loss) == pytest.approx(state.loss_sum, rel=1e-6)


def test_numbers_appear_one_after_the_other(tiny: Experiment, tiny_data: TrainingData) -> None:
    bench = run(tiny, ROUND, tiny_data)
    batch, forward, loss, backward, step, zero_grad = bench.rows
    assert batch.loss is None
    assert forward.loss is None
    assert loss.loss == pytest.approx(math.log(10), abs=0.3)
    assert loss.gradient is None
    assert loss.gradient_norms == (None, None)
    assert backward.gradient
    assert all(norm and norm > 0 for norm in backward.gradient_norms)
    assert bench.start == batch.weight == backward.weight != step.weight == zero_grad.weight
    assert step.gradient == backward.gradient
    assert zero_grad.gradient is None
    assert not any(row.is_refused for row in bench.rows)
    assert len(bench.layers) == len(step.gradient_norms)


def test_plain_descent_moves_a_weight_by_rate_times_gradient(tiny: Experiment, tiny_data: TrainingData) -> None:
    rows = run(tiny.replace(optimizer="sgd", learning_rate=0.1), ROUND, tiny_data).rows
    assert rows[4].weight == pytest.approx(rows[3].weight - 0.1 * (rows[3].gradient or 0), rel=1e-5)


def test_step_before_backward_does_nothing(tiny: Experiment, tiny_data: TrainingData) -> None:
    bench = run(tiny, [B, F, L, S], tiny_data)
    assert bench.rows[-1].weight == bench.start
    assert "Nothing happened" in bench.rows[-1].said


def test_without_zero_grad_gradients_add_up(tiny: Experiment, tiny_data: TrainingData) -> None:
    rows = run(tiny, [B, F, L, D, F, L, D], tiny_data).rows
    assert rows[6].gradient == pytest.approx(2 * (rows[3].gradient or 0), rel=1e-5)
    assert rows[6].gradient_norms[0] == pytest.approx(2 * (rows[3].gradient_norms[0] or 0), rel=1e-5)
    assert "added" in rows[6].said
    cleared = run(tiny, [B, F, L, D, Z, F, L, D], tiny_data).rows
    assert cleared[-1].gradient == rows[3].gradient


@pytest.mark.parametrize(
    ("presses", "words"),
    [
        ([F], "images is not defined"),
        ([B, L], "logits is not defined"),
        ([B, F, D], "loss is not defined"),
        ([B, F, L, D, D], "second time"),
        ([B, F, F, L, B, F, L, D, S, D], "second time"),
        ([B, F, L, D, F, L, S, D], "changed since"),
        ([B, B, B, F, B, L], "another size"),
    ],
)
def test_what_python_refuses_is_refused_and_changes_nothing(
    tiny: Experiment, tiny_data: TrainingData, presses: list[Press], words: str
) -> None:
    *before, last = run(tiny.replace(train_size=100), presses, tiny_data).rows
    assert last.is_refused
    assert words in last.said
    if before:
        assert (last.weight, last.gradient, last.gradient_norms) == (
            before[-1].weight,
            before[-1].gradient,
            before[-1].gradient_norms,
        )


def test_a_vanishing_gradient_shows_in_the_norms(tiny: Experiment, tiny_data: TrainingData) -> None:
    deep = tiny.replace(hidden_sizes=(32, 32, 32), activation="sigmoid")
    norms = run(deep, ROUND, tiny_data).rows[3].gradient_norms
    assert norms[0]
    assert norms[-1]
    assert norms[0] < norms[-1] / 50


def test_a_second_step_uses_the_same_gradient_again(tiny: Experiment, tiny_data: TrainingData) -> None:
    experiment = tiny.replace(optimizer="sgd", learning_rate=0.1)
    rows = run(experiment, [B, F, L, D, S, S], tiny_data).rows
    first, second = rows[4].weight - rows[3].weight, rows[5].weight - rows[4].weight
    assert first == pytest.approx(second, rel=1e-4)


def test_replay_leaves_the_random_state_alone_and_is_bounded(tiny: Experiment, tiny_data: TrainingData) -> None:
    before = torch.get_rng_state()
    first = run(tiny.replace(dropout=0.5), ROUND * 2, tiny_data)
    assert torch.equal(before, torch.get_rng_state())
    assert first == run(tiny.replace(dropout=0.5), ROUND * 2, tiny_data)
    with pytest.raises(RunError, match="start again"):
        run(tiny, [Z] * (MAX_PRESSES + 1), tiny_data)


def test_every_press_has_its_line_of_code() -> None:
    assert list(CODE) == list(Press)
