"""The figure for a slide: its size, its text, and runs that are not well-behaved."""

import io
import math
import threading

import numpy as np
import pytest
from PIL import Image

from mnist_demo.experiment.history import Metrics, best_index
from mnist_demo.export.figures import COLOURS, MAX_RUNS, Format, Shown, figure

CAPTION = "MNIST, 1,000 training images; adam, learning rate 0.001."


def history(points: int = 12, scale: float = 1.0) -> list[Metrics]:
    return [
        Metrics(
            step=16 * i,
            epoch=float(i),
            examples_seen=1000 * i,
            running_loss=math.nan,
            train_loss=scale * 2.3 * math.exp(-i / 3),
            train_accuracy=1 - 0.9 * math.exp(-i / 3),
            val_loss=scale * (2 * math.exp(-i / 3) + 0.3 + 0.02 * i),
            val_accuracy=0.86 - 0.76 * math.exp(-i / 3),
        )
        for i in range(points)
    ]


def shown(name: str = "A", label: str = "dropout 0", **options: float) -> Shown:
    points = history(**options)  # type: ignore[arg-type]
    return Shown(name, label, points, best_index(points))


def pixels(png: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def has_colour(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], colour: str) -> bool:
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((picture == wanted).all(axis=2).sum()) > 500


def test_the_png_is_a_slide_with_a_colour_for_each_run() -> None:
    picture = pixels(figure([shown(), shown("B", "dropout 0.5", scale=0.8)], CAPTION))
    assert picture.shape == (1080, 1920, 3)
    assert [has_colour(picture, colour) for colour in COLOURS] == [True, True, *[False] * (MAX_RUNS - 2)]


def test_the_svg_holds_names_settings_and_caption_as_text() -> None:
    name = "<b>&$x^2$"
    svg = figure([shown(name), shown("B", "dropout 0.5")], CAPTION, Format.SVG).decode()
    assert svg.startswith("<?xml")
    for text in ("&lt;b&gt;&amp;$x^2$: dropout 0", "B: dropout 0.5", CAPTION, "lowest validation loss", "Accuracy"):
        assert text in svg
    assert "<b>" not in svg


def test_a_run_that_explodes_leaves_the_calm_one_readable() -> None:
    calm = shown()
    wild = Shown("B", "learning rate 3", [*history(3), *history(3, scale=1e9)], best=0)
    broken = [*history(4), Metrics(64, 4, 4000, math.nan, math.nan, 0.1, math.inf, 0.1)]
    svg = figure([calm, wild, Shown("C", "", broken, None)], CAPTION, Format.SVG).decode()
    assert "1e9" not in svg
    assert "nan" not in svg.lower().replace("nance", "")


def test_short_empty_and_many_runs_draw() -> None:
    assert figure([Shown("A", "", [], None), shown("B", points=1)], "", Format.SVG)
    assert figure([shown(f"run {i} with a very long name " * 4) for i in range(MAX_RUNS)], CAPTION * 9, Format.SVG)
    for count in (0, MAX_RUNS + 1):
        with pytest.raises(ValueError, match="1 to 6 runs"):
            figure([shown()] * count, CAPTION)


def test_the_same_runs_give_the_same_bytes_in_any_thread() -> None:
    expected, found = figure([shown()], CAPTION, Format.SVG), []
    draw = [threading.Thread(target=lambda: found.append(figure([shown()], CAPTION, Format.SVG))) for _ in range(2)]
    for thread in draw:
        thread.start()
    for thread in draw:
        thread.join()
    assert found == [expected] * 2
