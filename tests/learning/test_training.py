"""Training is a pure function: what `advance` promises, each promise tried on real images and tiny networks."""

import copy
import math
from dataclasses import fields, replace
from itertools import chain
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mnist_demo.errors import DataError
from mnist_demo.experiment.choices import Mistake, Network, Optimizer
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics, best_index, is_finite, stopping_index
from mnist_demo.images.data import Split, TrainingData, noisy_labels
from mnist_demo.images.own_digits import own_digits, with_own
from mnist_demo.learning import batches, networks, step
from mnist_demo.learning.checkpoints import state_from_bytes, state_to_bytes
from mnist_demo.learning.losses import loss_and_accuracy
from mnist_demo.learning.schedule import total_steps
from mnist_demo.learning.training import Status, TrainState, advance, start
from tests.conftest import TINY

Case = dict[str, Any]
CNN: Case = {"network": "cnn", "hidden_sizes": [4, 6]}
DEEP: Case = {"network": "deep_cnn", "hidden_sizes": [3, 4]}
HARD: Case = {
    "dropout": 0.5,
    "augmentation": "affine",
    "schedule": "one_cycle",
    "label_noise": 0.2,
    "label_smoothing": 0.1,
}
CASES: list[Case] = [
    {"dropout": 0.5},
    {**HARD, "optimizer": "adamw", "weight_decay": 0.1, "weight_averaging": 0.9},
    {"hidden_sizes": [], "augmentation": "shift", "optimizer": "sgd"},
    {"dropout": 0.5, "non_digits": 0.3},
    {**CNN, **HARD, "optimizer": "momentum", "learning_rate": 0.1},
    {**CNN, "dropout": 0.5, "augmentation": "shift", "weight_averaging": 0.5},
    {**DEEP, **HARD, "optimizer": "adamw"},
    *[{"dropout": 0.5, "optimizer": optimizer, "weight_decay": 0.01} for optimizer in Optimizer],
    *[{"dropout": 0.5, "mistake": mistake} for mistake in Mistake],
    *[{**CNN, "dropout": 0.5, "mistake": mistake} for mistake in (Mistake.NO_EVAL, Mistake.NO_ZERO_GRAD)],
    {"mistake": "no_eval", "weight_averaging": 0.9, "dropout": 0.5},
    {**CNN, "mistake": "no_eval", "weight_averaging": 0.9},
    {"dropout": 0.5, "epochs": 30, "learning_rate": 0.03, "patience": 1},
]


def make(case: Case) -> Experiment:
    return Experiment.from_dict({**TINY, "hidden_sizes": list(TINY["hidden_sizes"]), "epochs": 6, **case})  # type: ignore[call-overload]


def train(experiment: Experiment, data: TrainingData, steps: int = 10**6) -> tuple[TrainState, list[Metrics]]:
    return advance(start(experiment), steps, data)


def assert_same(a: object, b: object) -> None:
    """Bit for bit, NaN equal to NaN, memory layout apart."""
    assert type(a) is type(b)
    if isinstance(a, TrainState):
        for field in fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, dict):
        assert isinstance(b, dict)
        assert sorted(a) == sorted(b)
        for name in a:
            assert_same(a[name], b[name])
    elif isinstance(a, Tensor):
        assert isinstance(b, Tensor)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert a.contiguous().numpy().tobytes() == b.contiguous().numpy().tobytes()
    else:
        assert repr(a) == repr(b)


