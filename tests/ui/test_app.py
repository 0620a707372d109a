"""The app as a visitor meets it: the real page in a real Chromium, on real workers that train on real MNIST."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mnist_demo.learning.training import Status
from mnist_demo.serving.runs import Run
from tests.ui.conftest import ServedApp, free_port
from tests.ui.pen import draw

pytestmark = pytest.mark.timeout(180)

ROOT = Path(__file__).parent.parent.parent
THREE = [(0.3, 0.25), (0.5, 0.15), (0.68, 0.25), (0.6, 0.42), (0.45, 0.5), (0.7, 0.66), (0.5, 0.85), (0.3, 0.78)]
PATIENCE = 60_000  # ms, for what trains: the machine may be busy
FAST, SLOW = "as fast as it goes", "in about 20 s"
SMALL = {"train_size": "200", "epochs": "3"}


def open_page(page: Page, app: ServedApp, query: str = "") -> str:
    """Opens the app and gives the visitor's session id, by which the store knows their runs."""
    with page.expect_request("**/heartbeat/*") as heartbeat:
        page.goto(f"{app.address}/{query}")
    page.wait_for_function("sessionStorage.getItem('mnist-lab-visit')")  # comes with what the link asks for
    expect(page.locator("#train")).to_be_enabled()
    return heartbeat.value.url.rsplit("/", 1)[1]


def choose(page: Page, elem_id: str, option: str) -> None:
    page.locator(f"#{elem_id} input").first.click()
    page.get_by_role("option", name=option, exact=True).click()


def type_in(page: Page, knob: str, text: str) -> None:
    box = page.locator(f"#knob-{knob} input").first
    box.fill("")
    box.press_sequentially(text)
    box.press("Enter")


def set_knobs(page: Page, **knobs: str) -> None:
    for knob, text in knobs.items():
        type_in(page, knob, text)


def make_equal(page: Page) -> None:
    choose(page, "b-knob-0", "nothing")
    expect(page.locator("#difference")).to_contain_text("Run B is run A: no knob differs")


def card(page: Page, name: str) -> Locator:
    return page.locator(f".mnist-run[data-run={name}]")


def expect_status(page: Page, status: str) -> None:
    for name in "AB":
        expect(card(page, name)).to_have_attribute("data-status", status, timeout=PATIENCE)


def runs_of(app: ServedApp, owner: str) -> tuple[Run, Run]:
    a, b = app.store.of_owner(owner)[-2:]
    return a, b


def losses(run: Run) -> list[tuple[int, float, float]]:
    return [(point.step, point.train_loss, point.val_loss) for point in run.history]


def expect_answered(page: Page) -> Locator:
    """The bars, once they answer the last drawing posted."""
    seq = str(page.locator("#canvas .mnist-canvas").get_attribute("data-seq"))
    bars = page.locator("#bars .mnist-bars")
    expect(bars).to_have_attribute("data-seq", seq)
    return bars


def wait_until(is_met: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_met():
        assert time.monotonic() < deadline, f"still waiting: {what}"
        time.sleep(0.05)


def test_a_three_drawn_with_the_mouse_is_read_by_the_shipped_cnn(page: Page, app: ServedApp) -> None:
    open_page(page, app)
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator("#canvas .mnist-canvas canvas")).to_be_visible()
    bars = page.locator("#bars .mnist-bars")
    expect(bars.get_by_role("button")).to_have_count(0)
    draw(page, THREE)
    expect_answered(page)
    cnn = page.locator("#bars .mnist-bars-model").first
    expect(cnn).to_contain_text("CNN")
    expect(cnn.locator(".mnist-bars-digit")).to_have_text("3")
    assert [text.split()[0] for text in cnn.get_by_role("button").all_inner_texts()] == list("0123456789")
    assert int(str(page.locator("#tiles .mnist-tiles").get_attribute("data-count"))) >= 3
    page.locator("#canvas .mnist-canvas [data-do=clear]").click()
    expect_answered(page)
    expect(bars).to_contain_text(re.compile("draw a digit", re.I))
    expect(bars.get_by_role("button").locator("visible=true")).to_have_count(0)


