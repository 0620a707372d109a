"""The steps from a drawing to the network's image: each named, shown, and able to be left out."""

import numpy as np
import pytest
from PIL import Image

from mnist_demo.images import ink, sketch, strokes
from mnist_demo.images.data import TrainingData
from mnist_demo.images.ink import Ink
from mnist_demo.images.penmanship import CONDITIONS, Hand, Traced
from mnist_demo.images.sketch import Preprocessing, preprocess
from mnist_demo.inference.recognize import recognize


def seven(brush: float = 8, scale: float = 1, place: float = 60) -> Ink:
    points = np.array([[0.0, 0], [90, 0], [40, 140]]) * scale + place
    return strokes.draw([points], 280, brush).copy()


def centre_of(image: Ink) -> tuple[float, float]:
    rows, columns = np.nonzero(image > 60)
    return float(rows.mean()), float(columns.mean())


def test_the_stages_are_shown_in_order_each_by_its_name() -> None:
    drawn = seven()
    drawn[10:14, 250:254] = 255
    names = [stage.name for stage in preprocess(drawn)]
    assert names == [
        "as drawn",
        Preprocessing.SPECKS,
        Preprocessing.CROP,
        Preprocessing.WIDTH,
        Preprocessing.FIT,
        Preprocessing.CENTRE,
    ]
    assert Preprocessing.SPECKS not in [stage.name for stage in preprocess(seven())]


@pytest.mark.parametrize("step", Preprocessing)
def test_a_step_left_out_makes_no_stage_and_the_image_is_still_28(step: Preprocessing) -> None:
    drawn = seven()
    drawn[10:14, 250:254] = 255
    stages = preprocess(drawn, {step})
    assert step not in [stage.name for stage in stages]
    assert stages[-1].image.shape == (28, 28)
    assert stages[-1].image.dtype == np.uint8
    assert not np.array_equal(stages[-1].image, preprocess(drawn)[-1].image)


def test_with_all_steps_left_out_the_digit_stays_where_and_as_large_as_it_was() -> None:
    corner = preprocess(seven(scale=0.5, place=20), frozenset(Preprocessing))[-1].image
    row, column = centre_of(corner)
    drawn_row, drawn_column = centre_of(seven(scale=0.5, place=20))
    assert row == pytest.approx(drawn_row / 10 - 0.5, abs=0.7)
    assert column == pytest.approx(drawn_column / 10 - 0.5, abs=0.7)
    assert max(ink.crop(corner).shape) < 10
    centred = preprocess(seven(scale=0.5, place=20))[-1].image
    assert centre_of(centred) == pytest.approx((13.5, 13.5), abs=1.6)


@pytest.mark.parametrize("brush", [4, 8, 40])
def test_thin_and_thick_pens_come_to_look_alike(brush: int) -> None:
    evened = preprocess(seven(brush))[-1].image
    usual = preprocess(seven(20))[-1].image

    def difference(image: Ink) -> float:
        return float(np.abs(image.astype(float) - usual).mean())

    assert difference(evened) < difference(preprocess(seven(brush), {Preprocessing.WIDTH})[-1].image)
    width = ink.stroke_width(ink.shrink(evened, 4)) / 4
    assert sketch.USUAL_WIDTH[0] - 0.6 < width < sketch.USUAL_WIDTH[1] + 0.6


@pytest.mark.parametrize("pen", [0.5, 0.8, 1.2, 1.6])
@pytest.mark.parametrize("side", [20, 28, 40])
def test_a_pen_thinner_than_a_pixel_keeps_all_its_strokes(side: int, pen: float) -> None:
    """Grey all through, the bar of a seven was below the threshold: what was left is a 1."""
    large = strokes.draw([np.array([[0.3, 0.25], [0.7, 0.25], [0.45, 0.8]]) * 560], 560, pen * 560 / side)
    small = np.asarray(Image.fromarray(large).resize((side, side), Image.Resampling.BOX))
    seen = preprocess(np.pad(small, 4))[-1].image
    assert (seen[:10].max(axis=0) > 60).sum() >= 12  # columns: the whole bar
    assert recognize(np.pad(small, 4)).digit == 7


def test_strokes_with_a_dark_middle_stay_as_they_were(training_data: TrainingData) -> None:
    for condition in CONDITIONS[:6]:
        for drawing in Hand(Traced(training_data.val.first(50))).drawings(condition, 5):
            box = ink.crop(drawing.ink)
            small = ink.shrink(box, ink.WORKING_SIDE / max(box.shape))
            assert ink.with_dark_middle(small) is small


def test_mnists_own_widths_are_left_alone(training_data: TrainingData) -> None:
    changed = 0
    for image in training_data.val.images[:100].numpy():
        with_step, without = (preprocess(image, skip)[-1].image for skip in (frozenset(), {Preprocessing.WIDTH}))
        changed += not np.array_equal(with_step, without)
    assert changed < 30  # a quarter of its pens are thinner or thicker than usual


def test_faint_pencil_and_pale_colours_are_ink() -> None:
    drawn = seven()
    full = preprocess(drawn)[-1].image.astype(float)
    faint = preprocess((drawn * 0.3).astype(np.uint8))[-1].image
    assert np.abs(full - faint).mean() < 4
    paper = np.full((280, 280, 3), 255, np.uint8)
    paper[drawn > 127] = (255, 255, 0)  # yellow on white: almost no difference in brightness
    yellow = preprocess(sketch.extract_ink(paper))[-1].image
    assert np.abs(full - yellow).mean() < 4


@pytest.mark.parametrize("how", ["dark on light", "light on dark", "on transparent", "white on transparent"])
def test_polarity_and_transparency(how: str) -> None:
    drawn = seven(14)
    share = drawn[..., None] / 255
    colours = {"dark on light": (255, 0), "light on dark": (30, 250)}
    if how in colours:
        paper, pen = colours[how]
        canvas = np.repeat((paper + (pen - paper) * share).round().astype(np.uint8), 3, axis=2)
    else:
        pen = 255 if how.startswith("white") else 0
        canvas = np.concatenate([np.full((280, 280, 3), pen, np.uint8), drawn[..., None]], axis=2)
    image = preprocess(sketch.extract_ink(canvas))[-1].image.astype(float)
    assert np.abs(image - preprocess(drawn)[-1].image).mean() < 4


def test_an_opaque_picture_with_one_transparent_corner_is_a_picture() -> None:
    canvas = np.full((280, 280, 4), 255, np.uint8)
    canvas[seven(14) > 127, :3] = 0
    whole = preprocess(sketch.extract_ink(canvas))[-1].image
    canvas[:5, :5, 3] = 0
    np.testing.assert_array_equal(preprocess(sketch.extract_ink(canvas))[-1].image, whole)