class Spy:
    """Notes the images and labels of every training batch (not of evaluations)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.images: list[Tensor] = []
        self.labels: list[Tensor] = []
        augment, loss_of = batches.augment, step.training_loss

        def noting_augment(images: Tensor, *rest: Any) -> Tensor:
            self.images.append(images.clone())
            return augment(images, *rest)

        def noting_loss(logits: Tensor, labels: Tensor, *rest: Any) -> Tensor:
            if torch.is_grad_enabled():
                self.labels.append(labels.clone())
            return loss_of(logits, labels, *rest)

        monkeypatch.setattr(batches, "augment", noting_augment)
        monkeypatch.setattr(step, "training_loss", noting_loss)


# --- chunks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=str)
def test_20_steps_are_7_then_13_and_20_times_1_bit_for_bit(case: Case, tiny_data: TrainingData) -> None:
    experiment, tiny_data = make(case), TrainingData(tiny_data.train, tiny_data.val.first(30))
    whole, whole_points = train(experiment, tiny_data, 20)
    for chunks in ((7, 13), (0, 4, 1, 0, 15), (1,) * 20):
        state, points = start(experiment), []
        for chunk in chunks:
            state, measured = advance(state_from_bytes(state_to_bytes(state)), chunk, tiny_data)
            points += measured
        assert_same(state, whole)
        assert_same(points, whole_points)
        assert tuple(points) == state.history or any(math.isnan(point.running_loss) for point in points)


def test_a_whole_run_in_chunks_of_7_ends_as_the_whole_run(tiny_data: TrainingData) -> None:
    experiment = make({**CNN, **HARD})
    whole, _ = train(experiment, tiny_data)
    state = start(experiment)
    while state.is_running:
        state, _ = advance(state, 7, tiny_data)
    assert whole.status is Status.FINISHED
    assert whole.step == total_steps(experiment)
    assert_same(state, whole)


def test_the_first_point_is_before_the_first_step_and_is_measured_once(
    tiny: Experiment, tiny_data: TrainingData
) -> None:
    state, points = train(tiny, tiny_data, 0)
    assert [(point.step, point.examples_seen) for point in points] == [(0, 0)]
    assert math.isnan(points[0].running_loss)
    assert state.is_running
    assert advance(state, 0, tiny_data)[1] == []
    assert advance(state, -5, tiny_data)[1] == []


def test_a_run_that_has_ended_stays_as_it_is(tiny: Experiment, tiny_data: TrainingData) -> None:
    ended, _ = train(tiny, tiny_data)
    again, points = advance(ended, 100, tiny_data)
    assert points == []
    assert again is ended


# --- equal experiments, and pairs that differ in one knob -----------------------------------------


@pytest.mark.parametrize("case", [{"dropout": 0.5}, {**CNN, **HARD}], ids=str)
def test_equal_experiments_are_identical_whatever_the_world_outside(case: Case, tiny_data: TrainingData) -> None:
    torch.manual_seed(1)
    first, _ = train(make(case), tiny_data, 12)
    torch.manual_seed(2)
    torch.rand(7)
    second, _ = train(make(case), tiny_data, 12)
    assert_same(first, second)
    other, _ = train(make({**case, "seed": 1}), tiny_data, 12)
    assert networks.weights_hash(other.weights) != networks.weights_hash(first.weights)


@pytest.mark.parametrize(
    "change",
    [
        {"dropout": 0.5},
        {"augmentation": "affine"},
        {"optimizer": "sgd"},
        {"learning_rate": 1.0},
        {"mistake": "no_eval", "dropout": 0.5},
        {"network": "cnn", "hidden_sizes": [4]},
        {"weight_averaging": 0.9},
        {"non_digits": 0.3},
        {"label_noise": 0.5},
    ],
    ids=str,
)
def test_no_other_knob_changes_the_batches(
    change: Case, tiny_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = []
    for case in ({}, change):
        with monkeypatch.context() as patch:
            spy = Spy(patch)
            train(make(case), tiny_data, 10)
            batches.append([images[:4] for images in spy.images])  # any pictures of no digit come behind
    assert_same(*batches)


def test_the_running_average_does_not_change_what_is_trained(tiny_data: TrainingData) -> None:
    plain, _ = train(make({"dropout": 0.5}), tiny_data, 20)
    averaged, _ = train(make({"dropout": 0.5, "weight_averaging": 0.9}), tiny_data, 20)
    assert_same(plain.weights, averaged.weights)
    assert networks.weights_hash(averaged.averages) != networks.weights_hash(plain.weights)
    assert plain.history[-1].val_loss != averaged.history[-1].val_loss


def test_measuring_with_dropout_on_does_not_change_what_is_trained(tiny_data: TrainingData) -> None:
    right, _ = train(make({"dropout": 0.5}), tiny_data, 20)
    forgotten, _ = train(make({"dropout": 0.5, "mistake": "no_eval"}), tiny_data, 20)
    assert_same(right.weights, forgotten.weights)


# --- batches --------------------------------------------------------------------------------------


@pytest.fixture
def numbered() -> TrainingData:
    """120 images to learn from whose first pixel is their index, and 30 to validate on."""
    images = torch.randint(256, (150, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[:, 0, 0] = torch.arange(150, dtype=torch.uint8)
    labels = torch.randint(10, (150,), generator=torch.Generator().manual_seed(1))
    return TrainingData(Split(images[:120], labels[:120]), Split(images[120:], labels[120:]))


def indices(spy: Spy) -> list[list[int]]:
    return [batch[:, 0, 0].tolist() for batch in spy.images]


def test_an_epoch_shows_each_of_the_first_train_size_images_once(
    numbered: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(monkeypatch)
    train(make({"epochs": 2}), numbered)
    assert [len(batch) for batch in indices(spy)] == [32, 32, 32, 4] * 2
    first, second = list(chain(*indices(spy)[:4])), list(chain(*indices(spy)[4:]))
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_labels_stay_with_their_images(noise: float, numbered: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(monkeypatch)
    experiment = make({"epochs": 2, "label_noise": noise})
    train(experiment, numbered)
    expected = noisy_labels(numbered.train.labels[:100], noise, experiment.seed)
    for batch, labels in zip(indices(spy), spy.labels, strict=True):
        assert_same(labels, expected[batch])


def test_without_shuffling_batches_are_sorted_by_label(numbered: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(monkeypatch)
    train(make({"epochs": 2, "mistake": "no_shuffle"}), numbered)
    for epoch in (spy.labels[:4], spy.labels[4:]):
        labels = torch.cat(epoch)
        assert_same(labels, labels.sort().values)
    assert indices(spy)[:4] == indices(spy)[4:]


def test_validation_images_are_measured_and_never_learned_from(tiny_data: TrainingData) -> None:
    experiment = make({"dropout": 0.5})
    blank = Split(torch.zeros_like(tiny_data.val.images), tiny_data.val.labels)
    usual, _ = train(experiment, tiny_data, 20)
    other, _ = train(experiment, TrainingData(tiny_data.train, blank), 20)
    assert_same(usual.weights, other.weights)
    for mine, theirs in zip(usual.history, other.history, strict=True):
        assert repr((mine.running_loss, mine.train_loss)) == repr((theirs.running_loss, theirs.train_loss))
        assert mine.val_loss != theirs.val_loss


def test_images_beyond_train_size_are_never_seen(tiny_data: TrainingData) -> None:
    experiment = make({})
    fewer = TrainingData(tiny_data.train.first(100), tiny_data.val)
    assert_same(train(experiment, tiny_data)[0], train(experiment, fewer)[0])


def test_only_training_labels_are_noisy(tiny_data: TrainingData) -> None:
    experiment = make({"label_noise": 1.0})
    model = networks.build(experiment).eval()
    (point,) = train(experiment, tiny_data, 0)[1]
    assert (point.val_loss, point.val_accuracy) == loss_and_accuracy(model, tiny_data.val, experiment)
    assert point.train_loss != loss_and_accuracy(model, tiny_data.train.first(100), experiment)[0]


# --- learning ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [
        {},
        {**CNN, "hidden_sizes": [8, 16], "learning_rate": 0.03},
        {"optimizer": "sgd", "learning_rate": 0.05},
        {"optimizer": "momentum", "learning_rate": 0.01},
        {"optimizer": "adamw"},
        {"activation": "tanh", "normalize": "unit"},
        {"label_noise": 1.0},
    ],
    ids=str,
)
def test_one_batch_can_be_overfitted(case: Case, tiny_data: TrainingData) -> None:
    state, _ = train(
        make({"hidden_sizes": [64], "learning_rate": 3e-3, **case, "batch_size": 100, "epochs": 100}), tiny_data
    )
    assert state.history[0].train_accuracy < 0.4
    assert state.history[-1].train_accuracy == 1.0
    assert state.history[-1].train_loss < 0.2


def test_it_learns_what_carries_over_to_new_images(training_data: TrainingData) -> None:
    experiment = Experiment(train_size=2000, epochs=4, hidden_sizes=(64,), learning_rate=3e-3)
    state, _ = train(experiment, TrainingData(training_data.train, training_data.val.first(1000)))
    assert state.history[0].val_accuracy < 0.3
    assert state.history[-1].val_accuracy > 0.8
    assert state.history[-1].running_loss < 0.6


def test_label_smoothing_is_for_training_only(tiny_data: TrainingData) -> None:
    plain, smooth = (train(make({"label_smoothing": share}), tiny_data, 4)[1] for share in (0.0, 0.4))
    assert plain[0].val_loss == smooth[0].val_loss
    assert plain[1].running_loss != smooth[1].running_loss


def test_one_cycle_reaches_the_optimizer(tiny_data: TrainingData) -> None:
    experiment = make({"schedule": "one_cycle", "optimizer": "sgd", "learning_rate": 0.5})
    last = total_steps(experiment)
    weights = {
        step: train(experiment, tiny_data, step)[0].weights for step in (0, 1, last // 4, last // 4 + 1, last - 1, last)
    }

    def moved(earlier: int, later: int) -> float:
        return max((weights[later][name] - weights[earlier][name]).abs().max().item() for name in weights[0])

    assert moved(last - 1, last) < 1e-7  # the last rate is zero
    assert 0 < moved(0, 1) < moved(last // 4, last // 4 + 1)


# --- how runs end -------------------------------------------------------------------------------------


def test_early_stopping_ends_where_the_history_says(tiny_data: TrainingData) -> None:
    case = {"label_noise": 1.0, "learning_rate": 0.01, "epochs": 40}
    endless, _ = train(make(case), tiny_data)
    stopped, _ = train(make({**case, "patience": 3}), tiny_data)
    assert stopped.status is Status.STOPPED_EARLY
    assert stopping_index(stopped.history, 3) == len(stopped.history) - 1
    assert stopping_index(endless.history, 3) == len(stopped.history) - 1
    assert endless.status is Status.FINISHED
    assert repr(endless.history[: len(stopped.history)]) == repr(stopped.history)
    best = best_index(stopped.history)
    assert best is not None
    assert stopped.history[-1].epoch - stopped.history[best].epoch == 3


@pytest.mark.parametrize(
    "case",
    [
        {"optimizer": "sgd", "learning_rate": 100.0, "normalize": "raw", "activation": "none"},
        {**CNN, "optimizer": "sgd", "learning_rate": 100.0, "weight_decay": 1.0, "epochs": 60},
        {"optimizer": "sgd", "learning_rate": 100.0, "weight_decay": 1.0, "weight_averaging": 0.9, "epochs": 60},
    ],
    ids=str,
)
def test_divergence_is_a_result(case: Case, tiny_data: TrainingData) -> None:
    state, _ = train(make(case), tiny_data)
    assert state.status is Status.DIVERGED
    assert state.step == state.history[-1].step < total_steps(state.experiment)
    assert not is_finite(state.history[-1])
    assert all(is_finite(point) for point in state.history[:-1])
    assert best_index(state.history) is not None
    assert advance(state_from_bytes(state_to_bytes(state)), 10, tiny_data)[1] == []


def test_weights_that_broke_in_the_very_last_step_are_no_success(tiny_data: TrainingData) -> None:
    case = {"optimizer": "sgd", "learning_rate": 100.0, "normalize": "raw", "hidden_sizes": [16] * 4}
    diverging, _ = train(make({**case, "batch_size": 100, "epochs": 20}), tiny_data)
    broken = next(point for point in diverging.history if not math.isfinite(point.val_loss))
    state, _ = train(make({**case, "batch_size": 100, "epochs": round(broken.epoch)}), tiny_data)
    assert state.status is Status.DIVERGED


def test_examples_seen_counts_short_batches_as_they_are(tiny: Experiment, tiny_data: TrainingData) -> None:
    state, points = train(tiny, tiny_data)
    assert [point.examples_seen for point in points] == [0, 100, 200, 300]
    assert [point.epoch for point in points] == [0, 1, 2, 3]
    assert state.history[-1].step == total_steps(tiny) == 12


def test_the_running_loss_is_the_mean_of_the_batch_losses(
    tiny: Experiment, tiny_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = []
    loss_of = step.training_loss

    def noting(*arguments: Any) -> Tensor:
        loss = loss_of(*arguments)
        if torch.is_grad_enabled():
            losses.append(loss.item())
        return loss

    monkeypatch.setattr(step, "training_loss", noting)
    _, points = train(tiny, tiny_data)
    for epoch, point in enumerate(points[1:]):
        assert point.running_loss == pytest.approx(sum(losses[4 * epoch : 4 * epoch + 4]) / 4)


# --- what is left alone -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [{"dropout": 0.5}, {**CNN, **HARD, "weight_averaging": 0.9}], ids=str)
def test_the_state_and_the_data_given_are_untouched(case: Case, tiny_data: TrainingData) -> None:
    given, _ = train(make(case), tiny_data, 6)
    before, data_before = copy.deepcopy(given), copy.deepcopy(tiny_data)
    after, _ = advance(given, 6, tiny_data)
    assert_same(given, before)
    for name in ("train", "val"):
        assert_same(getattr(tiny_data, name).images, getattr(data_before, name).images)
        assert_same(getattr(tiny_data, name).labels, getattr(data_before, name).labels)
    for values in (given.weights, given.moments):
        places = {value.data_ptr() for value in values.values()}
        assert not places & {value.data_ptr() for value in (*after.weights.values(), *after.moments.values())}


@pytest.mark.parametrize("threads", [1, 2])
def test_global_generator_and_thread_count_are_untouched(threads: int, tiny_data: TrainingData) -> None:
    experiment = make({"dropout": 0.5, "augmentation": "affine"})

    def fail(_metrics: Metrics, _model: nn.Module) -> None:
        raise KeyboardInterrupt

    torch.manual_seed(11)
    before = torch.get_rng_state()
    torch.set_num_threads(2)
    try:
        state, _ = advance(start(experiment), 10, tiny_data, threads=threads)
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyboardInterrupt):
            advance(state, 10, tiny_data, threads=threads, on_evaluation=fail)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_caller_sees_each_point_with_its_model(tiny_data: TrainingData) -> None:
    for case in ({"dropout": 0.5}, {"weight_averaging": 0.9}, CNN):
        experiment = make(case)
        seen: list[tuple[Metrics, float]] = []

        def look(metrics: Metrics, model: nn.Module, experiment: Experiment = experiment) -> None:
            seen.append((metrics, loss_and_accuracy(model, tiny_data.val, experiment)[0]))  # noqa: B023

        state, points = advance(start(experiment), 13, tiny_data, on_evaluation=look)
        assert repr([metrics for metrics, _ in seen]) == repr(points)
        assert [loss for _, loss in seen] == [point.val_loss for point in points]
        looked_at = train(experiment, tiny_data, 13)[0]
        assert_same(looked_at, state)


# --- mistakes in the loop -------------------------------------------------------------------------------


def test_without_zero_grad_the_second_step_adds_the_first_gradient(tiny_data: TrainingData) -> None:
    case = {"optimizer": "sgd", "learning_rate": 0.1, "batch_size": 100}
    right = [train(make(case), tiny_data, steps)[0].weights for steps in range(3)]
    wrong = [train(make({**case, "mistake": "no_zero_grad"}), tiny_data, steps)[0].weights for steps in range(3)]
    assert_same(right[1], wrong[1])
    for name in right[0]:
        first, second = right[1][name] - right[0][name], right[2][name] - right[1][name]
        torch.testing.assert_close(wrong[2][name] - wrong[1][name], first + second, atol=1e-6, rtol=1e-3)


def test_without_eval_dropout_stays_on_while_measuring(tiny_data: TrainingData) -> None:
    def first_point(**case: Any) -> Metrics:
        return train(make(case), tiny_data, 0)[1][0]

    right = first_point(dropout=0.5)
    wrong = first_point(dropout=0.5, mistake="no_eval")
    assert right.val_loss != wrong.val_loss
    assert first_point(mistake="no_eval").val_loss == first_point().val_loss  # nothing to switch off
    assert wrong.changed_answers > 0.3
    assert right.changed_answers == 0


@pytest.mark.parametrize("network", [Network.MLP, Network.CNN])
def test_training_is_in_train_mode_after_every_measurement(
    network: Network, tiny_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    augment = batches.augment
    model: list[nn.Module] = []

    def noting(*arguments: Any) -> Tensor:
        modes.extend(layer.training for layer in model[0].modules())
        return augment(*arguments)

    empty = networks.empty

    def noting_empty(experiment: Experiment) -> nn.Module:
        model[:] = [empty(experiment)]
        return model[0]

    state = start(make({"network": network, "hidden_sizes": [4]}))
    monkeypatch.setattr(batches, "augment", noting)
    monkeypatch.setattr(networks, "empty", noting_empty)
    advance(state, 10, tiny_data)
    assert modes
    assert all(modes)


def test_a_state_of_a_long_run_crosses_as_bytes(tiny_data: TrainingData) -> None:
    state, (point,) = train(make({"epochs": 200}), tiny_data, 0)
    long = replace(state, history=tuple(replace(point, step=i, val_loss=1 / (i + 3)) for i in range(2_000)))
    assert_same(state_from_bytes(state_to_bytes(long)), long)


def test_extra_digits_change_a_run_that_any_chunks_make_and_others_are_refused(tiny_data: TrainingData) -> None:
    experiment = make({"dropout": 0.5, "augmentation": "shift", "non_digits": 0.1})
    extra = Split(tiny_data.val.images.rot90(2, (1, 2)), tiny_data.val.labels)
    data = replace(tiny_data, extra=extra, extra_sha256="abc")
    whole, _ = advance(start(experiment, "abc"), 7, data)
    state = start(experiment, "abc")
    for steps in (1, 4, 2):
        state, _ = advance(state_from_bytes(state_to_bytes(state)), steps, data)
    assert all(torch.equal(value, state.weights[name]) for name, value in whole.weights.items())
    without, _ = advance(start(experiment), 7, tiny_data)
    assert not torch.equal(without.weights["1.weight"], whole.weights["1.weight"])
    for wrong in (tiny_data, replace(data, extra_sha256="abd")):
        with pytest.raises(DataError, match="give it that file again"):
            advance(state, 1, wrong)


def test_own_digits_change_a_run_that_any_chunks_make_and_others_are_refused(tiny_data: TrainingData) -> None:
    some = tiny_data.val.first(30)
    own = own_digits(some.images.rot90(2, (1, 2)), some.labels)
    data = with_own(tiny_data, own.to_bytes())
    changes = {"dropout": 0.5, "augmentation": "shift", "non_digits": 0.1}
    experiment = make({**changes, "own_digits": own.digest})
    whole, _ = advance(start(experiment), 7, data)
    state = start(experiment)
    for steps in (1, 4, 2):
        state, _ = advance(state_from_bytes(state_to_bytes(state)), steps, data)
    assert all(torch.equal(value, state.weights[name]) for name, value in whole.weights.items())
    without, _ = advance(start(make(changes)), 7, tiny_data)
    assert not torch.equal(without.weights["1.weight"], whole.weights["1.weight"])
    for running, wrong in ((state, tiny_data), (state, replace(data, own_digest="0" * 16)), (start(make({})), data)):
        with pytest.raises(DataError, match="give it the set that its knob names"):
            advance(running, 1, wrong)
