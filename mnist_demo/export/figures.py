"""The curves of a few runs as a picture for a slide: loss beside accuracy, PNG or SVG.

Draws plain numbers with matplotlib's objects, without pyplot and its windows. matplotlib's settings belong to the
whole process, so only one figure is drawn at a time. Does not know files or pages.
"""

import io
import textwrap
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from mnist_demo.experiment.history import History, Metrics

# Okabe and Ito, "Color universal design" (2008), its yellow darkened to be read on white; A and B as on the page.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b0578d", "#8a6d00", "#5b4fa8")
MAX_RUNS = len(COLOURS)
SIZE_INCHES, DOTS_PER_INCH = (16, 9), 120  # a 16:9 slide; 1920 x 1080 pixels
CAPTION_WIDTH = 132  # characters
LEGEND_WIDTHS = {1: 88, 2: 42, 3: 26}  # columns -> characters of each
CALM_FACTOR = 2  # one exploding run must not flatten the others
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same picture everywhere
    "font.size": 20,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "text.parse_math": False,  # visitors choose the names; "$" is a plain dollar sign
    "svg.hashsalt": "mnist-lab",
    "svg.fonttype": "none",
}
_ONE_AT_A_TIME = threading.Lock()


class Format(StrEnum):
    PNG = "png"
    SVG = "svg"


@dataclass(frozen=True)
class Shown:
    """One run as the figure shows it; `label` tells it from the others, `best` is an index of the history."""

    name: str
    label: str
    history: History
    best: int | None


def figure(runs: Sequence[Shown], caption: str, form: Format = Format.PNG) -> bytes:
    """Loss and accuracy of one to six runs, by epoch: validation solid, training (dropout off) dashed.

    A ring marks the lowest validation loss. `caption` says which settings the runs share. The same runs
    give the same bytes. Raises ValueError for none or more than six runs.
    """
    if not 1 <= len(runs) <= MAX_RUNS:
        raise ValueError(f"a figure shows 1 to {MAX_RUNS} runs, not {len(runs)}")
    with _ONE_AT_A_TIME, mpl.rc_context(STYLE):
        drawing = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH)
        FigureCanvasAgg(drawing)
        loss, accuracy = drawing.subplots(1, 2)
        drawing.subplots_adjust(left=0.07, right=0.985, top=0.775, bottom=0.215, wspace=0.2)
        _draw(loss, runs, lambda point: point.train_loss, lambda point: point.val_loss)
        _draw(accuracy, runs, lambda point: point.train_accuracy, lambda point: point.val_accuracy)
        loss.set_title("Loss", loc="left", fontweight="bold", pad=14)
        accuracy.set_title("Accuracy", loc="left", fontweight="bold", pad=14)
        loss.set_ylim(*_loss_range(runs))
        accuracy.set_ylim(top=min(1.005, accuracy.get_ylim()[1]))
        accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        _add_legend(drawing, runs)
        lines = textwrap.wrap(caption, CAPTION_WIDTH)[:3]
        drawing.text(0.012, 0.018, "\n".join(lines), fontsize=16, color="#444444", va="bottom")
        buffer = io.BytesIO()
        metadata = {"Date": None} if form is Format.SVG else {"Software": None}
        drawing.savefig(buffer, format=form.value, facecolor="white", metadata=metadata)
        return buffer.getvalue()


def _draw(
    axes: Axes, runs: Sequence[Shown], train: Callable[[Metrics], float], val: Callable[[Metrics], float]
) -> None:
    for colour, run in zip(COLOURS, runs, strict=False):
        epochs = [point.epoch for point in run.history]
        axes.plot(epochs, _drawable(map(val, run.history)), color=colour, linewidth=3)
        axes.plot(epochs, _drawable(map(train, run.history)), color=colour, linewidth=2, linestyle=(0, (4, 2.5)))
        if run.best is not None:
            best = run.history[run.best]
            axes.plot(
                best.epoch, val(best), "o", markersize=12, color=colour, markerfacecolor="white", markeredgewidth=3
            )
    axes.set_xlabel("epoch")
    axes.set_xlim(left=0)


def _drawable(values: "map[float]") -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    numbers = np.fromiter(values, np.float64)
    numbers[~np.isfinite(numbers)] = np.nan  # a gap in the line
    return numbers


def _loss_range(runs: Sequence[Shown]) -> tuple[float, float]:
    """A range for the losses after the start, at most twice what the calmest run needs."""
    tops, bottoms = [], []
    for run in runs:
        values = np.array([loss for point in run.history for loss in (point.train_loss, point.val_loss)])
        values = values[np.isfinite(values)]
        if len(values):
            settled = values[len(values) // 7 :]
            tops.append(float(np.quantile(settled, 0.97)))
            bottoms.append(float(np.quantile(settled, 0.03)))
    if not tops:
        return 0.0, 1.0
    top = min(max(tops), max(CALM_FACTOR * min(tops), 2.6))
    bottom = max(min([0.0, *bottoms]), min(CALM_FACTOR * max(bottoms), -2.6))
    return 1.08 * bottom, max(1.08 * top, 1.08 * bottom + 0.1)


def _add_legend(drawing: Figure, runs: Sequence[Shown]) -> None:
    handles = [Line2D([], [], color=colour, linewidth=5) for colour, _ in zip(COLOURS, runs, strict=False)]
    columns = min(len(runs), 3)
    texts = [_shorten(f"{run.name}: {run.label}" if run.label else run.name, LEGEND_WIDTHS[columns]) for run in runs]
    kinds = [
        Line2D([], [], color="#555555", linewidth=3),
        Line2D([], [], color="#555555", linewidth=2, linestyle=(0, (4, 2.5))),
        Line2D([], [], color="#555555", linestyle="", marker="o", markersize=11, markerfacecolor="white", mew=2.5),
    ]
    of_runs = drawing.legend(
        handles, texts, loc="upper left", bbox_to_anchor=(0.005, 0.995), ncols=columns, frameon=False
    )
    of_runs.set_in_layout(False)
    drawing.legend(
        kinds,
        ["validation", "training, dropout off", "lowest validation loss"],
        loc="upper left",
        bbox_to_anchor=(0.005, 0.9),
        ncols=3,
        frameon=False,
        fontsize=17,
        labelcolor="#444444",
    )


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
