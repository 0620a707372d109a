"""The first minute: a digit drawn on the landing is read by two networks and goes with the visitor into a training."""

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import ServedApp
from tests.ui.pen import draw

pytestmark = [pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"), pytest.mark.timeout(180)]

THREE = [(0.3, 0.25), (0.5, 0.15), (0.68, 0.25), (0.6, 0.42), (0.45, 0.5), (0.7, 0.66), (0.5, 0.85), (0.3, 0.78)]


def test_one_stroke_is_read_by_two_and_train_both_answers_it_at_every_epoch(page: Page, app: ServedApp) -> None:
    page.goto(f"{app.address}/?train_size=200&epochs=3&b.seed=1")
    expect(page.locator("#difference")).to_contain_text("seed")
    draw(page, THREE)
    models = page.locator("#first-bars .mnist-bars-model")
    expect(models).to_have_count(2)
    expect(models.nth(1).locator(".mnist-bars-digit")).to_have_text("3")
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator("#canvas .mnist-canvas")).to_have_attribute("data-strokes", "1")
    page.locator("#canvas [data-do=clear]").click()
    page.get_by_role("tab", name="Train", exact=True).click()
    expect(page.locator("#first-canvas .mnist-canvas")).to_have_attribute("data-strokes", "0")
    draw(page, THREE)
    page.get_by_role("button", name="train both").click()
    expect(page.locator("#landing")).to_be_hidden()
    expect(page.locator("#strip-b .mnist-tiles > *").first).to_contain_text("%", timeout=60_000)
    expect(page.locator("#scrub input")).to_be_enabled(timeout=60_000)
