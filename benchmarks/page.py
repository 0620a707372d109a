"""What a visitor waits for, in a real Chromium: a training, bars that follow the pen, a look back at an epoch."""

import itertools
import random
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.served import Served, served
from tests.ui.pen import draw, draw_digit

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
TRAININGS = 3
COLD_LOADS = 3
STROKES = 25
LOOKS = 30
OWN_SETS = 3
SEEDS = itertools.count(1)
THREE = [(0.3, 0.25), (0.5, 0.15), (0.68, 0.25), (0.6, 0.42), (0.45, 0.5), (0.7, 0.66), (0.5, 0.85), (0.3, 0.78)]

# Clicks Train; milliseconds to the first point on the charts, and to the end of both runs.
TRAIN_JS = """async () => {
  const until = (isMet) => new Promise((done) => {
    const look = () => (isMet() ? done(performance.now() - start) : requestAnimationFrame(look));
    look();
  });
  const curves = document.querySelector('#curves .mnist-curves'), start = performance.now();
  document.querySelector('#train').click();
  const first = await until(() => Number(curves.dataset.seq) > 0);
  const last = await until(() => document.querySelectorAll('.mnist-run[data-status=finished]').length === 2);
  return [first, last];
}"""

# From each pen-up to the frame in which the bars answer that drawing.
WATCH_JS = """() => {
  window.penUps = [];
  const canvas = document.querySelector('#canvas .mnist-canvas'), paper = canvas.querySelector('canvas');
  const bars = document.querySelector('#bars .mnist-bars');
  paper.addEventListener('pointerup', () => {
    const start = performance.now();
    setTimeout(() => {
      const seq = canvas.dataset.seq;
      const look = () => {
        if (bars.dataset.seq === seq) window.penUps.push(performance.now() - start);
        else requestAnimationFrame(look);
      };
      look();
    }, 0);
  });
}"""

# From each pen-up to the frame in which the scores of own digits are there, on a page that shows none yet.
OWN_JS = """() => {
  let start = 0;
  document.addEventListener('pointerup', () => { start = performance.now(); }, true);
  const look = () => {
    if (document.querySelector('#own-table tbody tr')) window.ownScored = performance.now() - start;
    else requestAnimationFrame(look);
  };
  look();
}"""
KEEP_JS = """() => {
  const key = 'mnist-lab-own-digits', kept = JSON.parse(localStorage.getItem(key));
  if (kept) localStorage.setItem(key, JSON.stringify({...kept, digits: kept.digits.slice(0, 29)}));
}"""

# Moves the slider to a point; milliseconds to the frame in which the cursor and the drawing's answer are of it, and to
# the one in which the confusion matrices are.
SCRUB_JS = """async (place) => {
  const isLate = () => performance.now() - start > 20_000;
  const until = (isMet) => new Promise((done) => {
    const look = () => (isMet() || isLate() ? done(performance.now() - start) : requestAnimationFrame(look));
    look();
  });
  const [curves, strip, matrices, slider] = ['#curves .mnist-curves', '#strip-a .mnist-tiles', '.mnist-confusion',
    '#scrub input'].map((selector) => document.querySelector(selector));
  let isAnswered = false;
  const watcher = new MutationObserver(() => { isAnswered = true; }), start = performance.now();
  watcher.observe(strip, {attributes: true, attributeFilter: ['data-seq']});
  slider.value = place;
  slider.dispatchEvent(new Event('input', {bubbles: true}));
  const first = await until(() => isAnswered && curves.dataset.cursor == place);
  const last = await until(() => matrices.dataset.seq == place);
  watcher.disconnect();
  return [first, last];
}"""


def measure() -> Iterator[tuple[str, float, str]]:
    """(name, value, unit) of what happens between a click or a stroke and the page."""
    with served() as app, _browser_page() as page:
        app.wait_until_warm()
        colds = [_cold(page, app) for _ in range(COLD_LOADS)]
        yield "cold page, on the wire", statistics.median(kilobytes for kilobytes, _, _ in colds), "kB"
        yield "cold page, requests", statistics.median(requests for _, requests, _ in colds), ""
        yield "cold page, to the Train button", statistics.median(seconds for _, _, seconds in colds), "s"
        firsts, ends, streams = zip(*(_train(page, app) for _ in range(TRAININGS)), strict=True)
        yield "Train to first point, 1,000 images, median", statistics.median(firsts), "ms"
        yield "a lesson's pair (1,000 images, 40 epochs), unpaced, median", statistics.median(ends) / 1000, "s"
        yield "curves, cards and strips of that pair, on the wire", statistics.median(streams), "kB"
        page.get_by_role("tab", name="Draw").click()
        page.locator("#canvas .mnist-canvas canvas").wait_for()
        page.evaluate(WATCH_JS)
        draw(page, THREE)
        page.get_by_role("tab", name="Train").click()
        page.locator("#strip-a .mnist-tiles > *", has_text="%").wait_for()
        page.get_by_role("tab", name="Mistakes", exact=True).click()
        epochs = random.Random(0).sample(range(1, 40), LOOKS)
        looks, matrices = zip(*(page.evaluate(SCRUB_JS, epoch) for epoch in epochs), strict=True)
        yield "look back at an epoch, cursor and the drawing's answer, median", statistics.median(looks), "ms"
        yield "look back at an epoch, weights and confusion matrices too, median", statistics.median(matrices), "ms"
        page.get_by_role("tab", name="Draw").click()
        for models in (1, 3):
            _ask(page, models)
            times = sorted(_pen_up(page) for _ in range(STROKES))
            word = "one model" if models == 1 else f"{models} models"
            yield f"pen-up to moved bars, {word}, median", statistics.median(times), "ms"
            yield f"pen-up to moved bars, {word}, p95", times[int(0.95 * len(times))], "ms"
        yield "thirty own digits, last pen-up to three networks' scores, median", _own_digits(page), "ms"


