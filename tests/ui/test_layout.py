"""Where things are: a lesson is one screen, little more on a telephone, and nothing moves by itself."""

import pytest
from playwright.sync_api import Page, expect

from mnist_demo.ui.train import EARLIER
from tests.ui.conftest import ServedApp
from tests.ui.pen import draw

pytestmark = [pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"), pytest.mark.timeout(240)]

THREE = [(0.3, 0.25), (0.5, 0.15), (0.68, 0.25), (0.6, 0.42), (0.45, 0.5), (0.7, 0.66), (0.5, 0.85), (0.3, 0.78)]
MOST_SHIFT = 0.02
# What moved since the last question, also right after a click, and what moved most.
WATCH_JS = """() => {
  window.moved = [];
  new PerformanceObserver((list) => window.moved.push(...list.getEntries())).observe({type: 'layout-shift'});
}"""
MOVED_JS = """() => {
  const all = window.moved.splice(0), nameOf = ({node}) => node?.id || node?.className || node?.parentElement?.id;
  const told = all.map((each) => `${each.value.toFixed(3)} ${each.sources.map(nameOf).join(', ')}`);
  return [all.reduce((sum, each) => sum + each.value, 0), told.join('; ')];
}"""


# What is opened is seen: its lower edge, or as much of it as the window shows.
IN_SIGHT_JS = """(node) => {
  const {top, bottom} = node.getBoundingClientRect();
  return node.querySelector('.open') && bottom > top + 60 && (bottom <= innerHeight + 1 || top <= 1);
}"""


def expect_still(page: Page, what: str) -> None:
    shift, told = page.evaluate(MOVED_JS)
    assert shift <= MOST_SHIFT, f"{what}: {shift:.3f}: {told}"


def height(page: Page) -> float:
    return float(page.evaluate("document.documentElement.scrollHeight / innerHeight"))


def test_a_lesson_is_one_screen_in_which_nothing_moves(page: Page, app: ServedApp) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{app.address}/?lesson=nll-on-logits")
    expect(page.locator("#question")).to_contain_text("logits")
    expect(page.locator("#difference")).to_contain_text("wrong line")
    page.evaluate(WATCH_JS)
    draw(page, THREE)
    expect(page.locator("#first-bars .mnist-bars-digit").first).to_be_visible()
    expect_still(page, "the first stroke")
    assert height(page) == 1
    page.locator("#train").click()
    expect(page.locator("#answer")).to_be_visible(timeout=90_000)
    expect(page.locator("#strip-b .mnist-tiles > *").first).to_contain_text("%")
    expect_still(page, "a training and its answer")
    assert height(page) == 1
    page.locator("#next-0").click()
    expect(page.locator("#question")).not_to_contain_text("logits")
    expect(page.locator("#answer")).to_be_hidden()
    expect(page.locator("#notice")).to_have_text(EARLIER)
    expect_still(page, "the next lesson")
    for name in ("Runs and test score", "Downloads", "Code", "Step by step"):
        page.get_by_role("button", name=name).click()
        drawer = page.locator(".block").filter(has=page.get_by_role("button", name=name)).last
        page.wait_for_function(IN_SIGHT_JS, arg=drawer.element_handle())
        assert height(page) <= 1.6, f"{name} is open"
        page.get_by_role("button", name=name).click()
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("Question", "Curves", "Knobs"):
        page.get_by_role("button", name=name).first.click()
        assert height(page) <= 2.5, name


def test_a_telephone_that_lies_shows_the_canvas_whole_beside_the_answer(page: Page, app: ServedApp) -> None:
    page.set_viewport_size({"width": 844, "height": 390})
    page.goto(f"{app.address}/#draw")
    canvas = page.locator("#canvas canvas").first.bounding_box()
    bars = page.locator("#bars").bounding_box()
    assert canvas
    assert bars
    assert canvas["y"] >= 0
    assert canvas["y"] + canvas["height"] <= 390
    assert bars["x"] >= canvas["x"] + canvas["width"]
    assert bars["y"] < 390
    page.get_by_role("tab", name="Train").click()
    bar = page.locator(".mnist-run-buttons").bounding_box()
    assert bar
    assert bar["height"] <= 70
    assert bar["y"] + bar["height"] == 390
