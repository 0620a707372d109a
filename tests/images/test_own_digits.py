"""The file of own digits: what is read, what identifies it, and the sentence for everything else."""

import json
import re
from typing import Any

import numpy as np
import pytest
import torch

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images import sketch
from mnist_demo.images.data import TrainingData
from mnist_demo.images.own_digits import (
    MAX_CHARACTERS,
    MAX_DIGITS,
    NOT_OURS,
    OwnDigits,
    drawn_again,
    from_bytes,
    own_digits,
    read_file,
    read_set,
    sample,
    slanted,
    with_own,
)
from mnist_demo.images.pens import Pens
from mnist_demo.images.pictures import read_picture
from tests.images.own_hand import drawings_of, file_of, png

Drawings = list[tuple[int, bytes]]


@pytest.fixture(scope="module")
def drawings(written: Pens) -> Drawings:
    return drawings_of(written, 10)


def test_each_drawing_is_what_the_canvas_would_give_a_network(drawings: Drawings) -> None:
    own = read_file(file_of(drawings))
    assert len(own) == 10
    assert own.split.images.dtype == torch.uint8
    assert sorted(own.split.labels.tolist()) == own.split.labels.tolist() == sorted(label for label, _ in drawings)
    found = {image.numpy().tobytes() for image in own.split.images}
    for _, ink in drawings:
        assert sketch.preprocess(read_picture(ink)[..., 0])[-1].image.tobytes() in found


def test_the_content_identifies_a_set_and_its_order_does_not(drawings: Drawings) -> None:
    own = read_file(file_of(drawings))
    assert re.fullmatch(r"[0-9a-f]{16}", own.digest)
    assert read_file(file_of(drawings[::-1])).digest == own.digest
    assert own_digits(own.split.images, own.split.labels).digest == own.digest
    relabelled = [(9, drawings[0][1]), *drawings[1:]]
    others = [drawings[1:], [*drawings, drawings[0]], relabelled]
    assert len({own.digest, *(read_file(file_of(other)).digest for other in others)}) == 4


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "7", '"x"', "{}", '{"digits": []}', "[" * 100_000])
def test_another_file_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidDrawing) as refusal:
        read_file(text)
    assert str(refusal.value) == NOT_OURS


def test_a_file_is_bounded(drawings: Drawings) -> None:
    with pytest.raises(InvalidDrawing, match=f"{MAX_CHARACTERS:,} is the most"):
        read_file(" " * (MAX_CHARACTERS + 1))
    for some in ([], [drawings[0]] * (MAX_DIGITS + 1)):
        with pytest.raises(InvalidDrawing, match=f"{len(some)} digits; it must have 1 to {MAX_DIGITS}"):
            read_file(file_of(some))


@pytest.mark.parametrize("label", [10, -1, True, 7.0, "7", None, [7], 10**30])
def test_a_label_is_a_digit(drawings: Drawings, label: Any) -> None:
    with pytest.raises(InvalidDrawing, match=r"Drawing 2 of the set has the label .*; a label is a digit from 0 to 9"):
        read_file(file_of([drawings[0], (label, drawings[1][1])]))


def test_ink_is_a_small_png(drawings: Drawings) -> None:
    whole = drawings[0][1]
    large = png(np.zeros((281, 281), np.uint8))
    for bad in (b"", b"GIF89a", whole[:200], large, whole[8:]):
        with pytest.raises(InvalidDrawing, match=r"Drawing 1 of the set is not a PNG|damaged or cut off"):
            read_file(file_of([(7, bad)]))
    value = json.loads(file_of(drawings))
    for ink in (None, 7, "?", "é", "A" * 200_000, ["A"]):
        with pytest.raises(InvalidDrawing, match="Drawing 1 of the set is not a PNG"):
            read_set({**value, "digits": [{"label": 7, "ink": ink}]})
    for drawing in (None, 7, [], {}, {"label": 7}, {**value["digits"][0], "name": "me"}):
        with pytest.raises(InvalidDrawing, match="Drawing 1 of the set is not a label and its ink"):
            read_set({**value, "digits": [drawing]})


def test_a_blank_drawing_is_refused(drawings: Drawings) -> None:
    with pytest.raises(InvalidDrawing, match="Drawing 2 of the set is blank"):
        read_file(file_of([drawings[0], (7, png(np.zeros((280, 280), np.uint8)))]))


@pytest.fixture(scope="module")
def own(training_data: TrainingData) -> OwnDigits:
    some = training_data.val.first(30)
    return own_digits(some.images, some.labels)


def images_of(own: OwnDigits | None) -> list[bytes]:
    return [image.numpy().tobytes() for image in own.split.images] if own else []


def test_a_set_is_divided_in_one_way_and_every_drawing_is_in_one_part(own: OwnDigits) -> None:
    learned, tested = own.parted()
    assert tested
    assert sorted(images_of(learned) + images_of(tested)) == sorted(images_of(own))
    for digit in range(10):
        counts = [int((part.split.labels == digit).sum()) for part in (learned, tested)]
        assert counts[0] - counts[1] in (0, 1)
    mixed = own.those(list(range(29, -1, -1)))
    assert [part.digest for part in mixed.parted() if part] == [learned.digest, tested.digest]
    assert own.new_to(learned)
    assert images_of(own.new_to(learned)) == images_of(tested)
    assert learned.new_to(own) is None
    assert own.those([0]).parted()[1] is None


def test_a_set_crosses_processes_as_bytes(own: OwnDigits, tiny_data: TrainingData) -> None:
    there = from_bytes(own.to_bytes())
    assert there.digest == own.digest
    assert torch.equal(there.split.labels, own.split.labels)
    data = with_own(tiny_data, own.to_bytes())
    assert data.own_digest == own.digest
    assert data.own
    assert torch.equal(data.own.images, own.split.images)
    assert data.train is tiny_data.train


def test_a_drawing_is_never_drawn_twice_alike(own: OwnDigits) -> None:
    one = own.those([3]).split
    images, labels = drawn_again(one, 100, torch.Generator().manual_seed(0))
    assert len(images) == len(labels) == 20
    assert set(labels.tolist()) == {int(one.labels[0])}
    assert len({image.numpy().tobytes() for image in images}) == 20
    again, _ = drawn_again(one, 100, torch.Generator().manual_seed(0))
    assert torch.equal(images, again)


def test_the_sample_hand_writes_each_digit_three_times_and_slants_to_the_right(training_data: TrainingData) -> None:
    hand = sample(training_data.train.images, training_data.train.labels)
    assert hand.split.labels.bincount().tolist() == [3] * 10
    upright = torch.zeros(1, 28, 28, dtype=torch.uint8)
    upright[0, 4:24, 13:15] = 255
    bar = slanted(upright)[0].float()
    middles = (bar * torch.arange(28)).sum(dim=1) / bar.sum(dim=1).clamp(min=1)
    assert middles[5] - middles[22] == pytest.approx(0.7 * 17, abs=0.2)
    assert (hand.split.images.flatten(1).float().std(dim=0) > 0).sum() > 400, "thirty different drawings"