@contextmanager
def _browser_page() -> Iterator[Page]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def _cold(page: Page, app: Served) -> tuple[float, int, float]:
    """(kB, requests, seconds to the Train button) of a browser's first visit."""
    assert page.context.browser
    context = page.context.browser.new_context(viewport={"width": 1280, "height": 800})
    fresh = context.new_page()
    sizes = _sizes_on_the_wire(fresh)
    start = time.perf_counter()
    fresh.goto(app.address)
    fresh.locator("#train:enabled").wait_for()
    seconds = time.perf_counter() - start
    fresh.wait_for_load_state("load")
    fresh.wait_for_timeout(1000)  # for what follows by itself
    context.close()
    return sum(size for _, size in sizes.values()) / 1000, len(sizes), seconds


def _sizes_on_the_wire(page: Page) -> dict[str, tuple[str, float]]:
    """Fills itself with the address and the bytes of each request that the page makes from now on."""
    sizes: dict[str, tuple[str, float]] = {}
    session = page.context.new_cdp_session(page)

    def note(event: dict[str, Any]) -> None:
        address, size = sizes.get(event["requestId"], ("", 0))
        whole = event.get("dataLength") is None  # the end of a request tells its size; a stream's pieces come before
        sizes[event["requestId"]] = address, event["encodedDataLength"] if whole else size + event["encodedDataLength"]

    session.on(
        "Network.requestWillBeSent", lambda event: sizes.update({event["requestId"]: (event["request"]["url"], 0)})
    )
    session.on("Network.dataReceived", note)
    session.on("Network.loadingFinished", note)
    session.send("Network.enable")
    return sizes


def _train(page: Page, app: Served) -> tuple[float, float, float]:
    """Milliseconds to the first point and to the end of both runs, and kB of all that was sent meanwhile."""
    page.goto(f"{app.address}/?b.dropout=0.5&seed={next(SEEDS)}")  # an equal training would be there already
    page.evaluate("localStorage.clear(); sessionStorage.clear()")  # so that no earlier visit comes back
    page.reload()
    page.locator("#train:enabled").wait_for()
    page.locator("#difference", has_text="dropout").wait_for()
    page.locator("#pace input").click()
    page.get_by_role("option", name="as fast as it goes").click()
    sizes = _sizes_on_the_wire(page)
    first, last = page.evaluate(TRAIN_JS)
    page.locator("#train:enabled").wait_for()
    page.wait_for_timeout(500)  # for the end of the stream
    streams = [size for address, size in sizes.values() if "/queue/data" in address]
    return first, last, sum(streams) / 1000


def _ask(page: Page, models: int) -> None:
    """Chooses that many of the shipped models."""
    box = page.locator("#models input")
    box.click()
    for _ in range(4):
        box.press("Backspace")
    for _ in range(models):
        box.click()
        page.locator("#models [role=option]:not(.selected):not([aria-selected=true])").first.click()
    box.press("Escape")
    draw(page, THREE)
    page.wait_for_function(
        "count => document.querySelectorAll('#bars .mnist-bars-model:not([hidden])').length === count", arg=models
    )
    page.locator("#canvas .mnist-canvas [data-do=clear]").click()


def _own_digits(page: Page) -> float:
    """Milliseconds from the last pen-up to the scores of thirty own digits: all drawn once, then the last one again."""
    own, found = page.locator("#own .mnist-own"), []
    for _ in range(OWN_SETS):
        page.evaluate(KEEP_JS)
        page.reload()
        own.locator("[data-do=start]").click()
        while own.get_attribute("data-count") != "29":
            draw_digit(page, int(own.locator("[data-part=asks] p b").inner_text()))
            own.locator("[data-do=next]").click()
        page.evaluate(OWN_JS)
        draw_digit(page, int(own.locator("[data-part=asks] p b").inner_text()))
        page.wait_for_function("window.ownScored > 0")
        found.append(float(page.evaluate("window.ownScored")))
        page.wait_for_function("document.querySelector('#own .mnist-own').dataset.count === '30'")
    return statistics.median(found)


def _pen_up(page: Page) -> float:
    """Milliseconds from lifting the pen after a 3 to its answer."""
    count = page.evaluate("window.penUps.length")
    draw(page, THREE)
    page.wait_for_function("count => window.penUps.length > count", arg=count)
    page.locator("#canvas .mnist-canvas [data-do=clear]").click()
    page.wait_for_timeout(150)
    return float(page.evaluate("window.penUps.at(-1)"))
