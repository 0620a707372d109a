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
