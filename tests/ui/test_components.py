"""The four components in a real Chromium, on a page of invented values; and the functions that build those values."""

import base64
import io
import json
import math
import re
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from mnist_demo.errors import InvalidDrawing
from mnist_demo.ui.components.bars import answer
from mnist_demo.ui.components.canvas import read_ink
from mnist_demo.ui.components.curves import curve
from mnist_demo.ui.components.tiles import tile
from tests.ui.components_page import build_page
from tests.ui.pen import draw

# Gradio's queue statistics use a pandas option that pandas has since deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")

THREE = [(0.3, 0.25), (0.5, 0.15), (0.68, 0.25), (0.6, 0.42), (0.45, 0.5), (0.7, 0.66), (0.5, 0.85), (0.3, 0.78)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    blocks = build_page()
    blocks.queue(default_concurrency_limit=8)
    blocks.launch(
        server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, ssr_mode=False, quiet=True, share=False
    )
    yield f"http://127.0.0.1:{port}"
    blocks.close(verbose=False)


def open_draw(page: Page, address: str) -> Locator:
    page.goto(address)
    page.get_by_role("tab", name="Draw").click()
    canvas = page.locator(".mnist-canvas canvas")
    expect(canvas).to_be_visible()
    return canvas


def posted(page: Page) -> Locator:
    """What the server says about a drawing: never about an older one than it has said already."""
    return page.locator(".mnist-tiles small").last


def wait_posted(page: Page, strokes: int) -> dict[str, Any]:
    """What the server says about the last drawing, once it has answered all that were posted."""
    seq = page.locator(".mnist-canvas").get_attribute("data-seq")
    expect(page.locator(".mnist-bars")).to_have_attribute("data-seq", str(seq))
    expect(posted(page)).to_have_text(re.compile(rf'"seq": {seq},.*"strokes": {strokes}\b'))
    return dict(json.loads(posted(page).inner_text()))


def shown_pixels(page: Page) -> bytes:
    url = page.locator(".mnist-canvas canvas").evaluate("canvas => canvas.toDataURL()")
    return bytes(np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))).tobytes())


def grow(page: Page) -> None:
    page.get_by_role("button", name="Grow").click()


def test_curves_grow_in_place_under_a_living_tooltip(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".mnist-curves")).to_contain_text("dashed")
    expect(page.locator("svg[data-chart=loss]")).to_be_hidden()
    grow(page)
    curves = page.locator(".mnist-curves")
    expect(curves).to_have_attribute("data-epoch", re.compile(r"^\d"))
    first = page.locator("svg[data-chart=loss] .mnist-line.mnist-val").first
    first.evaluate("node => { window.firstLine = node }")
    page.locator("svg[data-chart=loss]").hover(position={"x": 60, "y": 60})
    tip = page.locator(".mnist-curves-tip")
    expect(tip).to_contain_text("validation loss")
    expect(curves).to_have_attribute("data-epoch", "40")
    expect(tip).to_be_visible()
    assert first.evaluate("node => node === window.firstLine"), "the line was drawn anew"
    assert len(str(first.get_attribute("d")).split("L")) == 81
    expect(page.locator("svg[data-chart=loss] .mnist-ring")).to_have_count(2)
    expect(page.locator("svg[data-chart=accuracy] .mnist-line")).to_have_count(4)
    label = str(page.locator("svg[data-chart=loss]").get_attribute("aria-label"))
    assert "A (dropout 0): validation 0.740" in label
    assert "lowest validation loss at epoch" in label
    page.locator("svg[data-chart=loss]").focus()
    page.keyboard.press("Home")
    expect(page.locator(".mnist-curves-tip")).to_contain_text("epoch 0,")
    expect(page.locator(".mnist-curves-tip tr", has_text="running train loss")).to_contain_text("–")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".mnist-curves-spoken")).to_contain_text("epoch 0.5, 500 images seen")
    page.keyboard.press("Escape")
    expect(page.locator(".mnist-curves-tip")).to_be_hidden()
    run_b = page.locator(".mnist-curves-legend button", has_text="dropout 0.5")
    run_b.focus()
    page.keyboard.press("Enter")
    expect(run_b).to_have_attribute("aria-pressed", "false")
    expect(page.locator("svg[data-chart=accuracy] .mnist-line")).to_have_count(2)
    page.get_by_role("button", name="images seen").click()
    expect(page.locator("svg[data-chart=loss]")).to_contain_text("k")


