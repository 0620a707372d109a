"""Looking back: every part follows one slider; early stopping is told without retraining."""

import base64
import math
import re
import threading
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import torch
from playwright.sync_api import Page, expect

from mnist_demo.errors import InvalidValue
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import load_validation_data
from mnist_demo.images.pictures import read_picture
from mnist_demo.inference.evaluation import CalibrationBin, calibration_bins, evaluate
from mnist_demo.inference.recognize import recognize
from mnist_demo.learning import checkpoints
from mnist_demo.learning.cost import image_count
from mnist_demo.serving import looks
from mnist_demo.serving.looks import CALIBRATION_BINS, nearest_point, scrub_epochs
from mnist_demo.serving.runs import Run
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.serving.visitors import Cell, Visitor
from mnist_demo.ui.after import scrubber
from mnist_demo.ui.after.scrubber import EMPTY, Scrubber
from mnist_demo.ui.components.calibration import calibration_html
from mnist_demo.ui.components.canvas import create_canvas
from mnist_demo.ui.drawing.digits import first_validation_digits, to_png
from mnist_demo.ui.run_view import PairView
from mnist_demo.ui.visit import Lab, Shown
from tests.ui.conftest import ServedApp
from tests.ui.trained import YOU, do, event, lab_of, named, tiny_pair, train_pair, unserved_page

# Gradio's queue statistics use a pandas option that pandas has since deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")


class Panel:
    """The panel with a trained pair of this visitor."""

    def __init__(self, lab: Lab, visitor: Visitor) -> None:
        self.lab, self.visitor, self.runs = lab, visitor, visitor.pair
        with unserved_page():
            view = PairView()
            view.build_charts()
            self.scrubber = Scrubber(lab, view)
            view.build_cards()
            self.scrubber.build_strip()
            with gr.Tabs() as tabs:
                self.scrubber.build_looks()
                with gr.Tab("Train") as tab:
                    pass
            self.scrubber.connect(create_canvas(), tab, tabs, [])
        looks = self.scrubber.looks
        self.parts = {"cards": view.cards, "strip_a": self.scrubber.strip[0], "strip_b": self.scrubber.strip[1]}
        for name, side, diagram in zip("ab", looks.sides, looks.calibrations, strict=True):
            self.parts |= {f"heading_{name}": side.heading, f"tiles_{name}": side.tiles, f"calibration_{name}": diagram}
        self.parts |= {"confusion": looks.confusion, "cell_words": looks.cell_words, "cell_tiles": looks.cell_tiles}

    def scrub(self, epoch: Any) -> dict[str, Any]:
        """What follows the slider at once."""
        return named(do(self.scrubber.follow(self.visitor, event(0, epoch))), self.parts)

    def look(self, epoch: Any, cell: Cell | None = None) -> dict[str, Any]:
        """What follows it as soon as it is computed."""
        self.scrub(epoch)
        self.visitor.cell = cell
        return named(do(self.scrubber.look(self.visitor)), self.parts)


@pytest.fixture
def panel(mnist_root: Path, tiny: Experiment) -> Panel:
    lab = lab_of(mnist_root)
    return Panel(lab, train_pair(lab, tiny_pair(tiny)))


def test_everything_follows_the_slider(panel: Panel) -> None:
    shown = panel.scrub(1)
    assert [panel.visitor.cursors[run.id] for run in panel.runs] == [1, 1]
    assert "1 of 3, looking back" in shown["cards"]
    assert f"validation {panel.runs[0].history[1].val_accuracy:.1%}" in shown["cards"]
    looks = panel.look(1)
    for name, run in zip("ab", panel.runs, strict=True):
        assert f"Run {name.upper()}, first layer at epoch 1" in looks[f"heading_{name}"]
        assert f"{run.history[1].val_loss:.3f}" in shown["cards"]
        assert calibration_html(calibration_of(run, 1, panel.lab)) in looks[f"calibration_{name}"]
    assert looks["tiles_a"] != panel.look(3)["tiles_a"]


def images_of(run: Run) -> int:
    return image_count(run.experiment, looks.MULTIPLY_ADDS_PER_LOOK, looks.MOST_IMAGES)


