"""The visitor's hand on the canvas, for whatever draws in a browser: tests and benchmarks."""

from collections.abc import Sequence

from playwright.sync_api import Page


def draw(page: Page, points: Sequence[tuple[float, float]], *, lift: bool = True) -> None:
    """One stroke with the mouse through points in shares of the canvas, (0, 0) its upper left corner."""
    box = page.locator(".mnist-canvas canvas:visible").bounding_box()
    assert box is not None
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    if lift:
        page.mouse.up()


# Each digit as one hand writes it: strokes through points in shares of the canvas.
DIGITS: tuple[tuple[Sequence[tuple[float, float]], ...], ...] = (
    ([(0.5, 0.15), (0.32, 0.3), (0.3, 0.65), (0.5, 0.85), (0.68, 0.65), (0.66, 0.3), (0.5, 0.15)],),
    ([(0.52, 0.15), (0.48, 0.85)],),
    ([(0.3, 0.3), (0.5, 0.15), (0.68, 0.3), (0.55, 0.55), (0.3, 0.84), (0.72, 0.82)],),
    ([(0.3, 0.25), (0.5, 0.15), (0.68, 0.25), (0.6, 0.42), (0.45, 0.5), (0.7, 0.66), (0.5, 0.85), (0.3, 0.78)],),
    ([(0.36, 0.15), (0.3, 0.52), (0.7, 0.5)], [(0.62, 0.3), (0.56, 0.86)]),
    ([(0.38, 0.18), (0.34, 0.48), (0.58, 0.46), (0.68, 0.66), (0.52, 0.84), (0.3, 0.8)], [(0.38, 0.18), (0.68, 0.17)]),
    ([(0.6, 0.15), (0.38, 0.42), (0.34, 0.72), (0.52, 0.86), (0.66, 0.7), (0.52, 0.56), (0.36, 0.68)],),
    ([(0.3, 0.18), (0.7, 0.17), (0.55, 0.5), (0.45, 0.86)],),
    ([(0.62, 0.25), (0.45, 0.16), (0.38, 0.32), (0.6, 0.6), (0.55, 0.84), (0.38, 0.8), (0.42, 0.58), (0.62, 0.25)],),
    ([(0.66, 0.3), (0.48, 0.17), (0.36, 0.34), (0.5, 0.5), (0.66, 0.32), (0.62, 0.6), (0.54, 0.86)],),
)


def draw_digit(page: Page, digit: int) -> None:
    """All strokes of a digit."""
    for stroke in DIGITS[digit]:
        draw(page, stroke)
