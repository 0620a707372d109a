"""The evidence beside the curves, on real trainings: what each number shows, and that looking changes nothing."""

import pytest
import torch

from mnist_demo.experiment.history import Probe
from mnist_demo.experiment.pair import Pair
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.images.own_digits import slanted
from mnist_demo.learning import networks, training
from mnist_demo.learning.checkpoints import state_from_bytes, state_to_bytes

SMALL = "train_size=300&epochs=2&hidden_sizes=32-16"


def _last(query: str, data: TrainingData) -> tuple[Probe, training.TrainState]:
    state, _ = training.advance(training.start(Pair.from_query(query).a), 10_000, data)
    probe = state.history[-1].probe
    assert probe is not None
    return probe, state


@pytest.mark.parametrize(
    ("mistake", "name", "sign"),
    [
        ("none", "cross_entropy", 1),
        ("log_softmax_cross_entropy", "cross_entropy", 1),
        ("softmax_cross_entropy", "probability_cross_entropy", 1),
        ("nll_probabilities", "label_probability", -1),
        ("nll_logits", "label_logit", -1),
    ],
)
def test_the_loss_of_a_run_is_one_of_four_numbers(mistake: str, name: str, sign: int, tiny_data: TrainingData) -> None:
    probe, state = _last(f"{SMALL}&mistake={mistake}", tiny_data)
    assert state.history[-1].train_loss == pytest.approx(sign * getattr(probe, name), rel=1e-4)
    others = {"cross_entropy", "probability_cross_entropy", "label_probability", "label_logit"} - {name}
    for other in others:
        for other_sign in (1, -1):
            assert state.history[-1].train_loss != pytest.approx(other_sign * getattr(probe, other), rel=1e-3)


@pytest.mark.parametrize("mistake", ["none", "no_zero_grad"])
def test_left_over_gradient(mistake: str, tiny_data: TrainingData) -> None:
    probe, _ = _last(f"{SMALL}&mistake={mistake}", tiny_data)
    assert probe.left_over is not None
    assert (probe.left_over > 0.1) == (mistake == "no_zero_grad")


@pytest.mark.parametrize("mistake", ["none", "no_shuffle"])
def test_order_of_the_labels(mistake: str, tiny_data: TrainingData) -> None:
    probe, _ = _last(f"{SMALL}&mistake={mistake}", tiny_data)
    assert probe.label_changes is not None
    assert (probe.label_changes < 0.1) == (mistake == "no_shuffle")


def test_signal_dies_in_deep_sigmoid_layers(tiny_data: TrainingData) -> None:
    probe, _ = _last("train_size=300&epochs=1&activation=sigmoid&hidden_sizes=64-64-64", tiny_data)
    assert len(probe.spreads) == len(probe.stuck) == 3
    assert len(probe.gradients) == 4
    assert probe.spreads[2] < probe.spreads[0] / 10


def test_moved_and_slanted_images_are_read_and_counted_one_by_one(tiny_data: TrainingData) -> None:
    probe, state = _last("train_size=300&epochs=20&hidden_sizes=32-16", tiny_data)
    model = networks.build(state.experiment).eval()
    model.load_state_dict(dict(state.weights))
    moved = torch.zeros_like(tiny_data.val.images)
    moved[:, :, 3:] = tiny_data.val.images[:, :, :25]
    with torch.no_grad():
        answers = model(normalize(moved, state.experiment.normalize)).argmax(dim=1)
    assert probe.moved_accuracy == pytest.approx((answers == tiny_data.val.labels).float().mean().item())
    assert probe.moved_accuracy < state.history[-1].val_accuracy - 0.2
    with torch.no_grad():
        answers = model(normalize(slanted(tiny_data.val.images), state.experiment.normalize)).argmax(dim=1)
    assert probe.slanted_accuracy == pytest.approx((answers == tiny_data.val.labels).float().mean().item())


def test_units_without_a_slope_are_stuck(tiny_data: TrainingData) -> None:
    for activation in ("relu", "tanh", "sigmoid"):
        query = f"train_size=300&epochs=2&optimizer=sgd&learning_rate=50&hidden_sizes=32&activation={activation}"
        assert _last(query, tiny_data)[0].stuck[0] > 0.5
    assert _last(f"{SMALL}&activation=none", tiny_data)[0].stuck == (0, 0)


def test_scale_of_the_input_and_the_blank_image(tiny_data: TrainingData) -> None:
    assert _last(SMALL, tiny_data)[0].input_size == 1
    raw, _ = _last(f"{SMALL}&normalize=raw", tiny_data)
    assert raw.input_size == 255
    assert raw.blank_loss > raw.cross_entropy


def test_batch_norm_in_train_mode_answers_by_the_company(tiny_data: TrainingData) -> None:
    _, state = _last("train_size=300&epochs=1&network=cnn&hidden_sizes=8-8&mistake=no_eval", tiny_data)
    assert state.history[-1].changed_answers > 0


def test_a_probe_crosses_a_process_boundary_and_random_numbers_stay(tiny_data: TrainingData) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1).item()
    torch.manual_seed(5)
    _, state = _last(f"{SMALL}&dropout=0.5&mistake=no_eval", tiny_data)
    assert torch.rand(1).item() == expected
    assert state_from_bytes(state_to_bytes(state)).history[-1] == state.history[-1]
