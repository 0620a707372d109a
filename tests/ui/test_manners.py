"""What a visitor should not have to notice: focus that stays, words that come, neighbours that keep their values."""

import re

import pytest
from playwright.sync_api import Page, expect

from mnist_demo.experiment.config import knobs
from tests.ui.conftest import ServedApp
from tests.ui.pen import draw
from tests.ui.test_app import THREE, card, choose, expect_answered, expect_status, open_page, set_knobs

# Gradio's queue statistics use a pandas option that pandas has since deprecated.
pytestmark = [pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"), pytest.mark.timeout(240)]

TINY = "?hidden_sizes=16&train_size=100&epochs=6&b.seed=1"


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def train(page: Page) -> None:
    page.locator("#train").click()
    expect_status(page, "finished")
    expect(page.locator("#scrub input")).to_be_enabled(timeout=60_000)


def test_a_pair_from_train_to_the_next_one(page: Page, app: ServedApp) -> None:
    open_page(page, app, TINY)
    choose(page, "pace", "as fast as it goes")
    page.locator("#train").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#scrub input")).to_be_enabled(timeout=60_000)
    spoken = page.locator(".mnist-spoken")
    expect(spoken).to_contain_text("The training has ended.")
    expect(spoken).to_contain_text(re.compile(r"Run B .* validation [\d.]+%"))
    expect(page.locator("#train")).to_be_focused()  # by way of Stop, which is off again

    slider = page.locator("#scrub input")
    page.get_by_role("button", name="first", exact=True).click()
    expect(slider).to_have_value("0")
    expect(card(page, "A")).to_contain_text("0 of 6, looking back")
    for name, place in (("last", "6"), ("best A", r"\d"), ("best B", r"\d")):
        page.get_by_role("button", name=name, exact=True).click()
        expect(slider).to_have_value(re.compile(place))

    page.get_by_text("Hints, and more to try").click()
    expect(page.locator("#hint-0")).to_be_visible()
    set_knobs(page, epochs="3")
    train(page)
    expect(slider).to_have_attribute("max", "3")
    expect(slider).to_have_value("3")
    page.locator("#lesson input").click()
    page.get_by_role("option").nth(2).click()
    expect(page.locator("#hint-0")).to_be_hidden()  # it was about the last pair


def test_a_field_that_is_only_touched_changes_no_other(touched: Page, app: ServedApp) -> None:
    page = touched
    page.goto(f"{app.address}/?b.train_size=5000")
    expect(page.locator("#question")).to_contain_text("Set the knobs")
    (
        expect(page.locator(".mnist-works")).to_have_attribute("data-page", re.compile(".")),
        "the page's own script has begun",
    )
    page.get_by_role("button", name="Knobs").click()
    value = page.locator("#b-value-0 input")
    expect(value).to_have_value("5000")
    page.locator("#b-knob-0 input").tap()
    page.wait_for_timeout(300)  # the list opens; nothing tells when
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    page.locator("#b-knob-0 input").focus()
    page.keyboard.press("Tab")
    page.locator("#knob-epochs input").first.focus()
    page.keyboard.press("Tab")
    page.wait_for_timeout(700)  # for what must not come
    expect(value).to_have_value("5000")
    expect(page.locator("#difference")).to_contain_text("training images 1000 → 5000")


HELP_JS = """(text) => {
  const help = document.querySelector('#mnist-tip'), box = help.getBoundingClientRect();
  const isWhole = box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
  return help.matches(':popover-open') && isWhole && help.innerText.trim() === text;
}"""


@pytest.mark.parametrize("knob", ["hidden_sizes", "network", "epochs"])
def test_the_help_of_a_knob_is_seen_on_hover_focus_and_touch(touched: Page, app: ServedApp, knob: str) -> None:
    page = touched
    page.goto(f"{app.address}/?b.seed=1")
    expect(page.locator("#difference")).to_contain_text("seed")
    page.get_by_role("button", name="Knobs").click()
    field = page.locator(f"#knob-{knob}")
    for reach in (field.hover, field.locator("input").first.focus, field.locator("input").first.tap):
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
        field.evaluate("node => node.scrollIntoView({block: 'center'})")
        reach()
        page.wait_for_function(HELP_JS, arg=knobs()[knob].help)


def test_run_a_has_one_colour_and_the_shipped_network_another(page: Page, app: ServedApp) -> None:
    open_page(page, app, TINY)
    choose(page, "pace", "as fast as it goes")
    page.locator("#train").click()
    expect_status(page, "finished")
    blue = card(page, "A").evaluate("node => getComputedStyle(node).borderLeftColor")
    page.get_by_role("tab", name="Draw").click()
    box = page.locator("#models input")
    box.click()
    page.get_by_role("option", name=re.compile("Your run 1A, last")).click()
    box.press("Escape")
    draw(page, THREE)
    expect_answered(page)
    models = page.locator("#bars .mnist-bars-model:visible")
    expect(models).to_have_count(3)
    dots = models.locator("h4").evaluate_all("all => all.map((h) => getComputedStyle(h, '::before').backgroundColor)")
    assert dots[2] == blue
    assert len(set(dots)) == 3
    box.click()
    page.get_by_role("option", name=re.compile("Your run 1A, best")).click()
    expect(page.locator("#models-message")).to_contain_text("At most 3 networks")
    expect(models).to_have_count(3)


def test_an_inked_canvas_without_a_server_is_not_called_blank(touched: Page, app: ServedApp) -> None:
    page = touched
    page.goto(f"{app.address}/?b.seed=1")
    expect(page.locator("#difference")).to_contain_text("seed")
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator("#canvas .mnist-canvas canvas")).to_be_visible()
    page.context.set_offline(True)
    draw(page, THREE)
    expect(page.locator("#bars .mnist-bars-message")).to_contain_text("No answer has come for this drawing")


def test_a_list_that_is_left_by_tab_is_closed(page: Page, app: ServedApp) -> None:
    open_page(page, app, TINY)
    lists = page.locator("[role=listbox]:visible")
    for name in ("network", "hidden_sizes", "train_size"):
        page.locator(f"#knob-{name} input").first.click()
        expect(lists).to_have_count(1)
        page.keyboard.press("Tab")
        expect(lists).to_have_count(0)
