"""The splits, and what happens to a pixel on its way to the network."""

import hashlib
from pathlib import Path

import pytest
import torch
from torchvision import datasets, transforms

from mnist_demo.experiment.choices import Augmentation, Normalize
from mnist_demo.images import data
from mnist_demo.images.data import TrainingData, augment, noisy_labels, normalize


def test_torchvision_reads_it_with_the_line_of_the_notes(mnist_root: Path) -> None:
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    mnist = datasets.MNIST(str(mnist_root), train=True, download=False, transform=transform)
    image, label = mnist[0]
    assert len(mnist) == 60_000
    assert label == 5
    torch.testing.assert_close(normalize(mnist.data[:1])[0], image)


# --- splits ------------------------------------------------------------------------------------


def test_the_split_is_55_000_and_5_000_and_disjoint(training_data: TrainingData, mnist_root: Path) -> None:
    mnist = datasets.MNIST(str(mnist_root), train=True, download=False)
    train, val = training_data.train, training_data.val
    assert (len(train), len(val)) == (55_000, 5_000)
    assert train.images.dtype == torch.uint8
    assert train.images.shape == (55_000, 28, 28)
    assert train.labels.dtype == torch.int64
    originals = sorted(image.tobytes() for image in mnist.data.numpy())
    assert sorted(image.tobytes() for part in (train, val) for image in part.images.numpy()) == originals
    assert torch.bincount(val.labels, minlength=10).min() > 400


def test_the_split_is_the_same_for_ever(training_data: TrainingData) -> None:
    digest = hashlib.sha256(training_data.val.images.numpy().tobytes() + training_data.val.labels.numpy().tobytes())
    assert digest.hexdigest() == "a39db31f74ee0e037d120968ae8618d8507ab47bf73cad9b7f61f188f943ac4b"


def test_the_validation_images_alone_are_the_same(training_data: TrainingData, mnist_root: Path) -> None:
    alone = data.load_validation_data(mnist_root)
    assert torch.equal(alone.images, training_data.val.images)
    assert torch.equal(alone.labels, training_data.val.labels)
    assert alone.labels.dtype == training_data.val.labels.dtype


def test_splitting_does_not_touch_the_global_generator(mnist_root: Path) -> None:
    before = torch.get_rng_state()
    data.load_training_data.__wrapped__(mnist_root)
    assert torch.equal(torch.get_rng_state(), before)


def test_first_shares_memory(tiny_data: TrainingData) -> None:
    first = tiny_data.train.first(10)
    assert len(first) == 10
    assert first.images.data_ptr() == tiny_data.train.images.data_ptr()


# --- pixels ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "lowest", "middle", "highest"),
    [
        (Normalize.SYMMETRIC, -1.0, 2 * 51 / 255 - 1, 1.0),
        (Normalize.UNIT, 0.0, 51 / 255, 1.0),
        (Normalize.RAW, 0, 51, 255),
    ],
)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float64])
@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 1, 28, 28)])
def test_normalize(
    scale: Normalize, lowest: float, middle: float, highest: float, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    images = torch.zeros(shape, dtype=dtype)
    images[1], images[2] = 51, 255
    before = images.clone()
    pixels = normalize(images, scale)
    assert pixels.dtype == torch.float32
    assert pixels.shape == (3, 1, 28, 28)
    for image, value in zip(pixels, (lowest, middle, highest), strict=True):
        torch.testing.assert_close(image, torch.full((1, 28, 28), float(value)))
    assert torch.equal(images, before)


@pytest.mark.parametrize("how", list(Augmentation))
def test_augment_moves_images_and_leaves_its_argument_alone(how: Augmentation, tiny_data: TrainingData) -> None:
    images = tiny_data.train.images
    before = images.clone()
    torch.manual_seed(1)
    moved = augment(images, how)
    assert torch.equal(images, before)
    assert moved.dtype == torch.uint8
    assert moved.shape == images.shape
    changed = (moved != images).flatten(1).any(dim=1).float().mean().item()
    assert changed == 0 if how is Augmentation.NONE else changed > 0.9
    ink = moved.float().sum() / images.float().sum()
    assert 0.9 < ink < 1.1
    torch.manual_seed(1)
    assert torch.equal(augment(images, how), moved)
    if how is not Augmentation.NONE:
        assert not torch.equal(augment(images, how), moved)


def test_shift_is_by_whole_pixels_up_to_two_each_way_and_new_room_is_paper() -> None:
    images = torch.zeros(2_000, 28, 28, dtype=torch.uint8)
    images[:, 14, 14] = 200
    images[:, 0, 0] = 100  # may leave the image, must not come in again on the other side
    moved = augment(images, Augmentation.SHIFT)
    assert moved[:, 5:24, 5:24].flatten(1).sum(1).eq(200).all()
    offsets = {tuple(place[1:].tolist()) for place in (moved == 200).nonzero()}
    assert offsets == {(row, column) for row in range(12, 17) for column in range(12, 17)}
    assert moved[:, 3:12].sum() == 0
    assert moved[:, 17:].sum() == 0


def test_affine_is_small_and_unbiased() -> None:
    images = torch.zeros(4_000, 28, 28, dtype=torch.uint8)
    images[:, 13:15, 13:15] = 255
    moved = augment(images, Augmentation.AFFINE).double()
    places = torch.arange(28, dtype=torch.float64)
    mass = moved.sum((1, 2))
    rows, columns = (moved.sum(2) * places).sum(1) / mass, (moved.sum(1) * places).sum(1) / mass
    for place in (rows, columns):
        assert (place - 13.5).abs().max() < 2.2  # 1.5 pixels, scaled by up to 12% and sheared
        assert place.mean().item() == pytest.approx(13.5, abs=0.1)
        assert place.std() > 0.5


# --- labels ------------------------------------------------------------------------------------


def test_noisy_labels_are_nested_in_share_and_size(training_data: TrainingData) -> None:
    labels = training_data.train.labels
    before = labels.clone()
    assert torch.equal(noisy_labels(labels, 0.0, seed=3), labels)
    wrong = {share: noisy_labels(labels, share, seed=3) for share in (0.1, 0.3, 1.0)}
    for fewer, more in ((0.1, 0.3), (0.3, 1.0)):
        is_replaced = wrong[fewer] != labels
        assert torch.equal(wrong[fewer][is_replaced], wrong[more][is_replaced])
    assert torch.equal(noisy_labels(labels[:500], 0.3, seed=3), wrong[0.3][:500])
    assert not torch.equal(noisy_labels(labels, 0.3, seed=4), wrong[0.3])
    for share, noisy in wrong.items():
        assert (noisy != labels).float().mean().item() == pytest.approx(0.9 * share, abs=0.01)
        assert noisy.dtype == torch.int64
    assert torch.bincount(wrong[1.0], minlength=10).float().div(55_000).sub(0.1).abs().max() < 0.01
    assert torch.equal(labels, before)