def test_a_pair_is_trained_stopped_resumed_and_then_reads_a_drawing(page: Page, app: ServedApp) -> None:
    owner = open_page(page, app)
    set_knobs(page, train_size="5000", epochs="8")
    choose(page, "pace", SLOW)  # time enough to click Stop, however busy the machine
    page.locator("#train").click()
    curves = page.locator("#curves .mnist-curves")
    expect(curves).to_have_attribute("data-epoch", re.compile("[1-9]"), timeout=PATIENCE)
    expect(page.locator("#train")).to_be_disabled()
    page.locator("#stop").click()
    expect(page.locator("#notice")).to_contain_text("Stopped", timeout=PATIENCE)
    run, other = runs_of(app, owner)
    assert run.status is Status.RUNNING
    assert not run.is_busy
    stopped_at = run.step
    total = 8 * 79
    assert 0 < stopped_at < total
    expect(card(page, "A")).to_have_attribute("data-step", str(stopped_at))
    choose(page, "pace", FAST)
    page.locator("#resume").click()
    expect_status(page, "finished")
    expect(page.locator("#resume")).to_be_disabled()
    expect(page.locator("#train")).to_be_enabled()
    assert (run.step, other.step) == (total, total)
    assert [point.step for point in run.history] == sorted({point.step for point in run.history})
    expect(page.locator("#curves svg[data-chart=loss] .mnist-line.mnist-val")).to_have_count(2)
    expect(page.locator("#curves svg[data-chart=loss] .mnist-ring")).to_have_count(2)
    for line in (page.locator("#curves .mnist-line.mnist-val").nth(0), page.locator("#curves .mnist-train").nth(0)):
        assert "NaN" not in str(line.get_attribute("d"))
    expect(card(page, "A")).to_contain_text("8 of 8, finished")
    page.get_by_role("tab", name="Draw").click()
    box = page.locator("#models input")
    for _ in page.locator("#models .token-remove").all():
        box.press("Backspace")
    box.fill(f"Your run {run.name}, best")
    page.get_by_role("option", name=re.compile(f"Your run {run.name}, best")).click()
    box.press("Escape")
    draw(page, THREE)
    expect_answered(page)
    own = page.locator("#bars .mnist-bars-model:visible", has_text=f"Your run {run.name}, best")
    expect(own.get_by_role("button")).to_have_count(10)
    expect(own.locator(".mnist-bars-digit")).to_have_text(re.compile(r"^\d\??$"))


@pytest.mark.slow  # the engine's tests say the same of every knob
def test_equal_knobs_give_identical_curves_and_a_seed_does_not(page: Page, app: ServedApp) -> None:
    owner = open_page(page, app)
    set_knobs(page, **SMALL, dropout="0.3")
    choose(page, "pace", FAST)
    make_equal(page)
    page.locator("#train").click()
    expect_status(page, "finished")
    a, b = runs_of(app, owner)
    assert losses(a) == losses(b)
    assert len(a.history) > 3
    lines = page.locator("#curves svg[data-chart=loss] .mnist-line.mnist-val")
    assert lines.nth(0).get_attribute("d") == lines.nth(1).get_attribute("d")
    choose(page, "b-knob-0", "Seed")
    expect(page.locator("#difference")).to_contain_text("seed 0 → 1")
    page.locator("#train").click()
    expect(card(page, "B")).to_contain_text("seed 1")
    expect_status(page, "finished")
    a, b = runs_of(app, owner)
    assert losses(a) != losses(b)


def test_a_learning_rate_too_high_diverges_and_says_so(page: Page, app: ServedApp) -> None:
    owner = open_page(page, app, "?optimizer=sgd&learning_rate=0.1&epochs=5&b.learning_rate=100")
    expect(page.locator("#difference")).to_contain_text("learning rate 0.1 → 100")
    assert app.store.of_owner(owner) == [], "a link must not start a training"
    choose(page, "pace", FAST)
    page.locator("#train").click()
    expect(card(page, "B")).to_have_attribute("data-status", "diverged", timeout=PATIENCE)
    expect(card(page, "A")).to_have_attribute("data-status", "finished", timeout=PATIENCE)
    expect(page.locator("#notice")).to_contain_text("Run B diverged")
    expect(page.locator("#curves")).to_contain_text("B: diverged")
    assert "NaN" not in page.locator("#curves").inner_html()


def test_a_number_deleted_is_asked_for(page: Page, app: ServedApp) -> None:
    open_page(page, app)
    page.locator("#knob-dropout input[type=number]").fill("")
    expect(page.locator("#difference")).to_contain_text("(dropout) cannot be")
    page.locator("#knob-dropout input[type=number]").fill("0.5")
    expect(page.locator("#difference")).to_contain_text("Run B is run A, but")


def test_a_wrong_value_gives_one_sentence_and_trains_nothing(page: Page, app: ServedApp) -> None:
    owner = open_page(page, app)
    for knob, wrong, right in (
        ("learning_rate", "five", "0.01"),
        ("epochs", "9999", "3"),
        ("hidden_sizes", "8-x", "8"),
    ):
        type_in(page, knob, wrong)
        sentence = re.compile(rf"\({knob}\) cannot be .*{wrong}.*: give .*\.")
        expect(page.locator("#difference")).to_contain_text(sentence)
        page.locator("#train").click()
        expect(page.locator("#notice")).to_contain_text(sentence)
        expect(page.locator("#notice [role=alert]")).to_have_count(1)
        assert app.store.of_owner(owner) == []
        expect(page.locator("#train")).to_be_enabled()
        type_in(page, knob, right)
        expect(page.locator("#difference")).not_to_contain_text("cannot be")
        expect(page.locator("#notice [role=alert]")).to_have_count(0)  # it was about another value


