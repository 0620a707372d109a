"""The calibration diagram: what it draws for answers counted by hand, and the words beside it."""

import re

import numpy as np
import pytest

from mnist_demo.inference.evaluation import CalibrationBin, calibration_bins
from mnist_demo.ui.components.calibration import calibration_html, calibration_sentence

LIAR = [CalibrationBin(0.5, 0.6, 100, 0.55, 0.55), CalibrationBin(0.9, 1.0, 300, 0.95, 0.61)]


def test_each_bar_is_as_high_as_the_share_of_right_answers() -> None:
    html = calibration_html([CalibrationBin(0.3, 0.4, 3, 0.35, 1.0), *LIAR])  # three answers are no bar
    bars = re.findall(r'class="mnist-right-share" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', html)
    assert [float(height) for *_, height in bars] == [55, 61]
    bottoms = {float(y) + float(height) for _, y, _, height in bars}
    assert bottoms == {112}  # the frame's lower edge
    assert float(bars[1][0]) - float(bars[0][0]) == pytest.approx(40)
    assert "90% to 100% sure: 61% of 300 right" in html


@pytest.mark.parametrize(
    ("accuracy", "words"), [(0.95, "about as sure as it is right"), (0.6, "too sure of itself"), (0.99, "too modest")]
)
def test_the_sentence_judges(accuracy: float, words: str) -> None:
    sentence = calibration_sentence([CalibrationBin(0.9, 1.0, 1_000, 0.95, accuracy)])
    assert sentence == (
        f"Of 1,000 answers: on average 95.0% sure and {accuracy:.1%} right, {words}. "
        f"Calibration error {abs(0.95 - accuracy):.1%}."
    )


def test_a_gap_that_may_be_chance_is_no_verdict() -> None:
    few, many = (calibration_sentence([CalibrationBin(0.5, 0.6, answers, 0.55, 0.5)]) for answers in (100, 2_000))
    assert "about as sure as it is right" in few
    assert "too sure of itself" in many


def test_the_sentence_of_several_bins_weighs_them_by_their_answers() -> None:
    assert "Of 400 answers: on average 85.0% sure and 59.5% right, too sure" in calibration_sentence(LIAR)
    assert "Of the 300 with 90% confidence or more, 61.0% are right" in calibration_sentence(LIAR)


def test_a_handful_of_surest_answers_is_joined_with_the_next() -> None:
    sentence = calibration_sentence(
        [LIAR[0], CalibrationBin(0.8, 0.9, 99, 0.85, 0.7), CalibrationBin(0.9, 1, 1, 0.95, 0)]
    )
    assert "Of the 100 with 80% confidence or more, 69.3% are right" in sentence


def test_without_an_answer_there_is_nothing_to_draw() -> None:
    assert calibration_html(calibration_bins(np.array([]), np.array([], bool), 10)) == ""
