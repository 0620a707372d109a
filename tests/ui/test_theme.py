"""Can it be read and be hit: contrast of every text and every control, and the size of what is clicked, as painted.

axe-core passes over text on pictures, half-transparent colours and the edges of controls; here the colours that the
browser computed are laid over one another and measured by WCAG's formula. All panes of all states, by both measures:
`python -m pytest -m slow tests/ui/test_theme.py`
"""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import ServedApp, in_themes
from tests.ui.crawl import open_everything, panes
from tests.ui.pen import draw
from tests.ui.test_accessibility import violations
from tests.ui.test_every_control import STATES

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # Gradio leaves event loops to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TEXT, MARK = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
SEVEN = [(0.3, 0.2), (0.7, 0.2), (0.45, 0.8)]
SMALLEST_TARGET = 24  # pixels, WCAG 2.2, 2.5.8

MEASURE = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const groundOf = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      const colour = rgba(style.backgroundColor);
      if (style.backgroundImage.startsWith('linear-gradient')) return null;  // not measured
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const opacityOf = (node) => (node ? getComputedStyle(node).opacity * opacityOf(node.parentElement) : 1);
  const luminance = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const part = colour[i] / 255;
    return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  }, 0);
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const isSeen = (node) => node.checkVisibility({opacityProperty: true, visibilityProperty: true}) &&
    node.getBoundingClientRect().width > 1 && !node.closest('[aria-hidden=true], [inert]');
  const isOff = (node) => node.closest(':disabled, [aria-disabled=true], [aria-pressed=false]') !== null ||
    (node.closest('label')?.querySelector(':disabled') ?? null) !== null;
  const name = (node) => `${node.tagName}.${String(node.className.baseVal ?? node.className).slice(0, 60)}`;
  const texts = [], edges = [], targets = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement, words = walker.currentNode.textContent.trim();
    if (!words || !isSeen(node) || isOff(node) || ['SCRIPT', 'STYLE'].includes(node.tagName)) continue;
    const style = getComputedStyle(node), ground = groundOf(node);
    if (!ground) continue;
    const ink = rgba(node instanceof SVGElement ? style.fill : style.color);
    ink[3] *= opacityOf(node);
    texts.push([contrast(over(ink, ground), ground), `${words.slice(0, 40)} (${name(node)})`]);
  }
  for (const node of document.querySelectorAll('input[type=radio], input[type=checkbox]')) {
    if (!isSeen(node) || isOff(node)) continue;
    const style = getComputedStyle(node), around = groundOf(node.parentElement);
    const edge = over(rgba(style.borderTopColor), around), inside = over(rgba(style.backgroundColor), around);
    edges.push([Math.max(contrast(edge, around), contrast(inside, around)), name(node.closest('label') ?? node)]);
  }
  for (const node of document.querySelectorAll('button, [role=tab], input, a[href], summary, [tabindex="0"]')) {
    if (!isSeen(node) || isOff(node)) continue;
    const box = (node.closest('label') ?? node).getBoundingClientRect();
    const inText = node.tagName === 'A' && getComputedStyle(node).display === 'inline';
    const words = node.getAttribute('aria-label') ?? node.textContent.trim().slice(0, 30);
    if (!inText) targets.push([Math.min(box.width, box.height), `${name(node)} ${words}`]);
  }
  return {texts, edges, targets};
}
"""


def faults(page: Page) -> list[str]:
    """What on the page, as it is painted now and in the other theme, is too pale or too small."""
    faulty = []
    for theme in in_themes(page):
        found: dict[str, Any] = page.evaluate(MEASURE)
        assert found["texts"], "nothing was measured"
        limits = {"texts": TEXT, "edges": MARK, "targets": SMALLEST_TARGET}
        bad = {(kind, value, what) for kind in limits for value, what in found[kind] if value < limits[kind]}
        faulty += sorted(f"{theme}, {kind} {value:.2f}: {what}" for kind, value, what in bad)
    return faulty


def test_every_text_and_control_can_be_seen_and_hit(page: Page, app: ServedApp) -> None:
    page.goto(app.address)
    expect(page.locator("#guess input").first).to_be_visible()
    found = {"Train, a lesson": faults(page)}
    page.goto(f"{app.address}/?train_size=100&epochs=2&b.dropout=0.5")
    expect(page.locator("#difference")).to_contain_text("0.5")
    page.locator("#train").click()
    expect(page.locator("[data-run=B][data-status=finished]")).to_be_visible(timeout=60_000)
    found["Train, finished"] = faults(page)
    for tab in ("Draw", "Basics"):
        page.get_by_role("tab", name=tab, exact=True).click()
        expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
        found[tab] = faults(page)
    assert not any(found.values()), "\n".join(f"{place}: {fault}" for place, each in found.items() for fault in each)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_pane_of_every_state_can_be_seen_and_hit(
    page: Page, app: ServedApp, state: Callable[[Page, ServedApp], None]
) -> None:
    state(page, app)
    found = []
    for pane in panes(page):
        open_everything(page)
        if pane == "Draw":
            draw(page, SEVEN)
            expect(page.locator("#bars .mnist-bars-digit").first).to_be_visible()
        found += [f"{pane}: {fault}" for fault in faults(page)]
        found += [f"{pane}, {theme}: {fault}" for theme in in_themes(page) for fault in violations(page)]
    assert not found, "\n".join(found)
