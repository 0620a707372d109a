"""Real pen strokes: the file, the writers kept apart, the ways of writing told apart, the pictures to train on."""

from pathlib import Path

import numpy as np
import pytest

from mnist_demo.errors import DataError
from mnist_demo.images import pens
from mnist_demo.images.penmanship import Hand
from mnist_demo.images.pens import Pens
from mnist_demo.images.strokes import Stroke

RING = np.stack([np.cos(np.linspace(0, 6.3, 40)), 1.5 * np.sin(np.linspace(0, 6.3, 40))], axis=1)
SPIRAL = RING * np.linspace(1, 0.05, 40)[:, None]


def line(*points: tuple[float, float]) -> Stroke:
    return np.array(points, float)


def test_a_file_keeps_every_digit(written: Pens, tmp_path: Path) -> None:
    pens.save(written, tmp_path / "pens.npz")
    again = pens.load(tmp_path / "pens.npz")

    def as_set(some: Pens) -> set[tuple[object, ...]]:
        return {
            (int(label), int(writer), int(donor), *(stroke.tobytes() for stroke in digit))
            for digit, label, writer, donor in zip(some.digits, some.labels, some.writers, some.donors, strict=True)
        }

    assert len(again) == len(written)
    assert as_set(again) == as_set(written)
    assert (np.diff(again.writers) != 0).mean() > 0.8  # mixed


def test_another_file_is_refused_in_a_sentence(written: Pens, tmp_path: Path) -> None:
    path = tmp_path / "pens.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="no file of pen strokes"):
        pens.load(path)
    np.savez(path, points=np.zeros((3, 2)))
    with pytest.raises(DataError, match="no file of pen strokes"):
        pens.load(path)
    pens.save(written, path)
    with np.load(path) as file:
        arrays = dict(file)
    for name, wrong in (
        ("points", arrays["points"][1:]),
        ("labels", arrays["labels"] + 9),
        ("writers", arrays["writers"][1:]),
        ("strokes", arrays["strokes"] * 0),
    ):
        np.savez(path, **{**arrays, name: wrong})  # type: ignore[arg-type]
        with pytest.raises(DataError, match="do not fit together"):
            pens.load(path)


def test_folds_keep_writers_apart_and_hold_everybody_out_once(written: Pens) -> None:
    held_out: list[int] = []
    for number in range(1, pens.FOLDS + 1):
        rest, apart = written.fold(number)
        assert not set(rest.writers) & set(apart.writers)
        assert len(rest) + len(apart) == len(written)
        held_out += sorted(set(apart.writers.tolist()))
    assert sorted(held_out) == list(range(20))


def test_a_slash_goes_through_a_0() -> None:
    assert pens.is_slashed([RING, line((-0.9, 1.2), (0.9, -1.2))])
    assert pens.is_slashed([RING, line((-1.4, 0.1), (1.5, 0))])
    assert not pens.is_slashed([RING])
    assert not pens.is_slashed([SPIRAL])
    assert not pens.is_slashed([RING, line((0.8, -1.5), (1.3, -1.8))])


def test_an_upstroke_climbs_before_the_stem_falls() -> None:
    assert pens.has_upstroke([line((-0.5, -0.4), (0, -1), (0, 1))])
    assert pens.has_upstroke([line((-0.9, 0.5), (0.1, -1), (0, 1)), line((-0.5, 1), (0.5, 1))])
    assert not pens.has_upstroke([line((0, -1), (0, 1))])
    assert not pens.has_upstroke([line((0, 1), (0.3, -1))])  # written from below
    assert not pens.has_upstroke([line((-0.2, 0.9), (0.3, -1), (-0.2, 1))])  # back along the stem


def test_conditions_that_choose_draw_only_what_they_choose(written: Pens) -> None:
    by_name = {condition.name: condition for condition in pens.PEN_CONDITIONS}
    hand = Hand(written)
    assert len(hand._choices(by_name["slashed 0"], 0)) == 20
    assert len(hand._choices(by_name["1 with upstroke"], 1)) == 20
    assert len(hand._choices(by_name["plain"], 1)) == 40
    assert {drawing.digit for drawing in hand.drawings(by_name["plain"], 6)} == {0, 1, 7}
    assert not list(Hand(written.those([0])).drawings(by_name["1 with upstroke"], 6))


def test_pictures_are_the_same_for_the_same_seed_and_never_twice_alike(written: Pens) -> None:
    some = written.those([0, 1, 2, 3])
    drawn, again, other = pens.pictures(some, 3, 5), pens.pictures(some, 3, 5), pens.pictures(some, 3, 6)
    assert drawn.labels.tolist() == [0, 0, 1, 1] * 3
    assert drawn.images.shape == (12, 28, 28)
    assert (drawn.images == again.images).all()
    assert (drawn.images != other.images).any()
    assert len({image.numpy().tobytes() for image in drawn.images}) == 12
    assert (drawn.images.flatten(1).amax(dim=1) > 200).all()
    third = pens.pictures(some.those([2]), 1, 5)
    assert (third.images[0] == drawn.images[2]).all()  # whatever else is drawn


def test_habits_are_told_by_the_same_rules_and_leave_other_digits_alone(
    written: Pens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pens, "HABIT_SHARE", 1)
    rng = np.random.default_rng(0)
    slashed = [pens.is_slashed(pens.with_habit(rng, written.written(0), 0)) for _ in range(50)]
    flagged = [pens.with_habit(rng, written.written(2), 1) for _ in range(50)]
    assert np.mean(slashed) > 0.9
    assert all(len(digit) in (2, 3) for digit in flagged)
    lengths = [np.hypot(*(digit[1][0] - digit[1][-1])) / np.ptp(digit[0][:, 1]) for digit in flagged]
    assert min(lengths) < 0.3
    assert max(lengths) > 0.8  # as long as the stem
    assert all(np.concatenate(digit).min() >= -1e-9 and np.concatenate(digit).max() <= 1 + 1e-9 for digit in flagged)
    assert pens.with_habit(rng, written.written(1), 0) is written.written(1)  # has its slash
    assert pens.with_habit(rng, written.written(0), 6) is written.written(0)
