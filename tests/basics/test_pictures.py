"""Pictures and plots: readable by others, safe in a page, and calm about NaN and infinity."""

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_demo.basics import pictures, plots

ODD = torch.tensor([[1.0, -2.0, float("nan")], [float("inf"), -float("inf"), 0.0]])


def test_a_png_reads_back_as_it_was() -> None:
    grey = torch.arange(35, dtype=torch.uint8).view(5, 7)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(pictures.png(grey)))), grey.numpy())
    colour = torch.randint(0, 256, (4, 6, 4), dtype=torch.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(pictures.png(colour)))), colour.numpy())


def test_small_tensors_carry_their_numbers_and_large_ones_become_images() -> None:
    grid = pictures.tensor_grid(torch.tensor([[1, -2], [30, 4]]))
    assert re.findall(r">(-?\d+)</td>", grid) == ["1", "-2", "30", "4"]
    assert "213,94,0" in grid.split("<td")[2]  # vermillion for the negative one
    assert "<img" in pictures.tensor_grid(torch.randn(40, 40))


@pytest.mark.parametrize("thing", [ODD, ODD[0], torch.tensor(3.0), torch.empty(0), torch.zeros(2, 2, 2, 2), None, 3])
def test_anything_can_be_shown(thing: object) -> None:
    assert pictures.block("caption", thing).startswith('<div class="mnist-show">')


def test_text_is_escaped_everywhere() -> None:
    evil = "<img src=x onerror=alert(1)>"
    drawn = [
        pictures.block(evil),
        pictures.block(evil, torch.ones(2)),
        pictures.table([[evil]], [evil]),
        pictures.bars({evil: 1.0}),
        pictures.pictures(torch.zeros(1, 2, 2), [evil]),
        plots.curves({evil: [1, 2]}, x=evil, y=evil, marks={evil: 1}),
        plots.histogram({evil: torch.ones(3)}, x=evil),
    ]
    for html in drawn:
        assert "<img src=x" not in html
        assert "&lt;img src=x" in html


@pytest.mark.parametrize(
    "values", [[1.0, 2.0], [3.0], [float("nan")], [float("inf"), 1.0], [0.0, 0.0], [1e30, -1e30], []]
)
def test_curves_are_well_formed_for_any_values(values: list[float]) -> None:
    html = plots.curves({"a": values, "b": values}, marks={"m": 0.0}, points=([0.0, 1.0], [1.0, float("nan")]))
    ElementTree.fromstring(html[: html.index("</svg>") + 6])
    assert "nan" not in html.replace("role", "")


def test_a_line_is_broken_where_a_value_is_not_finite() -> None:
    axes = plots.Axes([0, 3], [0, 1])
    assert axes.path([0, 1, 2, 3], [0, float("nan"), 1, 1]).count("M") == 2


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 40, [0, 10, 20, 30, 40]), (-1, 1, [-1, -0.5, 0, 0.5, 1])],
)
def test_ticks_are_round_numbers(low: float, high: float, wanted: list[float]) -> None:
    assert plots.ticks(low, high) == pytest.approx(wanted)


def test_histogram_counts_everything_once() -> None:
    axes_top = plots.histogram({"x": torch.tensor([0.0] * 7 + [1.0] * 3)}, bins=2)
    assert "histogram of x" in axes_top
    svg = ElementTree.fromstring(axes_top[: axes_top.index("</svg>") + 6])
    assert any(text.text == "6" for text in svg.iter("text"))  # the axis reaches up to 7