def calibration_of(run: Run, index: int, lab: Lab) -> list[CalibrationBin]:
    checkpoint = lab.visitors.store.checkpoint(run, index)
    answers = evaluate(checkpoint, load_validation_data(lab.root).first(images_of(run)))
    return calibration_bins(answers.probabilities.max(axis=1), answers.predictions == answers.labels, CALIBRATION_BINS)


def test_the_strip_is_of_the_weights_of_that_epoch(panel: Panel) -> None:
    panel.visitor.drawing = to_png(first_validation_digits(panel.lab.root)[3])
    images = load_validation_data(panel.lab.root)
    for epoch in (0, 3):
        shown = panel.scrub(epoch)
        for name, run in zip("ab", panel.runs, strict=True):
            kept = checkpoints.unpack(run.snapshots[epoch])
            answer, *units, first, _, _ = shown[f"strip_{name}"]["tiles"]
            expected = recognize(read_picture(panel.visitor.drawing)[..., 0], kept)
            assert answer["caption"] == f"{expected.digit}, {expected.confidence:.0%}"
            assert [each["map"] for each in units] == ["diverging"] * 3
            wrong = evaluate(kept, images.first(50)).predictions
            place = next(at for at in range(50) if wrong[at] != images.labels[at])
            assert first["caption"] == f"read {wrong[place]}"
            assert base64.b64decode(first["pixels"]) == images.images[place].numpy().tobytes()


def test_without_a_drawing_its_place_is_kept(panel: Panel) -> None:
    strip = panel.scrub(1)["strip_a"]["tiles"]
    panel.visitor.drawing = to_png(first_validation_digits(panel.lab.root)[3])
    assert len(strip) == len(panel.scrub(1)["strip_a"]["tiles"])
    assert strip[0]["caption"] == "your digit"