def test_a_closed_tab_ends_its_training_and_the_server_lives(browser: Browser, page: Page, app: ServedApp) -> None:
    context = browser.new_context()
    leaving = context.new_page()
    owner = open_page(leaving, app)
    set_knobs(leaving, train_size="20000")
    leaving.locator("#train").click()
    wait_until(lambda: any(run.history for run in app.store.of_owner(owner)), "the first point")
    runs = app.store.of_owner(owner)
    assert all(run.is_busy for run in runs)
    context.close()
    wait_until(lambda: not any(run.is_busy for run in runs), "its training has ended")
    assert app.store.of_owner(owner) == runs, "its runs rest, in case it comes back"
    owner = open_page(page, app)
    set_knobs(page, **SMALL)
    choose(page, "pace", FAST)
    page.locator("#train").click()
    expect_status(page, "finished")
    assert app.cluster.status.workers == 2


def test_train_clicked_many_times_trains_one_pair(page: Page, app: ServedApp) -> None:
    owner = open_page(page, app)
    set_knobs(page, **SMALL)
    choose(page, "pace", FAST)
    page.evaluate("() => { for (let i = 0; i < 20; i++) document.querySelector('#train').click(); }")
    expect_status(page, "finished")
    expect(page.locator("#train")).to_be_enabled()
    assert len(app.store.of_owner(owner)) == 2
    page.locator("#train").click()
    wait_until(lambda: len(app.store.of_owner(owner)) == 4, "a click of its own to start a pair")
    expect(page.locator("#train")).to_be_enabled()


def test_two_tabs_train_side_by_side_and_see_only_their_own_runs(page: Page, app: ServedApp) -> None:
    other = page.context.new_page()
    owners = [open_page(each, app) for each in (page, other)]
    for each, epochs in ((page, "2"), (other, "3")):
        each.bring_to_front()  # a tab behind another is slow
        set_knobs(each, train_size="200", epochs=epochs)
        choose(each, "pace", FAST)
    for each in (page, other):
        each.bring_to_front()
        each.locator("#train").click()
    for each in (page, other):
        each.bring_to_front()
        expect_status(each, "finished")
    assert owners[0] != owners[1]
    assert [[run.experiment.epochs for run in app.store.of_owner(owner)] for owner in owners] == [[2, 2], [3, 3]]
    other.get_by_role("tab", name="Draw").click()
    other.locator("#models input").click()
    expect(other.get_by_role("option", name=re.compile("Your run .*, last"))).to_have_count(2)
    expect(other.get_by_role("option", name=re.compile(r"last \(epoch 3\)"))).to_have_count(2)


# Large areas that stay bright in dark mode.
SLABS = """() => [...document.querySelectorAll('.gradio-container *')].filter((node) => {
  const box = node.getBoundingClientRect(), color = getComputedStyle(node).backgroundColor;
  const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
  const isLarge = box.width * box.height > 12000 && node.checkVisibility() && node.type !== 'range';
  return isLarge && a > 0.5 && (r + g + b) / 3 > 140;
}).map((node) => node.outerHTML.slice(0, 120))"""


@pytest.mark.slow  # test_theme measures every surface
def test_dark_mode_has_no_white_slabs(page: Page, app: ServedApp) -> None:
    open_page(page, app, "?__theme=dark")
    set_knobs(page, **SMALL)
    choose(page, "pace", FAST)
    page.locator("#train").click()
    expect_status(page, "finished")
    lines = page.locator("#curves svg[data-chart=loss] .mnist-line.mnist-val")
    strokes = [lines.nth(index).evaluate("node => getComputedStyle(node).stroke") for index in (0, 1)]
    assert strokes == ["rgb(86, 180, 233)", "rgb(230, 159, 0)"]
    for tab in page.get_by_role("tablist").first.get_by_role("tab").all():
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        assert page.evaluate(SLABS) == []


def test_a_phone_needs_no_sideways_scroll_on_any_tab(page: Page, app: ServedApp) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, app)
    choose(page, "pace", SLOW)
    page.locator("#train").click()
    expect(page.locator("#curves .mnist-curves")).to_have_attribute("data-epoch", re.compile("[1-9]"), timeout=PATIENCE)
    page.locator("#stop").click()
    expect(page.locator("#train")).to_be_enabled(timeout=PATIENCE)
    names = page.get_by_role("tablist").first.get_by_role("tab").all_inner_texts()
    assert {"Train", "Draw"} <= set(names)
    for name in names:
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    page.get_by_role("tab", name="Train").click()
    for menu in page.get_by_role("button", name="More tabs").all():
        expect(menu).to_be_hidden()


@pytest.mark.usefixtures("mnist_root")
def test_the_command_serves_the_page_and_ends_cleanly() -> None:
    port = free_port()
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    server = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_heed_interrupts,
    )
    try:
        wait_until(lambda: _is_served(port), "the page", seconds=90)
        assert server.poll() is None
        listening = {c.laddr.ip for c in psutil.Process(server.pid).net_connections("tcp") if c.status == "LISTEN"}
        assert listening == {"127.0.0.1"}
        wait_until(lambda: len(psutil.Process(server.pid).children(recursive=True)) >= 2, "the workers")
        family = psutil.Process(server.pid).children(recursive=True)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=60)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def _heed_interrupts() -> None:
    """For a child of a shell that runs its jobs in the background, where Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _is_served(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return b"MNIST Lab" in answer.read()
    except OSError:
        return False