def test_an_exploding_run_leaves_the_others_readable_and_names_are_text(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Diverge").click()
    curves = page.locator(".mnist-curves")
    expect(curves).to_have_attribute("data-seq", "1000")
    ticks = page.locator("svg[data-chart=loss] text[text-anchor=end]").all_text_contents()
    assert max(float(tick) for tick in ticks if re.fullmatch(r"[\d.]+", tick)) < 4
    expect(curves).to_contain_text("B: diverged: the loss became NaN at epoch 4")
    expect(page.locator("svg[data-chart=loss] .mnist-cross")).to_have_count(1)
    expect(page.locator("svg[data-chart=loss] .mnist-cursor")).to_have_count(1)
    page.get_by_role("button", name="log loss").click()
    expect(page.locator("svg[data-chart=loss]")).to_contain_text("10000")
    page.get_by_role("button", name="Many").click()
    expect(page.locator(".mnist-curves")).to_have_attribute("data-seq", "2000")
    expect(page.locator(".mnist-curves-legend")).to_contain_text("<b>deep & slow</b>")
    page.get_by_role("tab", name="Draw").click()  # its boxes are in the page from now on
    page.get_by_role("tab", name="Train").click()
    page.locator("svg[data-chart=loss]").click(position={"x": 200, "y": 100})
    page.get_by_role("tab", name="Draw").click()
    expect(page.get_by_label("picked")).to_have_value(re.compile(r"\[\d+, [\d.]+\]"))


def test_a_stroke_is_posted_while_it_is_drawn_and_answered_in_bars_and_tiles(page: Page, address: str) -> None:
    open_draw(page, address)
    expect(page.get_by_text("Draw a digit here")).to_be_visible()
    draw(page, THREE, lift=False)
    expect(posted(page)).to_have_text(re.compile('"final": false'))
    page.mouse.up()
    facts = wait_posted(page, strokes=1)
    assert facts["final"] is True
    assert facts["size"] == [280, 280]
    assert facts["at_once"] <= 2  # the end of a stroke does not wait for the answer to its middle
    assert 0.05 < facts["ink"] < 0.4
    bars = page.locator(".mnist-bars")
    expect(bars).to_have_attribute("data-digits", "3,,8")
    cards = page.locator(".mnist-bars-model")
    expect(cards.nth(0).locator(".mnist-bars-digit")).to_have_text("3")
    expect(cards.nth(0)).to_contain_text("96.2% sure")
    expect(cards.nth(1)).to_contain_text("This looks like two digits.")
    expect(cards.nth(1)).not_to_contain_text("sure")
    expect(bars).to_contain_text("They disagree: CNN 3, MLP with dropout refuses, Run A 8")
    expect(page.locator(".mnist-bars-spoken")).to_contain_text("CNN: 3, 96.2% sure.")
    digits = cards.nth(0).get_by_role("button").all_inner_texts()
    assert [text.split()[0] for text in digits] == [str(digit) for digit in range(10)]
    expect(cards.nth(0).get_by_role("button", name="4: < 0.1%")).to_be_visible()  # a softmax gives no digit nothing
    cards.nth(2).get_by_role("button", name="8: 46.0%").press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_label("picked")).to_have_value("[[2, 7], 7]")
    expect(page.locator(".mnist-tiles")).to_have_attribute("data-count", "4")
    expect(page.locator(".mnist-tiles")).to_have_attribute("aria-label", "What the network sees")
    pixels = page.locator(".mnist-tiles canvas").first.evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, index) => index % 4 === 0)"
    )
    assert pixels == [(row * 9 + column) % 256 for row in range(28) for column in range(28)]
    page.get_by_role("button", name="stage heat").click()
    expect(page.get_by_label("picked")).to_have_value('[2, "stage heat"]')