def test_a_training_shows_a_strip_now_and_then_and_never_waits_for_it(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_due = threading.Event()
    make = panel.scrubber._strip
    monkeypatch.setattr(panel.scrubber, "_strip", lambda visitor: (is_due.wait(20), make(visitor))[1])
    clock = [100.0]
    monkeypatch.setattr(scrubber, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    assert panel.scrubber.glance(panel.visitor) == {}, "it is only asked for"
    clock[0] += 5.0
    assert panel.scrubber.glance(panel.visitor) == {}, "it is being made"
    assert do(panel.lab.read_drawing(str.upper, "seven")) == "SEVEN", "drawings do not wait for it"
    is_due.set()
    assert panel.visitor.strip is not None
    expected = panel.visitor.strip.result(20)
    assert set(expected) == set(panel.scrubber.strip)
    clock[0] = panel.visitor.glanced_at + 0.1
    assert panel.scrubber.glance(panel.visitor) == expected
    assert panel.scrubber.glance(panel.visitor) == {}, "in between the curves have the time"
    assert panel.visitor.strip is None
    clock[0] += 5.0
    assert panel.scrubber.glance(panel.visitor) == {}
    assert panel.visitor.strip is not None, "the next one is asked for"


def test_the_draw_tab_offers_the_epoch_looked_at(panel: Panel) -> None:
    shelf = ModelShelf({}, panel.lab.visitors)
    key = f"run:{panel.runs[0].id}:looked at"
    assert key not in [each for _, each in shelf.choices(panel.visitor)]
    panel.scrub(1)
    assert key in [each for _, each in shelf.choices(panel.visitor)]
    assert shelf.find(key, panel.visitor).scores["epoch"] == 1


def test_an_epoch_that_is_not_there_is_taken_to_the_nearest(panel: Panel) -> None:
    for sent, epoch in ((-5, 0), (1.4, 1), (99, 3), (1e6, 3)):
        panel.scrub(sent)
        assert panel.visitor.epoch == epoch
    for sent in (None, "x", math.nan):
        with pytest.raises(InvalidValue):
            panel.scrub(sent)


def test_while_it_trains_nobody_looks_back(panel: Panel) -> None:
    panel.visitor.is_training = True
    assert panel.scrub(1) == panel.look(1) == {}


def test_without_a_pair_nothing_follows(panel: Panel) -> None:
    panel.visitor = panel.lab.visitors.of(YOU)
    assert panel.scrub(1) == panel.look(1) == {}
    assert EMPTY in unescape(panel.scrubber.stop_early(panel.visitor, 5)[panel.scrubber.stopping])


def test_the_end_of_a_training_is_looked_at(panel: Panel) -> None:
    panel.scrub(1)
    panel.visitor.cell = (0, 1, 1)
    opened = panel.scrubber.open(panel.visitor, 5)
    assert (panel.visitor.epoch, panel.visitor.cell, panel.visitor.cursors) == (None, None, {})
    assert opened[panel.scrubber.stopping].count("<p>") == 2
    assert set(panel.scrubber.strip) < set(opened)


def test_weights_that_are_no_numbers_are_refused_in_words(panel: Panel) -> None:
    run = panel.runs[0]
    weights = checkpoints.unpack(run.snapshots[3]).model.state_dict()
    broken = {name: torch.full_like(value, math.nan) for name, value in weights.items()}
    run.snapshots[3] = checkpoints.pack(broken, run.experiment, {})
    shown = panel.scrub(3)
    assert shown["strip_a"]["tiles"] == []
    assert len(shown["strip_b"]["tiles"]) == 7


def test_a_look_that_comes_late_is_dropped(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    show = panel.scrubber.looks.show

    async def slow(*arguments: Any) -> Shown:
        shown = await show(*arguments)
        await panel.scrubber.follow(panel.visitor, event(0, 3))  # the visitor has moved on
        return shown

    panel.scrub(1)
    monkeypatch.setattr(panel.scrubber.looks, "show", slow)
    assert do(panel.scrubber.look(panel.visitor)) == {}


def test_runs_of_different_rhythm_share_one_slider(panel: Panel) -> None:
    a, b = panel.runs
    b.history[:] = [replace(each, epoch=each.epoch / 2) for each in b.history]
    assert scrub_epochs([a, b]) == [0, 0.5, 1, 1.5, 2, 3]
    assert nearest_point(b, 3) == 3
    panel.scrub(1.5)
    assert [panel.visitor.cursors[run.id] for run in (a, b)] == [1, 3]


def test_the_slider_its_buttons_a_click_on_the_curves_a_cell_and_a_mistake(page: Page, app: ServedApp) -> None:
    page.goto(f"{app.address}/?hidden_sizes=16&train_size=100&epochs=6&b.seed=1")
    expect(page.locator("#difference")).to_contain_text("seed")
    page.locator("#pace input").click()
    page.get_by_role("option", name="as fast as it goes").click()
    page.get_by_role("button", name="Train", exact=True).click()
    slider = page.locator("#scrub input")
    expect(slider).to_be_enabled(timeout=60_000)
    page.get_by_role("tab", name="Mistakes", exact=True).click()
    matrices = page.locator(".mnist-confusion")
    expect(matrices).to_have_attribute("data-seq", "6")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(matrices).to_have_attribute("data-seq", "5")
    expect(page.locator("svg[data-chart=loss] .mnist-cursor").first).to_be_visible()
    for name, place in (("first", "0"), ("last", "6")):
        page.locator("#scrub").get_by_role("button", name=name, exact=True).click()
        expect(slider).to_have_value(place)
        expect(matrices).to_have_attribute("data-seq", place)
    page.locator("#scrub [data-jump=play]").click()  # from the first one on, to the last
    expect(page.locator("#scrub [data-jump=play]")).to_have_attribute("aria-pressed", "false")
    expect(slider).to_have_value("6")
    chart = page.locator("svg[data-chart=loss]")
    chart.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(slider).to_have_value("1")
    expect(matrices).to_have_attribute("data-seq", "1")
    page.locator(".mnist-confusion table").first.get_by_role("button", name=re.compile("[1-9].* of 1 ")).first.click()
    expect(page.locator("#cell-tiles .mnist-tiles button").first).to_be_visible()
    page.locator("#cell-tiles .mnist-tiles button").first.click()
    expect(page.locator("#canvas .mnist-canvas")).to_have_attribute("data-strokes", "1")
    page.get_by_text("A digit from MNIST").click()
    page.get_by_role("button", name="What does the first network get wrong?").click()
    expect(page.locator("#mistake-words")).to_contain_text("of 5,000 validation images wrong")
    page.locator("#mistakes .mnist-tiles button").first.click()
    expect(page.locator("#canvas .mnist-canvas")).to_have_attribute("data-strokes", "1")
    page.get_by_role("tab", name="Train").click()
    expect(page.locator("#strip-a .mnist-tiles > *").first).to_contain_text(re.compile("%|digit$"))
