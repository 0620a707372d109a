"""Ink is found on paper as it is photographed, scanned and shown on screens."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnist_demo.images import strokes
from mnist_demo.images.data import TrainingData
from mnist_demo.images.ink import crop
from mnist_demo.images.paper import find_ink
from mnist_demo.inference.recognize import recognize

Picture = NDArray[np.float64]  # (H, W, 3), 0 to 255
SIDE = 400
ACROSS, DOWN = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE))


def paper(digit: NDArray[np.uint8], side: int = 300, pen: tuple[int, int, int] = (50, 55, 90)) -> Picture:
    """A digit in blue-black ink on white paper of 400x400."""
    ink = np.zeros((SIDE, SIDE))
    corner = (SIDE - side) // 2
    ink[corner : corner + side, corner : corner + side] = np.asarray(Image.fromarray(digit).resize((side, side)))
    share = ink[..., None] / 255
    return np.array([225, 222, 214]) * (1 - share) + np.array(pen) * share


def on_desk(picture: Picture, margin: int = 90) -> Picture:
    grain = ndimage.gaussian_filter(
        np.random.default_rng(0).normal(0, 40, (SIDE + 2 * margin, SIDE + 2 * margin)), (1, 15)
    )
    desk = np.array([110, 80, 55]) + 10 * grain[..., None]
    desk[margin:-margin, margin:-margin] = picture
    return desk


def framed(picture: Picture, inset: int, width: int) -> Picture:
    outer, inner = slice(inset, SIDE - inset), slice(inset + width, SIDE - inset - width)
    result = picture.copy()
    result[outer, outer] = 20
    result[inner, inner] = picture[inner, inner]
    return result


def ruled(picture: Picture, colour: tuple[int, int, int], tilt: float = 0, is_grid: bool = False) -> Picture:
    is_line = (np.arange(SIDE)[:, None] + np.arange(SIDE) * tilt) % 45 < 2
    is_line = is_line | is_line.T if is_grid else is_line
    return np.where(is_line[..., None], np.minimum(picture, colour), picture)


def edged(picture: Picture) -> Picture:
    result = picture.copy()
    result[:7], result[:, -12:] = 0, 25
    return result


def finger(picture: Picture) -> Picture:
    return np.where((np.hypot(ACROSS + 1, DOWN - 0.9) < 0.28)[..., None], np.array([200, 150, 130]), picture)


def shadow(depth: float, softness: float) -> NDArray[np.float64]:
    return 1 - depth * ndimage.gaussian_filter((ACROSS + 0.4 * DOWN > 0.3).astype(float), softness)[..., None]


def noisy(picture: Picture) -> Picture:
    return picture + np.random.default_rng(1).normal(0, 9, picture.shape)


KINDS: dict[str, Callable[[NDArray[np.uint8]], Picture]] = {
    "plain": paper,
    "light on dark": lambda digit: paper(digit) * -1 + 255,
    "small, with a ballpoint, in falling light": lambda digit: (
        paper(digit, 110, (80, 85, 130)) * (1 - 0.3 * (ACROSS + DOWN + 2)[..., None] / 4)
    ),
    "darker corners": lambda digit: paper(digit) * (1 - 0.25 * (ACROSS**2 + DOWN**2))[..., None],
    "soft shadow": lambda digit: paper(digit) * shadow(0.35, 20),
    "sharp shadow": lambda digit: paper(digit) * shadow(0.3, 5),
    "noise": lambda digit: noisy(paper(digit)),
    "sheet on a desk": lambda digit: on_desk(paper(digit)),
    "desk along one side": lambda digit: on_desk(paper(digit))[90:-90, 90:-40],
    "frame on the edge": lambda digit: framed(paper(digit), 0, 5),
    "box": lambda digit: framed(paper(digit), 30, 4),
    "narrow box": lambda digit: framed(paper(digit, 180), 95, 2),
    "edges of a scan": lambda digit: edged(paper(digit)),
    "ruled paper": lambda digit: ruled(paper(digit), (150, 170, 220)),
    "ruled paper, tilted": lambda digit: ruled(paper(digit), (150, 170, 220), tilt=0.04),
    "black ruled paper": lambda digit: ruled(paper(digit, 220), (60, 60, 60)),
    "squared paper": lambda digit: ruled(paper(digit, 220), (170, 190, 220), is_grid=True),
    "a finger": lambda digit: finger(paper(digit)),
    "everything": lambda digit: noisy(
        on_desk(finger(ruled(paper(digit, 240), (160, 180, 220), 0.03)) * shadow(0.25, 25))
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_digit_is_read_on_paper_as_people_have_it(kind: str, training_data: TrainingData) -> None:
    val = training_data.val
    wrong = []
    for digit, label in zip(val.images[:12].numpy(), val.labels[:12].tolist(), strict=True):
        prediction = recognize(KINDS[kind](digit).clip(0, 255).astype(np.uint8))
        if prediction.refusal or prediction.digit != label:
            wrong.append((label, prediction.digit, prediction.confidence, prediction.refusal))
    assert len(wrong) <= 1, wrong
    assert not any(confidence > 0.9 and not refusal for _, _, confidence, refusal in wrong), wrong


def test_on_even_paper_ink_is_the_distance_from_its_colour_and_nothing_more(training_data: TrainingData) -> None:
    """But for what the soft edge of a stroke adds to the paper's colour beside it: at most 7 of 255, and more than 5 in
    two digits of these twenty only."""
    for digit in training_data.val.images[:20].numpy():
        for side in (28, 112, 280):
            ink = np.asarray(Image.fromarray(digit).resize((side, side)))
            for picture in (ink, 255 - ink):
                np.testing.assert_allclose(
                    find_ink(np.repeat(picture[..., None], 3, axis=2)).ink.astype(int), ink, atol=7
                )


def test_a_digit_that_fills_its_picture_is_all_ink(training_data: TrainingData) -> None:
    """Cut out at its ink, most of its border may be ink, and more of it than paper."""
    right = 0
    for digit, label in zip(training_data.val.images[:20].numpy(), training_data.val.labels[:20].tolist(), strict=True):
        cut = crop(np.asarray(Image.fromarray(digit).resize((224, 224))))
        picture = np.pad(255 - cut, ((0, 0), (max(0, 28 - cut.shape[1]),) * 2), constant_values=255)
        right += recognize(np.repeat(picture[..., None], 3, axis=2)).digit == label
    assert right >= 18


@pytest.mark.parametrize("side", [28, 120, 1024])
def test_blank_paper_has_no_ink_however_it_is_lit(side: int) -> None:
    across, down = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    for light in (np.ones((side, side)), 1 - 0.5 * across * down, 0.2 + 0.3 * down):
        for noise in (0, 4):
            picture = np.repeat((230 * light)[..., None], 3, axis=2)
            picture = picture + np.random.default_rng(0).normal(0, noise, picture.shape)
            found = find_ink(picture.clip(0, 255).astype(np.uint8))
            assert found.ink.max() <= 32


def test_what_was_left_out_is_told() -> None:
    one = strokes.draw([np.array([[200.0, 90], [195, 310]])], SIDE, 20)
    picture = np.repeat(255 - one[..., None], 3, axis=2).astype(float)

    def left_out(picture: Picture) -> str:
        return " ".join(find_ink(picture.astype(np.uint8)).left_out)

    assert left_out(picture) == ""
    assert "around" in left_out(framed(picture, 20, 4))
    assert "lines" in left_out(ruled(picture, (150, 170, 220)))
    transparent = np.zeros((SIDE + 60, SIDE + 60, 4))
    transparent[30:-30, 30:-30] = np.concatenate([picture, np.full((SIDE, SIDE, 1), 255)], axis=2)
    assert "transparent" in left_out(transparent)
    np.testing.assert_array_equal(find_ink(transparent.astype(np.uint8)).ink[30:-30, 30:-30], one)


@pytest.mark.parametrize("kind", ["noise", "checks", "salt", "one pixel", "gradient", "half"])
def test_any_picture_gives_ink_of_its_size_soon(kind: str) -> None:
    rng = np.random.default_rng(0)
    across, down = np.meshgrid(np.arange(1024), np.arange(1024))
    grey = {
        "noise": rng.integers(0, 256, (1024, 1024)),
        "checks": (across + down) % 2 * 255,
        "salt": (rng.random((1024, 1024)) < 0.2) * 255,
        "one pixel": (across + down == 5) * 255,
        "gradient": across // 4,
        "half": (across > 512) * 255,
    }[kind].astype(np.uint8)
    before = time.process_time()
    for picture in (grey, grey[:28], grey[:, :28]):
        assert find_ink(np.repeat(picture[..., None], 3, axis=2)).ink.shape == picture.shape
    assert time.process_time() - before < 4