def test_undo_redo_clear_and_eraser_by_keyboard_and_button(page: Page, address: str) -> None:
    open_draw(page, address)
    expect(page.get_by_role("button", name="Download")).to_be_disabled()
    blank = shown_pixels(page)
    draw(page, THREE)
    wait_posted(page, strokes=1)
    one = shown_pixels(page)
    draw(page, [(0.1, 0.9), (0.9, 0.9)])
    ink = wait_posted(page, strokes=2)["ink"]
    two = shown_pixels(page)
    page.keyboard.press("Control+z")
    wait_posted(page, strokes=1)
    assert shown_pixels(page) == one
    page.keyboard.press("Control+Shift+Z")
    assert shown_pixels(page) == two
    page.keyboard.press("Delete")
    assert wait_posted(page, strokes=0)["bytes"] == 0
    assert shown_pixels(page) == blank
    expect(page.locator(".mnist-bars")).to_contain_text("Draw a digit")
    page.get_by_role("button", name="Undo").click()
    assert shown_pixels(page) == two, "a clear can be undone"
    page.locator(".mnist-canvas canvas").focus()
    page.keyboard.press("e")
    expect(page.get_by_role("button", name="Eraser")).to_have_attribute("aria-pressed", "true")
    draw(page, [(0.1, 0.9), (0.9, 0.9)])
    assert 0 < wait_posted(page, strokes=3)["ink"] < 0.9 * ink
    page.get_by_role("tab", name="Draw").focus()  # elsewhere on the page
    page.keyboard.press("Control+z")
    assert shown_pixels(page) == two
    page.keyboard.press("Control+y")
    page.keyboard.press("b")  # a letter means nothing there
    expect(page.get_by_role("button", name="Eraser")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Redo")).to_be_disabled()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    with Image.open(download.value.path()) as picture:
        assert (picture.format, picture.size) == ("PNG", (280, 280))


def test_what_is_all_erased_is_blank(page: Page, address: str) -> None:
    open_draw(page, address)
    page.locator(".mnist-canvas canvas").focus()
    page.keyboard.press("e")
    draw(page, [(0.3, 0.5), (0.7, 0.5)])
    expect(page.locator(".mnist-canvas")).to_have_attribute("data-strokes", "0")
    expect(page.get_by_text("Draw a digit here")).to_be_visible()
    page.keyboard.press("b")
    draw(page, [(0.5, 0.4), (0.5, 0.5)])
    expect(page.get_by_role("button", name="Download")).to_be_enabled()
    page.keyboard.press("e")
    for height in (0.36, 0.4, 0.44, 0.48, 0.52):
        draw(page, [(0.4, height), (0.6, height)])
    expect(page.locator(".mnist-canvas")).to_have_attribute("data-strokes", "0")
    expect(page.get_by_role("button", name="Download")).to_be_disabled()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".mnist-canvas")).not_to_have_attribute("data-strokes", "0")


def test_a_picture_from_the_server_is_one_step_and_survives_tabs(page: Page, address: str) -> None:
    open_draw(page, address)
    draw(page, THREE)
    wait_posted(page, strokes=1)
    drawn = shown_pixels(page)
    seq = str(page.locator(".mnist-canvas").get_attribute("data-seq"))
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.locator(".mnist-canvas")).not_to_have_attribute("data-seq", seq)
    assert 0.02 < wait_posted(page, strokes=1)["ink"] < 0.2
    loaded = shown_pixels(page)
    assert loaded != drawn
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("tab", name="Draw").click()
    assert shown_pixels(page) == loaded
    page.get_by_role("button", name="Undo").click()
    assert shown_pixels(page) == drawn


