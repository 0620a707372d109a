"""Batches: the same from any step on, drawn from the run's own generators and from no other."""

import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import Split, TrainingData
from mnist_demo.images.own_digits import OWN_SHARE
from mnist_demo.learning.batches import EXTRA_SHARE, Batch, Batches


def batches(experiment: Experiment, data: TrainingData) -> Batches:
    return Batches(experiment, data.train, 0, *rngs())


def rngs() -> tuple[torch.Generator, torch.Generator]:
    return torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)


def take(source: Batches, count: int) -> list[Batch]:
    return [source.next_batch() for _ in range(count)]


def same(a: Batch, b: Batch) -> bool:
    return torch.equal(a.images, b.images) and torch.equal(a.labels, b.labels)


@pytest.mark.parametrize("done", [1, 3, 4, 6])
@pytest.mark.parametrize("changes", [{}, {"augmentation": "shift"}, {"mistake": "no_shuffle", "label_noise": 0.5}])
def test_batches_begun_anew_in_the_middle_go_on_as_they_were(
    tiny: Experiment, tiny_data: TrainingData, changes: dict[str, object], done: int
) -> None:
    experiment = tiny.replace(**changes)
    whole = batches(experiment, tiny_data)
    take(whole, done)
    order_rng, noise_rng = torch.Generator(), torch.Generator()
    order_rng.set_state(whole.order_state)
    noise_rng.set_state(whole.noise_rng.get_state())
    later = Batches(experiment, tiny_data.train, done, order_rng, noise_rng)
    assert all(same(a, b) for a, b in zip(take(whole, 6), take(later, 6), strict=True))


def test_what_changes_images_draws_from_the_noise_alone(tiny: Experiment, tiny_data: TrainingData) -> None:
    plain, moved = (batches(tiny.replace(augmentation=how), tiny_data) for how in ("none", "affine"))
    before = torch.get_rng_state()
    first, second = take(plain, 5), take(moved, 5)
    assert torch.equal(torch.get_rng_state(), before)
    assert [batch.labels.tolist() for batch in first] == [batch.labels.tolist() for batch in second]
    assert not any(same(a, b) for a, b in zip(first, second, strict=True))
    assert torch.equal(plain.order_state, moved.order_state)
    assert not torch.equal(plain.noise_rng.get_state(), moved.noise_rng.get_state())


@pytest.mark.parametrize(("share", "sizes"), [(0.0, [32, 32, 32, 4]), (0.25, [40, 40, 40, 5])])
def test_non_digits_come_behind_the_digits(
    tiny: Experiment, tiny_data: TrainingData, share: float, sizes: list[int]
) -> None:
    found = take(batches(tiny.replace(non_digits=share), tiny_data), 4)
    assert [len(batch.images) for batch in found] == sizes
    assert [len(batch.labels) for batch in found] == [32, 32, 32, 4]


def test_extra_digits_come_between_the_digits_and_the_non_digits(tiny: Experiment, tiny_data: TrainingData) -> None:
    blank = Split(torch.zeros(5, 28, 28, dtype=torch.uint8), torch.full((5,), 7))
    plain, mixed = (
        Batches(tiny.replace(non_digits=0.25), tiny_data.train, 0, *rngs(), extra) for extra in (None, blank)
    )
    for without, batch in zip(take(plain, 4), take(mixed, 4), strict=True):
        size, added = len(without.labels), round(EXTRA_SHARE * len(without.labels))
        assert torch.equal(batch.images[:size], without.images[:size])  # the order is the same
        assert torch.equal(batch.labels[:size], without.labels)
        assert batch.labels[size:].tolist() == [7] * added
        assert (batch.images[size : size + added] == -1).all()  # blank
        assert len(batch.images) == size + added + round(0.25 * (size + added))


def test_own_digits_come_between_the_digits_and_the_non_digits(tiny: Experiment, tiny_data: TrainingData) -> None:
    fours = tiny_data.val.labels == 4
    own = Split(tiny_data.val.images[fours], tiny_data.val.labels[fours])
    experiment = tiny.replace(non_digits=0.1, label_noise=0.5)
    plain = Batches(experiment, tiny_data.train, 0, *rngs()).next_batch()
    batch = Batches(experiment, tiny_data.train, 0, *rngs(), own=own).next_batch()
    count = round(OWN_SHARE * 32)
    assert torch.equal(batch.labels[:32], plain.labels), (
        "the order of MNIST's images is the same, and so is their noise"
    )
    assert torch.equal(batch.images[:32], plain.images[:32])
    assert batch.labels[32:].tolist() == [4] * count
    assert len(batch.images) == 32 + count + round(0.1 * (32 + count))
