"""Pictures of no digit: drawn the same from the same seed, and never a letter that may be a digit."""

import numpy as np
import pytest
import torch

from mnist_demo.images import nondigits, strokes
from mnist_demo.images.data import TrainingData

FONTS = ("cmss10",)


def test_letters_that_look_like_digits_are_left_out() -> None:
    assert not set("OolIZzSsBgq") & set(nondigits.LETTERS)
    assert {"A", "M", "W", "k", "x"} <= set(nondigits.LETTERS)


@pytest.mark.parametrize("kind", ["letter", "scribble", "shape", "made-up letter"])
def test_drawings_fill_the_square_and_follow_the_seed(kind: str) -> None:
    def drawings(seed: int) -> list[list[strokes.Stroke]]:
        rng = np.random.default_rng(seed)
        draw = {
            "letter": lambda: nondigits.letter(rng, FONTS),
            "scribble": lambda: nondigits.scribble(rng),
            "shape": lambda: nondigits.shape(rng),
            "made-up letter": lambda: nondigits.made_up_letter(rng),
        }[kind]
        return [draw() for _ in range(20)]

    for drawing, again in zip(drawings(1), drawings(1), strict=True):
        low, high = strokes.box(drawing)
        assert low.min() >= -1e-9
        assert high.max() <= 1 + 1e-9
        assert (high - low).max() == pytest.approx(1)
        assert all(np.array_equal(a, b) for a, b in zip(drawing, again, strict=True))
    assert len({len(drawing[0]) for drawing in drawings(2)}) > 1


def test_a_glyph_is_a_skeleton_not_an_outline() -> None:
    (stem,) = nondigits.glyph_strokes("cmss10", "l")
    assert np.ptp(stem[:, 0]) < 0.1 * np.ptp(stem[:, 1])


def test_a_batch_of_non_digits(training_data: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nondigits, "training_drawing", lambda *_: torch.full((28, 28), 7, dtype=torch.uint8))
    images, labels = training_data.train.images[:128], training_data.train.labels[:128]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        batch = nondigits.training_batch(images, labels, 13, seed=0)
    assert batch.shape == (13, 28, 28)
    assert batch.dtype == torch.uint8
    assert (batch[:7] == 7).all()  # drawn
    turned = {tuple(image.flatten().tolist()) for image in batch[7:10]}
    originals = {tuple(image.rot90(k).flatten().tolist()) for image in images for k in (1, -1)}
    assert turned <= originals
    assert (batch[10:] > 0).flatten(1).sum(dim=1).min() > 40  # two digits each
    few = nondigits.training_batch(images[:2], torch.zeros(2, dtype=torch.int64), 13, seed=0)
    assert (few == 7).all()


def test_a_drawing_is_the_same_whenever_it_is_drawn() -> None:
    there = nondigits.training_drawing(1, 5)
    assert there.shape == (28, 28)
    assert there.dtype == torch.uint8
    assert (there > 0).sum() > 10
    nondigits.training_drawing.cache_clear()
    others = [nondigits.training_drawing(*which) for which in ((1, 4), (2, 5))]
    assert torch.equal(nondigits.training_drawing(1, 5), there)
    assert not any(torch.equal(other, there) for other in others)


def test_as_many_non_digits_as_a_knob_allows_are_still_of_every_kind(
    training_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nondigits, "training_drawing", lambda *_: torch.full((28, 28), 7, dtype=torch.uint8))
    images, labels = training_data.train.images[:64], training_data.train.labels[:64]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        batch = nondigits.training_batch(images, labels, 32, seed=0)
    assert (batch == 7).flatten(1).all(dim=1).sum() == 16


def test_two_digits_stand_side_by_side() -> None:
    left, right = torch.zeros(2, 28, 28, dtype=torch.uint8)
    left[4:24, 10:18] = 255
    both = nondigits._pairs(torch.stack([left, right]))[0]
    assert both[:, :14].sum() > 0
    assert both[:, 14:].sum() == 0
