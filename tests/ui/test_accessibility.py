"""What axe-core finds on every tab, light and dark: nothing serious; and that the keyboard alone can train."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import ServedApp, in_themes

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # Gradio leaves event loops to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.timeout(180),
]

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")


def violations(page: Page) -> list[str]:
    """Serious and critical findings, each with the first element it names, of how many."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert result["passes"], "axe-core has checked nothing"
    return [
        f"{found['impact']} {found['id']}: {first['html'][:160]} ({len(found['nodes'])}) {first['failureSummary']}"
        for found in result["violations"]
        if found["impact"] in ("serious", "critical")
        for first in found["nodes"][:1]
    ]


def test_axe_finds_nothing_serious(page: Page, app: ServedApp) -> None:
    page.goto(app.address)
    expect(page.locator("#train")).to_be_enabled()
    found = {}
    for tab in ("Train", "Draw", "Basics"):
        page.get_by_role("tab", name=tab, exact=True).click()
        expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
        for theme in in_themes(page):
            if serious := violations(page):
                found[tab, theme] = serious
    assert not found


def test_the_keyboard_alone_trains_a_pair(page: Page, app: ServedApp) -> None:
    page.goto(f"{app.address}/?train_size=200&epochs=2&b.dropout=0.5")
    expect(page.locator("#difference")).to_contain_text("dropout 0 → 0.5")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "train":
            break
    page.keyboard.press("Enter")
    expect(page.locator("[data-run=B][data-status=finished]")).to_be_visible(timeout=60_000)
