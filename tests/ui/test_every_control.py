"""Every control proven: each one that can be seen is worked in every state of the page, by mouse, keyboard and touch.

A bounded sample runs by default. All of it, about half an hour:
`python -m pytest -m slow tests/ui/test_every_control.py`
"""

import itertools
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.conftest import ServedApp
from tests.ui.crawl import Control, Crawler, Hand, open_everything, panes, unlike

# Gradio's queue statistics use a pandas option that pandas has since deprecated.
pytestmark = [pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"), pytest.mark.timeout(300)]

PATIENCE = 120_000  # ms
ENDS_A_STATE = re.compile(r"^(train|stop|resume)\b|^(Train|Stop|Resume|Delete)$|^next-|^hint-try-|Train this|^lesson ")
PAIR, OTHER_PAIR = "train_size=200&epochs=5&b.dropout=0.5", "train_size=300&epochs=3&b.seed=1"
STEP = 7  # every so-maniest control is in the sample
SEEDS = itertools.count(1)
LONG_PAIR = "train_size=5000&epochs=20&b.dropout=0.5"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that can be touched; its errors are the crawler's matter."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def open_page(page: Page, app: ServedApp, query: str) -> None:
    page.goto(f"{app.address}/?{query}")
    expect(page.locator("#train")).to_be_enabled()
    expect(page.locator("#difference")).to_contain_text(re.compile("dropout 0 → 0.5|seed|training images"))


def hasten(page: Page) -> None:
    page.locator("#pace input").click()
    page.get_by_role("option", name="as fast as it goes").click()


def train(page: Page) -> None:
    page.locator("#train").click()
    expect(page.locator("[data-run=B][data-status=finished]")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#train")).to_be_enabled(timeout=PATIENCE)
    expect(page.locator("#scrub input")).to_be_enabled(timeout=PATIENCE)


def fresh(page: Page, app: ServedApp) -> None:
    open_page(page, app, PAIR)


def training(page: Page, app: ServedApp) -> None:
    open_page(page, app, f"{LONG_PAIR}&seed={next(SEEDS)}")  # an equal training would be at its end already
    page.locator("#pace input").click()
    page.get_by_role("option", name="in about 20 s").click()
    page.locator("#train").click()
    expect(page.locator("#train")).to_be_disabled()
    expect(page.locator("#curves .mnist-curves")).to_have_attribute("data-epoch", re.compile("[0-9]"), timeout=PATIENCE)


def stopped(page: Page, app: ServedApp) -> None:
    training(page, app)
    epoch = re.compile("^([2-9]|1[0-9])")  # so that there is something to look back at
    expect(page.locator("#curves .mnist-curves")).to_have_attribute("data-epoch", epoch, timeout=PATIENCE)
    page.locator("#stop").click()
    expect(page.locator("#train")).to_be_enabled(timeout=PATIENCE)
    expect(page.locator("#scrub input")).to_be_enabled()


def finished(page: Page, app: ServedApp) -> None:
    open_page(page, app, PAIR)
    hasten(page)
    train(page)


def second_pair(page: Page, app: ServedApp) -> None:
    """Another pair than the one before, of another length."""
    finished(page, app)
    box = page.locator("#knob-epochs input").first
    box.fill("")
    box.press_sequentially("3")
    box.press("Enter")
    train(page)
    expect(page.locator("#scrub input")).to_have_attribute("max", "3")


def reloaded(page: Page, app: ServedApp) -> None:
    finished(page, app)
    open_page(page, app, OTHER_PAIR)


def locked(page: Page, app: ServedApp) -> None:
    open_page(page, app, "lesson=overfitting&knobs=locked")


STATES: tuple[Callable[[Page, ServedApp], None], ...] = (
    fresh,
    training,
    stopped,
    finished,
    second_pair,
    reloaded,
    locked,
)


def ends_a_state(control: Control) -> bool:
    return bool(ENDS_A_STATE.search(control.key) or ENDS_A_STATE.search(control.said))


def crawl(page: Page, crawler: Crawler, pick: Callable[[int, Control], Hand | None]) -> int:
    """Works the controls of all panes, what would end the state at the end; how many there are."""
    known: set[str] = set()
    last: list[tuple[Control, Hand]] = []
    for _ in panes(page):
        open_everything(page)
        found = [each for each in unlike(crawler.find()) if each.key not in known]
        known |= {each.key for each in found}
        found.sort(key=lambda each: each.kind.endswith("tab"))  # a tab leaves the pane, with what is left to work there
        for number, control in enumerate(found):
            hand = pick(number, control)
            if hand and ends_a_state(control):
                last.append((control, hand))
            elif hand:
                crawler.work(control, hand)
    page.get_by_role("tab", name="Train", exact=True).first.click()
    for control, hand in last:
        crawler.work(control, hand)
    return len(known)


@pytest.mark.parametrize(
    ("state", "start"),
    [pytest.param(fresh, 0, id="fresh"), pytest.param(second_pair, 5, id="second pair", marks=pytest.mark.slow)],
)
def test_a_sample_of_the_controls(
    page: Page, app: ServedApp, state: Callable[[Page, ServedApp], None], start: int
) -> None:
    crawler = Crawler(page)
    state(page, app)
    crawler.watch()

    def pick(number: int, control: Control) -> Hand | None:
        is_in = (number + start) % STEP == 0 and "tab" not in control.kind
        return list(Hand)[number // STEP % 3] if is_in else None

    assert crawl(page, crawler, pick) > 60
    assert not crawler.faults, "\n".join(crawler.faults)
    assert crawler.worked > 5


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("hand", list(Hand))
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_control_in_every_state(
    page: Page, app: ServedApp, state: Callable[[Page, ServedApp], None], hand: Hand
) -> None:
    crawler = Crawler(page)
    state(page, app)
    crawler.watch()
    found = crawl(page, crawler, lambda _number, _control: hand)
    print(f"{state.__name__}, {hand}: {crawler.worked} controls worked of {found} found")
    assert not crawler.faults, "\n".join(crawler.faults)
    assert crawler.worked > 0.7 * found
