"""Words explain themselves where they stand, by mouse, keyboard and touch, and lead into Basics."""

import re

import pytest
from playwright.sync_api import Page, expect

from mnist_demo.basics.glossary import told
from tests.ui.conftest import ServedApp, in_themes
from tests.ui.test_accessibility import violations

pytestmark = [pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"), pytest.mark.timeout(180)]

PLACES_JS = """() => [...document.querySelectorAll('#question, #curves, #side')]
  .map((part) => JSON.stringify(part.getBoundingClientRect()))"""
NAMES_JS = "() => [...document.querySelectorAll('[data-word]')].map((word) => word.dataset.word)"
HIT_JS = "(word) => { const {width, height} = word.getBoundingClientRect(); return [width, height]; }"


def open_lesson(page: Page, app: ServedApp, query: str = "lesson=overfitting") -> None:
    page.goto(f"{app.address}/?{query}")
    expect(page.locator("#train")).to_be_enabled()
    expect(page.locator("#difference")).to_contain_text("1000 → ")


def expect_told(page: Page, name: str) -> None:
    expect(page.locator("#mnist-tip")).to_be_visible()
    expect(page.locator("#mnist-tip p")).to_have_text(told()[name][0])


def test_a_mouse_opens_a_word_and_nothing_moves(page: Page, app: ServedApp) -> None:
    open_lesson(page, app)
    tip, loss = page.locator("#mnist-tip"), page.locator("#question [data-word=loss]")
    before = page.evaluate(PLACES_JS)
    loss.hover()
    expect_told(page, "loss")
    assert loss.get_attribute("aria-describedby") == "mnist-tip"
    assert page.evaluate(PLACES_JS) == before
    assert min(loss.evaluate(HIT_JS)) >= 24
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.locator("#knob-seed, #knob-dropout").first.hover()
    expect_told(page, "dropout")
    expect(tip.locator("a")).to_be_hidden()  # over a field it only tells
    page.locator("#knob-dropout .mnist-ask").hover()
    expect(tip.locator("a")).to_be_visible()
    tip.hover()  # on the way to the link it stays
    page.wait_for_timeout(500)
    expect_told(page, "dropout")
    page.locator(".mnist-invitation").hover()
    expect(tip).to_be_hidden()


def test_a_click_counts_though_the_cards_are_written_anew_between_press_and_release(page: Page, app: ServedApp) -> None:
    open_lesson(page, app)
    # Then the browser tells it of what is around the word, at the word's place.
    page.locator("#question [data-word=loss]").evaluate(
        """word => {
          const {x, y} = word.getBoundingClientRect(), place = {clientX: x + 4, clientY: y + 4, detail: 1};
          word.parentElement.dispatchEvent(new MouseEvent('click', {bubbles: true, ...place}));
        }"""
    )
    expect_told(page, "loss")


def test_the_keyboard_follows_a_word_into_basics_and_back(page: Page, app: ServedApp) -> None:
    open_lesson(page, app)
    address = page.url
    page.locator("#question [data-word=loss]").focus()
    expect_told(page, "loss")
    page.keyboard.press("Tab")
    expect(page.locator("#mnist-tip a")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#question [data-word=loss]")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".mnist-example")).to_have_attribute("data-example", "cross_entropy")
    expect(page.locator(".mnist-example h2")).to_be_visible()
    expect(page.locator("#mnist-tip")).to_be_hidden()
    page.locator(".mnist-basics nav").get_by_role("button", name="Overfitting").click()
    expect(page).to_have_url(re.compile("#basics/overfitting$"))
    page.go_back()
    expect(page.locator("#question")).to_be_visible()
    assert page.url == address
    page.goto(f"{app.address}/#basics/no-such-example")
    expect(page.locator(".mnist-example h2")).to_be_visible()


def test_a_finger_opens_a_word(touched: Page, app: ServedApp) -> None:
    page = touched
    open_lesson(page, app)
    page.get_by_role("button", name="Question").tap()
    loss = page.locator("#question [data-word=loss]")
    loss.tap()
    expect_told(page, "loss")
    assert loss.evaluate(HIT_JS)[1] >= 44
    page.locator("h1").tap()
    expect(page.locator("#mnist-tip")).to_be_hidden()
    page.get_by_role("button", name="Knobs").tap()
    ask = page.locator("#knob-learning_rate .mnist-ask")
    assert min(ask.evaluate(HIT_JS)) >= 44
    ask.tap()
    expect_told(page, "learning_rate")
    page.locator("#mnist-tip a").tap()
    expect(page.locator(".mnist-example")).to_have_attribute("data-example", "learning_rate")


def test_words_of_a_trained_pair_are_known_readable_and_keep_the_focus(page: Page, app: ServedApp) -> None:
    open_lesson(page, app, "lesson=overfitting")
    page.locator("#question [data-word=loss]").focus()
    expect_told(page, "loss")
    assert [violations(page) for _ in in_themes(page)] == [[], []]
    page.locator("#train").click()
    expect(page.locator("#status [data-word=epoch]").first).to_be_visible()
    page.locator("#status [data-word=epoch]").first.focus()
    expect(page.locator("#answer")).to_be_visible(timeout=90_000)
    expect(page.locator("#status [data-word=epoch]").first).to_be_focused()
    expect_told(page, "epoch")
    page.get_by_role("button", name="More knobs").click()
    expect(page.locator("#knob-seed .mnist-ask")).to_be_visible()
    page.locator("#answer [data-word]").first.focus()
    expect(page.locator("#mnist-tip")).to_be_visible()
    shown = set(page.evaluate(NAMES_JS))
    assert shown <= set(told())
    assert {"loss", "accuracy", "epoch", "gap", "best", "validation loss", "unit", "read", "patience"} <= shown
