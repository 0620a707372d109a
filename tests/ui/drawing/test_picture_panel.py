"""A picture of a digit comes onto the canvas: chosen, dropped or pasted, with what was found in it told."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images.data import load_validation_data
from mnist_demo.ui.components.canvas import read_sent_picture
from tests.ui.conftest import ServedApp

READ = "The ink found in your picture is on the canvas."


def photo(root: Path, side: int = 400) -> bytes:
    """A 9 in blue ink on ruled paper, as JPEG."""
    val = load_validation_data(root)
    digit = val.images[int((val.labels == 9).nonzero()[0])].numpy()
    share = np.asarray(Image.fromarray(digit).resize((side, side)))[..., None] / 255
    paper = np.full((side, side, 3), 230.0)
    paper[:: side // 9] = (150, 170, 220)
    buffer = io.BytesIO()
    Image.fromarray((paper * (1 - share) + np.array([40, 45, 90]) * share).astype(np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def choose(page: Page, picture: bytes) -> None:
    file = {"name": "nine.jpg", "mimeType": "image/jpeg", "buffer": picture}
    page.locator("#canvas input[type=file]").set_input_files([file])  # type: ignore[list-item]


def drop(page: Page, picture: bytes) -> None:
    hand_over(page, picture, "root.dispatchEvent(new DragEvent('drop', {dataTransfer: files, bubbles: true}))")


def paste(page: Page, picture: bytes) -> None:
    hand_over(
        page, picture, "document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: files, bubbles: true}))"
    )


def hand_over(page: Page, picture: bytes, how: str) -> None:
    page.evaluate(
        """([base64, how]) => {
          const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)), files = new DataTransfer();
          files.items.add(new File([bytes], 'nine.jpg', {type: 'image/jpeg'}));
          new Function('root', 'files', how)(document.querySelector('#canvas .mnist-canvas canvas'), files);
        }""",
        [base64.b64encode(picture).decode(), how],
    )


def test_a_picture_is_read_however_it_comes_and_stays_when_the_page_is_loaded_again(
    page: Page, app: ServedApp, mnist_root: Path
) -> None:
    page.goto(app.address)
    page.get_by_role("tab", name="Draw").click()
    canvas, words = page.locator("#canvas .mnist-canvas"), page.locator("#picture-words")
    bars = page.locator("#bars .mnist-bars")
    ways: list[Callable[[Page, bytes], None]] = [choose, drop, paste]
    for hand_over_by in ways:
        hand_over_by(page, photo(mnist_root))
        expect(words).to_contain_text(f"{READ} Left out: lines across the picture.")
        expect(bars).to_contain_text("9")
        expect(canvas).to_have_attribute("data-strokes", "1")
        canvas.locator("[data-do=clear]").click()
        expect(canvas).to_have_attribute("data-strokes", "0")
    choose(page, b"\0\0\0\x18ftypheic" + bytes(100))
    expect(words.get_by_role("alert")).to_contain_text("HEIC")
    choose(page, photo(mnist_root, 2_400))  # made smaller by the browser, if its file is large
    expect(canvas).to_have_attribute("data-strokes", "1")
    page.reload()
    page.get_by_role("tab", name="Draw").click()
    expect(canvas).to_have_attribute("data-strokes", "1")
    expect(bars).to_contain_text("9")


@pytest.mark.parametrize(
    "value",
    [None, {}, {"ink": ""}, {"picture": ""}, {"picture": 5}, {"picture": "\u0665"}, {"picture": "A" * 5_000_000}],
)
def test_what_is_no_picture_is_refused_in_a_sentence(value: Any) -> None:
    with pytest.raises(InvalidDrawing, match=r"\.$"):
        read_sent_picture(value)
