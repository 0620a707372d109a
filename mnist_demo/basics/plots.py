"""Plots as inline SVG drawn by hand: curves, histograms, paths over a landscape. Standard library and torch only.

An SVG takes a millisecond where matplotlib takes a hundred, follows dark mode through `currentColor`, and the notebook
carries this file's source. The module knows numbers and pixels, not what they mean.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

import torch
from torch import Tensor

from mnist_demo.basics.pictures import Picture, image_tag, png

WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 36
COLOURS = ("var(--mnist-a, #0072B2)", "var(--mnist-b, #D55E00)", "var(--mnist-c, #009E73)", "currentColor")

Numbers = Sequence[float] | Tensor


def numbers(values: Numbers) -> list[float]:
    return [float(v) for v in (values.detach().flatten().tolist() if isinstance(values, Tensor) else values)]


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers between two bounds."""
    span = high - low
    step = 10 ** math.floor(math.log10(span / about))
    step *= min((1, 2, 5, 10), key=lambda factor: abs(span / (step * factor) - about))
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


class Axes:
    """Maps data to pixels of the SVG: x from `x_low` to `x_high`, y upwards from `y_low` to `y_high`."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        self.is_counted = len(xs) > 1 and all(x == int(x) for x in xs if math.isfinite(x))  # epochs, steps
        self.x_low, self.x_high = bounds(xs)
        self.y_low, self.y_high = bounds(ys)

    def x(self, value: float) -> float:
        return LEFT + (value - self.x_low) / (self.x_high - self.x_low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.y_low) / (self.y_high - self.y_low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def path(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        """The SVG path through the finite points, broken where a value is not finite or far outside."""
        pieces, pen = [], "M"
        for x, y in zip(xs, ys, strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                pen = "M"
                continue
            pieces.append(f"{pen}{self.x(x):.1f} {min(max(self.y(y), -999), 999):.1f}")
            pen = "L"
        return "".join(pieces)

    def frame(self, x_label: str, y_label: str) -> str:
        """Grid lines, tick numbers and the two labels."""
        middle, bottom = (LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM
        lines = []
        for value in ticks(self.y_low, self.y_high):
            y = self.y(value)
            lines.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" class="mnist-grid"/>')
            lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.6g}</text>')
        for value in ticks(self.x_low, self.x_high, 5):
            if self.is_counted and value != int(value):
                continue
            x = self.x(value)
            lines.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:.6g}</text>')
        lines.append(f'<path d="M{LEFT} {bottom}H{WIDTH - RIGHT}" stroke="currentColor" opacity=".5"/>')
        lines.append(f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_label)}</text>')
        lines.append(
            f'<text transform="translate(11 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
            f"{escape(y_label)}</text>"
        )
        return "".join(lines)


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """The extremes of the finite values, never equal."""
    finite = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if high - low < 1e-9 * max(1.0, abs(low)):
        return low - 0.5, high + 0.5
    return low, high


def svg(inside: str, words: str) -> str:
    return (
        f'<svg class="mnist-plot" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        f'font-size="11" fill="currentColor" aria-label="{escape(words)}">{inside}</svg>'
    )


def legend(names: Sequence[str]) -> str:
    if names == ("",) or not any(names):
        return ""
    entries = "".join(
        f'<span><i style="background:{COLOURS[index % len(COLOURS)]}"></i>{escape(name)}</span>'
        for index, name in enumerate(names)
    )
    return f'<div class="mnist-legend">{entries}</div>'


def curves(
    lines: Mapping[str, Numbers],
    x: str = "step",
    y: str = "loss",
    at: Numbers | None = None,
    marks: Mapping[str, float] | None = None,
    points: tuple[Numbers, Numbers] | None = None,
    y_range: tuple[float, float] | None = None,
) -> Picture:
    """Named lines over `at` (0, 1, 2, ... if None); `marks` are named vertical lines; `points` are (xs, ys) dots."""
    series = {name: numbers(values) for name, values in lines.items()}
    longest = max((len(values) for values in series.values()), default=1)
    xs = [float(i) for i in range(longest)] if at is None else numbers(at)
    dots = ([], []) if points is None else (numbers(points[0]), numbers(points[1]))
    every_y = [v for values in series.values() for v in values] + dots[1]
    axes = Axes([*xs, *dots[0]], list(y_range) if y_range else every_y)
    inside = axes.frame(x, y)
    for index, values in enumerate(series.values()):
        colour = COLOURS[index % len(COLOURS)]
        path = axes.path(xs[: len(values)], values)
        dash = ' stroke-dasharray="5 3"' if index % 2 else ""
        width = 2 + 3 * list(series.values())[index + 1 :].count(values)  # equal lines stay visible
        inside += f'<path d="{path}" fill="none" style="stroke:{colour}" stroke-width="{width}"{dash}/>'
    look = 'r="3.5" opacity=".8"' if len(dots[0]) < 50 else 'r="2.5" opacity=".45"'
    for px, py in zip(*dots, strict=True):
        if not (math.isfinite(px) and math.isfinite(py)):
            continue
        inside += f'<circle cx="{axes.x(px):.1f}" cy="{axes.y(py):.1f}" {look}/>'
    for name, value in (marks or {}).items():
        at_x = axes.x(value)
        side = 'text-anchor="end" dx="-4"' if at_x > WIDTH * 0.75 else 'dx="4"'
        inside += (
            f'<path d="M{at_x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="currentColor" stroke-dasharray="2 3"/>'
            f'<text x="{at_x:.1f}" y="{TOP + 9}" {side}>{escape(name)}</text>'
        )
    return Picture(svg(inside, f"{y} against {x}: {', '.join(series)}") + legend(tuple(series)))


def histogram(values: Mapping[str, Tensor], bins: int = 40, x: str = "value", log: bool = False) -> Picture:
    """How often each value occurs, one colour for each named tensor, over the same bins. `log` = logarithmic counts."""
    tensors = {name: v.detach().flatten().double() for name, v in values.items()}
    low, high = bounds([f(v).item() for v in tensors.values() for f in (torch.min, torch.max)])
    counts = {n: torch.histc(v, bins, low, high) for n, v in tensors.items()}
    if log:
        counts = {name: (1 + c).log10() for name, c in counts.items()}
    axes = Axes([low, high], [0.0, *(c.max().item() for c in counts.values())])
    width = (high - low) / bins
    inside = axes.frame(x, "log10 of count" if log else "count")
    for index, c in enumerate(counts.values()):
        colour = COLOURS[index % len(COLOURS)]
        steps = "".join(
            f"L{axes.x(low + i * width):.1f} {axes.y(v):.1f}L{axes.x(low + (i + 1) * width):.1f} {axes.y(v):.1f}"
            for i, v in enumerate(c.tolist())
        )
        base = HEIGHT - BOTTOM
        inside += (
            f'<path d="M{LEFT} {base}{steps}L{WIDTH - RIGHT} {base}Z" style="fill:{colour};stroke:{colour}" '
            f'fill-opacity=".35"/>'
        )
    return Picture(svg(inside, f"histogram of {', '.join(tensors)}") + legend(tuple(tensors)))


def landscape(
    height: Callable[[Tensor, Tensor], Tensor],
    paths: Mapping[str, Sequence[tuple[float, float]]],
    reach: float = 3.0,
    x: str = "weight 1",
    y: str = "weight 2",
) -> Picture:
    """Paths of (x, y) over a surface; darker = higher. `height` maps two (n, n) grids in ±`reach` to the surface."""
    line = torch.linspace(-reach, reach, 120)
    down, across = torch.meshgrid(-line, line, indexing="ij")
    surface = height(across, down).double().clamp_min(1e-9).sqrt()
    bands = (12 * surface / surface.max()).floor() / 12  # contour lines by rounding
    rgba = torch.zeros(120, 120, 4, dtype=torch.uint8)
    rgba[..., :3] = 128
    rgba[..., 3] = (200 * bands).to(torch.uint8)
    axes = Axes([-reach, reach], [-reach, reach])
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    ground = image_tag(png(rgba), wide, high, "loss surface").replace("<img", "<image").replace("src=", "href=")
    ground = ground.replace("<image", f'<image x="{LEFT}" y="{TOP}" preserveAspectRatio="none"').rstrip(">") + "/>"
    inside = ground + axes.frame(x, y) + '<svg x="0" y="0">'
    for index, points in enumerate(paths.values()):
        colour = COLOURS[index % len(COLOURS)]
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        inside += f'<path d="{axes.path(xs, ys)}" fill="none" style="stroke:{colour}" stroke-width="1.5"/>'
        inside += "".join(
            f'<circle cx="{axes.x(px):.1f}" cy="{axes.y(py):.1f}" r="2.6" style="fill:{colour}"/>'
            for px, py in points
            if abs(px) <= reach and abs(py) <= reach
        )
    return Picture(svg(inside + "</svg>", f"paths of {', '.join(paths)}") + legend(tuple(paths)))