def test_a_phone_needs_no_sideways_scroll(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_draw(page, address)
    draw(page, THREE)
    wait_posted(page, strokes=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.locator(".mnist-canvas button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
    page.get_by_role("tab", name="Train").click()
    grow(page)
    expect(page.locator(".mnist-curves")).to_have_attribute("data-epoch", "40")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_touch_draws_without_scrolling(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    canvas = open_draw(page, address)
    assert canvas.evaluate("node => getComputedStyle(node).touchAction") == "none"
    box = canvas.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + 90, box["y"] + 90)
    wait_posted(page, strokes=1)
    context.close()


def press(page: Page, kind: str, pointer: str, number: int, x: float, y: float) -> None:
    """A touch or a pen at a place in shares of the canvas; browsers give no other way to have two at once."""
    page.locator(".mnist-canvas canvas").evaluate(
        """(canvas, [kind, pointerType, pointerId, x, y]) => {
          canvas.setPointerCapture = () => {}; // no such pointer exists
          const box = canvas.getBoundingClientRect();
          const place = {clientX: box.left + box.width * x, clientY: box.top + box.height * y};
          canvas.dispatchEvent(new PointerEvent(kind, {pointerType, pointerId, button: 0, bubbles: true, ...place}));
        }""",
        [kind, pointer, number, x, y],
    )


def test_a_pen_wins_over_the_palm_that_landed_first(page: Page, address: str) -> None:
    open_draw(page, address)
    press(page, "pointerdown", "touch", 11, 0.9, 0.9)
    press(page, "pointermove", "touch", 11, 0.95, 0.95)
    press(page, "pointerdown", "pen", 12, 0.3, 0.2)
    press(page, "pointermove", "pen", 12, 0.3, 0.6)
    press(page, "pointerup", "touch", 11, 0.95, 0.95)
    press(page, "pointermove", "pen", 12, 0.3, 0.8)
    press(page, "pointerup", "pen", 12, 0.3, 0.8)
    press(page, "pointerdown", "touch", 13, 0.9, 0.9)  # the palm rests again between two strokes
    press(page, "pointerup", "touch", 13, 0.9, 0.9)
    drawn = wait_posted(page, 1)
    assert 0.02 < drawn["ink"] < 0.07  # one stroke, no blot
    assert page.get_by_role("button", name="Undo").is_enabled()


def test_a_drawing_with_its_steps_is_there_when_the_page_is_loaded_again(page: Page, address: str) -> None:
    open_draw(page, address)
    draw(page, THREE)
    draw(page, [(0.2, 0.9), (0.8, 0.9)])
    wait_posted(page, 2)
    before = shown_pixels(page)
    page.reload()
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator(".mnist-canvas")).to_have_attribute("data-strokes", "2")
    wait_posted(page, 2)
    assert shown_pixels(page) == before
    page.get_by_role("button", name="Undo").click()
    wait_posted(page, 1)


def test_dark_mode_inverts_paper_and_lightens_lines(page: Page, address: str) -> None:
    page.goto(address + "/?__theme=dark")
    grow(page)
    expect(page.locator(".mnist-curves")).to_have_attribute("data-epoch", "40")
    line = page.locator("svg[data-chart=loss] .mnist-line.mnist-val").first
    assert line.evaluate("node => getComputedStyle(node).stroke") == "rgb(86, 180, 233)"
    page.get_by_role("tab", name="Draw").click()
    paper = page.locator(".mnist-canvas-paper")
    assert max(map(int, re.findall(r"\d+", paper.evaluate("node => getComputedStyle(node).backgroundColor")))) < 60


def test_values_are_built_strictly() -> None:
    numbers = [0.1, math.nan, math.inf]
    measured = ("train_loss", "val_loss", "running_loss", "train_accuracy", "val_accuracy")
    lists: dict[str, Any] = dict.fromkeys(measured, numbers)
    built = curve("A", "", epoch=[0, 1, 2], examples=[0, 10, 20], best=1, **lists)
    assert built["val_loss"] == [0.1, None, None]
    with pytest.raises(ValueError, match="differ in length"):
        curve("A", "", epoch=[0], examples=[0], **lists)
    with pytest.raises(ValueError, match="best point 3"):
        curve("A", "", epoch=[0, 1, 2], examples=[0, 10, 20], best=3, **lists)
    assert answer("CNN", probabilities=[0.0] * 7 + [0.9, 0.1, 0.0])["digit"] == 7
    with pytest.raises(ValueError, match="ten probabilities"):
        answer("CNN", probabilities=[1.0])
    with pytest.raises(ValueError, match="784 bytes"):
        tile("x", b"12")


@pytest.mark.parametrize(
    "value", [5, [], "abc", {"ink": 3}, {"ink": "not base64!"}, {"ink": "A" * 500_000}, {"ink": "é"}]
)
def test_a_posted_value_that_is_no_drawing_is_refused_in_a_sentence(value: Any) -> None:
    with pytest.raises(InvalidDrawing, match=r"^[A-Z].*\.$"):
        read_ink(value)


def test_a_blank_drawing_has_no_bytes() -> None:
    assert read_ink(None) == (b"", 0)
    assert read_ink({"ink": "", "seq": 3}) == (b"", 3)
    assert read_ink({"ink": "", "seq": math.nan}) == (b"", 0)
