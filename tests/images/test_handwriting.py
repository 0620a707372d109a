"""The augmentation "handwriting": other pictures of the same digits, decided by a generator alone."""

import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images import handwriting
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import checkpoints, training


def test_the_same_generator_writes_the_same(training_data: TrainingData) -> None:
    images, labels = training_data.train.images[:64], training_data.train.labels[:64]
    before = images.clone()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first = handwriting.vary(images, labels)
        second = handwriting.vary(images, labels)
        torch.manual_seed(3)
        again = handwriting.vary(images, labels)
        before_ours = torch.get_rng_state()
        ours = handwriting.vary(images, labels, torch.Generator().manual_seed(3))
        assert torch.equal(torch.get_rng_state(), before_ours)
    assert torch.equal(first, again)
    assert torch.equal(first, ours), "the same numbers from a generator of one's own"
    assert not torch.equal(first, second)
    assert torch.equal(images, before)
    assert first.shape == images.shape
    assert first.dtype == torch.uint8


def test_each_habit_adds_ink_to_its_digit_and_to_no_other(training_data: TrainingData) -> None:
    images = training_data.train.images[:2_000].repeat(5, 1, 1)
    labels = training_data.train.labels[:2_000].repeat(5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        written = handwriting.add_habits(images.float(), labels)
    assert (written >= images).all()
    changed = (written != images).flatten(1).any(dim=1)
    for digit in range(10):
        share = changed[labels == digit].float().mean().item()
        expected = {0: 0.15, 1: 0.325, 4: 0.15, 7: 0.15}.get(digit, 0)
        assert abs(share - expected) < 0.05, digit
    unlabelled = handwriting.add_habits(images.float(), torch.full_like(labels, -1))
    assert torch.equal(unlabelled, images.float())


def test_a_flag_stands_clear_of_its_stem_however_it_leans(training_data: TrainingData) -> None:
    ones = training_data.train.images[training_data.train.labels == 1][:200].float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        start, tip = handwriting._flag(ones, handwriting._extent(ones), None)
        added = handwriting._segment(start, tip, 28, None) > ones + 100
    is_long = (tip - start).norm(dim=1) > 4
    assert (added.sum(dim=(1, 2))[is_long] >= 2).float().mean() > 0.95
    assert (tip[:, 0] < start[:, 0] + 1).all()  # to the left, or down a stem that leans far to the left


def test_an_image_written_as_it_was_stays_as_sharp(
    training_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handwriting, "STRENGTH", 0)  # still centred, by a part of a pixel
    images = training_data.train.images[:500].float()
    written = handwriting.deform(images).clamp(0, 255)
    assert written.diff(dim=2).square().sum() / images.diff(dim=2).square().sum() > 0.78  # bilinear: two thirds


def test_the_largest_around_is_what_max_pooling_says(training_data: TrainingData) -> None:
    pixels = training_data.train.images[:8].float()
    pooled = torch.nn.functional.max_pool2d(pixels[:, None], 3, 1, padding=1)[:, 0]
    assert torch.equal(handwriting._largest_around(pixels), pooled)


def test_ink_keeps_its_place_on_average(training_data: TrainingData) -> None:
    images = training_data.train.images[:500].float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        moved = handwriting.deform(images)
    assert (moved.mean(dim=0) - images.mean(dim=0)).abs().mean() < 7
    assert 0.85 < (moved.sum() / images.sum()).item() < 1.15


def test_ink_is_centred_as_a_drawing_is(training_data: TrainingData) -> None:
    images = training_data.train.images[:500].float()
    aside = torch.nn.functional.pad(images, (4, -4, -3, 3))  # 4 pixels to the right, 3 up
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        moved = handwriting.deform(aside)
    ink = moved.sum(dim=(1, 2))
    for axis in (1, 2):
        place = moved.sum(dim=axis) @ torch.arange(28.0) / ink
        assert (place - 14).mean().abs() < 0.2  # as in MNIST itself
        assert (place - 14).std() < 1.5  # the random shift and bend that remain


def test_a_run_with_habits_non_digits_and_averaging_is_the_same_in_any_chunks(tiny_data: TrainingData) -> None:
    experiment = Experiment.from_dict(
        {
            "network": "deep_cnn",
            "hidden_sizes": "4-6",
            "augmentation": "handwriting",
            "non_digits": 0.1,
            "weight_averaging": 0.9,
            "schedule": "trapezoid",
            "train_size": 160,
            "epochs": 2,
            "dropout": 0.2,
        }
    )
    whole, _ = training.advance(training.start(experiment), 6, tiny_data)
    state = training.start(experiment)
    for steps in (1, 3, 2):
        state, _ = training.advance(checkpoints.state_from_bytes(checkpoints.state_to_bytes(state)), steps, tiny_data)
    assert state.status is whole.status is training.Status.FINISHED
    for name, value in whole.weights.items():
        assert torch.equal(value, state.weights[name])
        assert torch.equal(whole.averages[name], state.averages[name])
    assert not torch.equal(whole.averages["0.weight"], whole.weights["0.weight"])
