"""Own digits in a real browser: asked for, kept there, scored, saved, opened and deleted; and the table's words."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images.data import TrainingData, load_validation_data
from mnist_demo.images.own_digits import own_digits, read_file
from mnist_demo.images.pens import Pens
from mnist_demo.inference import own_hand
from mnist_demo.inference.recognize import shipped_cnn
from mnist_demo.serving.own_scores import OwnScore
from mnist_demo.ui.components.own_digits import SentDigits, read_sent_digits
from mnist_demo.ui.drawing.digits import to_png
from mnist_demo.ui.drawing.own_panel import score_table
from tests.images.own_hand import drawings_of, file_of
from tests.ui.conftest import ServedApp
from tests.ui.pen import draw_digit

KEPT = "mnist-lab-own-digits"
KEPT_JS = f"localStorage.getItem('{KEPT}')"


def open_draw(page: Page, app: ServedApp) -> Locator:
    page.goto(f"{app.address}/#draw")
    own = page.locator("#own .mnist-own")
    expect(own).to_be_visible()
    return own


def draw_asked(page: Page, own: Locator) -> int:
    asked = int(own.locator("[data-part=asks] p b").inner_text())
    expect(page.locator("#canvas .mnist-canvas-hint")).to_have_text(f"Draw a {asked}")
    draw_digit(page, asked)
    return asked


def test_thirty_digits_are_asked_for_kept_and_scored(page: Page, app: ServedApp, written: Pens) -> None:
    own = open_draw(page, app)
    begun = file_of(drawings_of(written, 27))
    page.evaluate(f"text => localStorage.setItem('{KEPT}', text)", begun)
    page.reload()
    expect(own).to_have_attribute("data-count", "27")
    own.get_by_role("button", name="Draw more").click()
    first = draw_asked(page, own)
    assert first not in (0, 1, 7), "a digit is asked for of which there are fewest"
    page.keyboard.press("Enter")
    expect(own).to_have_attribute("data-count", "28")
    own.get_by_role("button", name="Undo last").click()
    expect(own).to_have_attribute("data-count", "27")
    assert draw_asked(page, own) == first
    expect(own).to_have_attribute("data-count", "28")  # by itself
    second = draw_asked(page, own)
    own.get_by_role("button", name="Next").click()
    third = draw_asked(page, own)
    assert len({first, second, third}) == 3
    table = page.locator("#own-table")
    expect(table).to_contain_text("of 30")  # while it still might have gone on
    expect(own.get_by_role("button", name="Draw more")).to_be_visible()
    expect(own).to_contain_text("30 of your digits, kept in this browser.")
    expect(page.locator("#canvas .mnist-canvas")).to_have_attribute("data-strokes", "0")

    kept = read_file(page.evaluate(KEPT_JS))
    hand = own_hand.score(shipped_cnn(), kept)
    assert len(kept) == 30
    expect(table.locator("tbody tr").first).to_contain_text(f"{hand.right} of 30")
    added = [each["label"] for each in json.loads(page.evaluate(KEPT_JS))["digits"][27:]]
    assert added == [first, second, third]


def test_a_set_is_corrected_saved_deleted_and_opened(page: Page, app: ServedApp, tmp_path: Path) -> None:
    own = open_draw(page, app)
    expect(own).to_contain_text("Three of each digit")
    draw_digit(page, 4)
    own.get_by_role("button", name="9", exact=True).click()
    expect(own).to_contain_text("Kept as a 9: now 1 of your digits")
    page.reload()
    expect(own).to_have_attribute("data-count", "1")
    own.get_by_role("button", name="Score").click()
    expect(page.locator("#own-table")).to_contain_text("of 1")
    expect(page.locator("#own-wrong")).to_contain_text("9 as 4")
    with page.expect_download() as download:
        own.get_by_role("button", name="Save file").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "my-digits.json"
    assert read_file(path.read_text()).split.labels.tolist() == [9]

    own.get_by_role("button", name="Delete").click()
    assert page.evaluate(KEPT_JS)
    own.get_by_role("button", name="Delete all 1?").click()
    expect(own).to_have_attribute("data-count", "0")
    expect(page.locator("#own-scores")).to_be_hidden()
    assert page.evaluate(KEPT_JS) is None

    own.locator("input[type=file]").set_input_files(path)
    expect(own).to_have_attribute("data-count", "1")
    expect(page.locator("#own-table")).to_contain_text("of 1")
    own.locator("input[type=file]").set_input_files(path)  # what is there already comes once
    page.wait_for_timeout(500)
    expect(own).to_have_attribute("data-count", "1")
    for name, text, told in (
        ("other.json", '{"format": "x"}', "This is not a file of own digits"),
        ("label.json", path.read_text().replace('"label":9', '"label":10'), "has the label 10"),
    ):
        (tmp_path / name).write_text(text)
        own.locator("input[type=file]").set_input_files(tmp_path / name)
        expect(page.locator("#own, #own-words").filter(has_text=told)).to_be_visible()
    assert json.loads(page.evaluate(KEPT_JS))["digits"] == json.loads(path.read_text())["digits"]


def test_only_a_text_and_its_number_are_read() -> None:
    assert read_sent_digits({"text": "x", "seq": 3}) == SentDigits("x", 3)
    for value in (None, 7, [], {}, {"text": 7, "seq": 1}, {"text": "x"}, {"text": "x", "seq": True}, {"seq": -1}):
        with pytest.raises(InvalidDrawing, match="No digits have arrived"):
            read_sent_digits(value)


def test_the_table_names_networks_as_text_and_says_which_figure_is_mnists(mnist_root: Path) -> None:
    val = load_validation_data(mnist_root).first(30)
    hand = own_hand.score(shipped_cnn(), own_digits(val.images, val.labels))
    scores = [
        OwnScore("a", "<b>mine", hand, 0.981, is_tested=False),
        OwnScore("b", "None", None, None, is_tested=False),
    ]
    table = score_table(scores, 30, 50)
    assert "&lt;b&gt;mine" in table
    assert "<td><b>30</b> of 30</td><td>89–100%</td><td>98.10% (val.)</td>" in table
    assert "<td>no numbers</td><td>–</td><td>–</td>" in table
    assert "Your runs have learned from 20 of your 50 digits: the others are the test." in table
    assert "learned from" not in score_table(scores, 30, 30)


def test_run_b_learns_from_half_of_the_digits_and_the_other_half_tests_it(
    page: Page, app: ServedApp, training_data: TrainingData
) -> None:
    some = training_data.val.first(60)
    drawn = [(int(label), to_png(image.numpy())) for image, label in zip(some.images, some.labels, strict=True)]
    page.goto(f"{app.address}/?b.own_digits=0123456789abcdef")
    expect(page.locator("#difference")).to_contain_text("my digits none → yours (0123)")
    page.locator("#train").click()
    expect(page.locator("#notice")).to_contain_text("own digits that are not here")
    own = open_draw(page, app)
    page.evaluate(f"text => localStorage.setItem('{KEPT}', text)", file_of(drawn))
    page.goto(f"{app.address}/?train_size=300&epochs=2&hidden_sizes=16#draw")
    page.reload()
    expect(own).to_have_attribute("data-count", "60")
    expect(page.locator("#knob-train_size input")).to_have_value("300")  # the page shows what its address asks for
    own.get_by_role("button", name="Train with them").click()
    expect(page.locator("#train")).to_be_visible()
    learned, tested = read_file(file_of(drawn)).parted()
    assert tested
    expect(page.locator("#difference")).to_contain_text(f"my digits none → yours ({learned.digest[:4]})")
    page.locator("#pace input").click()
    page.get_by_role("option", name="as fast as it goes").click()
    page.locator("#train").click()
    expect(page.locator(".mnist-run[data-status=finished]")).to_have_count(2, timeout=90_000)
    page.get_by_role("tab", name="Draw").click()
    own.get_by_role("button", name="Score").click()
    table = page.locator("#own-table")
    expect(table).to_contain_text(f"Your runs have learned from {len(learned)} of your 60 digits")
    expect(table.locator("tbody tr")).to_have_count(5)
    expect(table.locator("tbody tr").last).to_contain_text(f"of {len(tested)}")

    page.goto(f"{app.address}/?lesson=dropout&knobs=locked")
    expect(page.locator("#difference")).to_contain_text("locks the knobs")
    page.get_by_role("tab", name="Draw").click()
    own.get_by_role("button", name="Train with them").click()
    expect(page.locator("#own-words")).to_contain_text("locks the knobs")
