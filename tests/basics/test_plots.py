"""Plots: every finite point is drawn inside the frame, what is not a number is left out, words are escaped."""

import math
import re
from xml.etree import ElementTree

import pytest
import torch

from mnist_demo.basics.plots import HEIGHT, WIDTH, Axes, bounds, curves, histogram, landscape, ticks


def svg_of(html: str) -> ElementTree.Element:
    """The picture as a parser of XML reads it: what is not well formed fails here."""
    return ElementTree.fromstring(html[html.index("<svg") : html.rindex("</svg>") + 6])


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.0001, 0.0002), (-743_018, 0.1), (2, 40), (1e-9, 1e9)])
def test_ticks_are_a_few_round_numbers_inside_the_bounds(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 11
    assert all(low - 1e-9 * (high - low) <= tick <= high + 1e-9 * (high - low) for tick in found)
    spacing = found[1] - found[0]
    assert f"{spacing:.0e}"[0] in "125"


@pytest.mark.parametrize("values", [[], [math.nan], [3.0], [5.0, 5.0], [math.inf, 1.0, 2.0], [1e-300, 2e-300]])
def test_bounds_are_finite_and_apart(values: list[float]) -> None:
    low, high = bounds(values)
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low < high


def test_a_path_stays_in_the_picture_and_breaks_where_a_value_is_no_number() -> None:
    axes = Axes([0, 3], [0.0, 1.0])
    path = axes.path([0, 1, 2, 3], [0.0, 1.0, math.nan, 0.5])
    assert re.sub(r"[\d. -]+", "", path) == "MLM"
    numbers = [float(number) for number in re.findall(r"[\d.]+", path)]
    assert all(0 <= x <= WIDTH for x in numbers[::2])
    assert all(0 <= y <= HEIGHT for y in numbers[1::2])


def test_every_plot_is_well_formed_whatever_it_is_given() -> None:
    for picture in (
        curves({"<b>&": [1.0, math.inf, 3.0], "b": torch.tensor([2.0, math.nan])}, x="<x>", marks={"a&b": 1}),
        curves({}),
        histogram({"w<": torch.randn(100, generator=torch.Generator().manual_seed(0)), "v": torch.zeros(5)}, log=True),
        landscape(lambda x, y: x**2 + y**2, {"sgd": [(0.0, 1.0), (math.nan, 0.0), (9.0, 9.0)]}),
    ):
        assert svg_of(picture).get("role") == "img"
        assert "<b>" not in picture
