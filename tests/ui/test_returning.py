"""A page that comes back: what a visit has at the server outlives the page."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mnist_demo.ui.returning import GONE
from mnist_demo.ui.train import CUT
from tests.ui.conftest import ServedApp

pytestmark = [pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"), pytest.mark.timeout(240)]

LESSON = "lesson=nll-on-logits"
KEY_JS = "sessionStorage.getItem('mnist-lab-visit')"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without a past. Gradio's page logs each stream that a reload cuts, so its console is not checked."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def steps(page: Page) -> list[int]:
    return [int(each.get_attribute("data-step") or 0) for each in page.locator(".mnist-run").all()]


def train_until(page: Page, epoch: int) -> None:
    page.locator("#train").click()
    expect(page.locator(".mnist-run dd").first).to_contain_text(re.compile(rf"^([{epoch}-9]|\d\d)"), timeout=60_000)


def test_a_page_that_is_loaded_again_in_mid_training_has_its_runs(page: Page, app: ServedApp) -> None:
    page.goto(f"{app.address}/?{LESSON}")
    expect(page.locator("#difference")).to_contain_text("wrong line")
    page.locator("#guess label").nth(1).click()
    train_until(page, 2)
    page.reload()
    expect(page.locator("#notice")).to_contain_text(CUT)
    before = steps(page)
    assert len(before) == 2
    assert min(before) > 0
    expect(page.locator("#guess input").nth(1)).to_be_checked()
    expect(page.locator("#guess input").nth(1)).to_be_disabled()
    expect(page.locator("#difference")).not_to_contain_text("wrong line")
    expect(page.locator("#stop")).to_be_disabled()
    page.locator("#resume").click()
    expect(page.locator("#answer")).to_be_visible(timeout=90_000)
    assert min(now - then for now, then in zip(steps(page), before, strict=True)) > 0
    page.reload()
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#curves .mnist-curves")).not_to_have_attribute("data-seq", "0")
    expect(page.locator("#notice")).to_have_text("")
    page.locator("#train").click()
    expect(page.locator("#stop")).to_be_enabled(), "one click is enough"


def test_a_browser_opened_again_has_its_runs_and_two_tabs_have_their_own(
    context: BrowserContext, app: ServedApp
) -> None:
    first = context.new_page()
    first.goto(f"{app.address}/?{LESSON}")
    expect(first.locator("#difference")).to_contain_text("wrong line")
    train_until(first, 1)
    first.locator("#stop").click()
    expect(first.locator("#resume")).to_be_enabled()
    second = context.new_page()
    second.goto(app.address)
    expect(second.locator("#question")).not_to_contain_text("logits")
    expect(second.locator("#landing")).to_be_visible()
    assert second.evaluate(KEY_JS) != first.evaluate(KEY_JS)
    second.close()
    first.reload()
    expect(first.locator("#notice")).to_contain_text(CUT)
    trained = steps(first)
    first.close()
    third = context.new_page()
    third.goto(app.address)
    expect(third.locator("#notice")).to_contain_text(CUT)
    assert steps(third) == trained
    expect(third.locator("#question")).to_contain_text("logits")
    third.close()
    other = context.new_page()
    other.goto(f"{app.address}/?lesson=overfitting")
    other.get_by_role("button", name="Runs and test score").click()
    expect(other.locator("#runs")).to_contain_text("1A")
    expect(other.locator("#landing")).to_be_visible(), "the address asks for another pair"


def test_after_a_new_start_of_the_server_the_page_has_its_own_copy(page: Page, app: ServedApp) -> None:
    page.goto(f"{app.address}/?{LESSON}")
    expect(page.locator("#difference")).to_contain_text("wrong line")
    train_until(page, 1)
    page.locator("#stop").click()
    expect(page.locator("#resume")).to_be_enabled()
    points = page.locator("#curves .mnist-curves").get_attribute("data-seq")
    page.evaluate("sessionStorage.setItem('mnist-lab-visit', 'a key that no record has')")
    page.reload()
    expect(page.locator("#notice")).to_contain_text(GONE)
    expect(page.locator("#curves .mnist-curves")).to_have_attribute("data-seq", str(points))
    expect(page.locator("#resume")).to_be_disabled()
    assert len(page.evaluate(KEY_JS)) > 20, "it has a key of its own again"
    page.locator("#train").click()
    expect(page.locator("#stop")).to_be_enabled()
    expect(page.locator("#notice")).not_to_contain_text(GONE)


def test_a_connection_that_is_cut_loses_nothing(context: BrowserContext, page: Page, app: ServedApp) -> None:
    page.goto(f"{app.address}/?{LESSON}")
    expect(page.locator("#difference")).to_contain_text("wrong line")
    train_until(page, 1)
    context.set_offline(True)
    page.wait_for_timeout(1500)
    context.set_offline(False)
    expect(page.locator("#answer")).to_be_visible(timeout=90_000)
    expect(page.locator("#train")).to_be_enabled()


def test_a_stream_that_ends_without_a_word_is_noticed(page: Page, app: ServedApp) -> None:
    page.route(
        "**/queue/data*", lambda route: route.fulfill(content_type="text/event-stream", body="data: {}\n\n"), times=1
    )
    page.goto(f"{app.address}/?{LESSON}")
    expect(page.locator("#difference")).to_contain_text("wrong line")
    page.locator("#train").click()
    expect(page.locator("#notice")).to_contain_text(CUT)
    page.evaluate("window.isSame = true")
    page.locator("#resume").click()
    expect(page.locator("#answer")).to_be_visible(timeout=90_000)
    page.wait_for_timeout(3000)
    assert page.evaluate("window.isSame"), "a stream that has ended in time is no reason to load the page again"
