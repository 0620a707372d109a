"""Looking back: every part of the panel follows one slider; early stopping is told without retraining."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from playwright.sync_api import Page, expect

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import load_validation_data
from mnist_demo.images.pictures import read_picture
from mnist_demo.inference.evaluation import CalibrationBin, calibration_bins, evaluate
from mnist_demo.inference.recognize import Refusal, recognize
from mnist_demo.learning import checkpoints
from mnist_demo.learning.cost import image_count
from mnist_demo.serving import looks
from mnist_demo.serving.looks import CALIBRATION_BINS, nearest_point, scrub_epochs
from mnist_demo.serving.runs import Run
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.serving.visitors import Cell, Visitor
from mnist_demo.ui.after.scrubber import DRAW_FIRST, Scrubber, Which
from mnist_demo.ui.components.calibration import calibration_html
from mnist_demo.ui.components.canvas import Drawing, create_canvas
from mnist_demo.ui.drawing.digits import first_validation_digits, to_png
from mnist_demo.ui.run_view import PairView
from mnist_demo.ui.visit import Lab, Shown
from tests.ui.conftest import ServedApp
from tests.ui.trained import BLANK, YOU, do, lab_of, named, tiny_pair, train_pair, unserved_page

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
            with gr.Tabs() as tabs, gr.Tab("Train") as tab:
                self.scrubber.build_panel()
            self.scrubber.connect(create_canvas(), tab, tabs, [])
        self.parts = {
            "curves": view.charts,
            "cards": view.cards,
            "slider": self.scrubber.position,
            "numbers": self.scrubber.numbers,
            "bars": self.scrubber.bars,
        }
        looks = self.scrubber.looks
        for name, side in zip("ab", looks.sides, strict=True):
            self.parts |= {f"column_{name}": side.column, f"heading_{name}": side.heading}
            self.parts |= {f"tiles_{name}": side.tiles, f"calibration_{name}": side.calibration}
        self.parts |= {"confusion": looks.confusion, "cell_words": looks.cell_words, "cell_tiles": looks.cell_tiles}

    def scrub(self, position: Any, which: Which = Which.BOTH, drawing: Drawing = BLANK) -> dict[str, Any]:
        """What follows the slider at once."""
        return named(do(self.scrubber.follow(self.visitor, position, which, drawing)), self.parts)

    def look(self, position: Any, which: Which = Which.BOTH, cell: Cell | None = None) -> dict[str, Any]:
        """What follows it as soon as it is computed."""
        self.scrub(position, which)
        self.visitor.cell = cell
        return named(do(self.scrubber.look(self.visitor, which)), self.parts)


@pytest.fixture
def panel(mnist_root: Path, tiny: Experiment) -> Panel:
    lab = lab_of(mnist_root)
    return Panel(lab, train_pair(lab, tiny_pair(tiny)))


def test_everything_follows_the_slider(panel: Panel) -> None:
    shown = panel.scrub(1)
    assert shown["curves"]["cursor"] == 1
    assert [panel.visitor.cursors[run.id] for run in panel.runs] == [1, 1]
    assert "1 of 3, looking back" in shown["cards"]
    assert f"validation {panel.runs[0].history[1].val_accuracy:.1%}" in shown["cards"]
    looks = panel.look(1)
    for name, run in zip("ab", panel.runs, strict=True):
        assert f"Run {name.upper()}, first layer at epoch 1" in looks[f"heading_{name}"]
        assert f"{run.history[1].val_loss:.3f}" in shown["numbers"]
        assert looks[f"calibration_{name}"] == calibration_html(calibration_of(run, 1, panel.lab))
    assert looks["tiles_a"] != panel.look(3)["tiles_a"]


def images_of(run: Run) -> int:
    return image_count(run.experiment, looks.MULTIPLY_ADDS_PER_LOOK, looks.MOST_IMAGES)


def calibration_of(run: Run, index: int, lab: Lab) -> list[CalibrationBin]:
    checkpoint = lab.visitors.store.checkpoint(run, index)
    answers = evaluate(checkpoint, load_validation_data(lab.root).first(images_of(run)))
    return calibration_bins(answers.probabilities.max(axis=1), answers.predictions == answers.labels, CALIBRATION_BINS)


def test_the_drawing_is_answered_by_the_weights_of_that_epoch(panel: Panel) -> None:
    image = first_validation_digits(panel.lab.root)[3]
    png = to_png(image)
    drawing = Drawing(png, 7)
    for epoch in (0, 3):
        bars = panel.scrub(epoch, drawing=drawing)["bars"]
        assert [each["name"] for each in bars["models"]] == ["Run A", "Run B"]
        for each, run in zip(bars["models"], panel.runs, strict=True):
            kept = checkpoints.unpack(run.snapshots[epoch])
            expected = recognize(read_picture(png)[..., 0], kept).probabilities
            assert each["probabilities"] == pytest.approx(expected.tolist(), abs=1e-4)
            assert each["detail"] == f"at epoch {epoch}"
    assert [each["name"] for each in panel.scrub(3, Which.B, drawing)["bars"]["models"]] == ["Run B"]


def test_without_a_drawing_it_says_where_to_draw(panel: Panel) -> None:
    bars = panel.scrub(1)["bars"]
    assert (bars["models"], bars["message"]) == ([], DRAW_FIRST)


def test_the_draw_tab_offers_the_epoch_looked_at(panel: Panel) -> None:
    shelf = ModelShelf({}, panel.lab.visitors)
    key = f"run:{panel.runs[0].id}:looked at"
    assert key not in [each for _, each in shelf.choices(panel.visitor)]
    panel.scrub(1)
    assert key in [each for _, each in shelf.choices(panel.visitor)]
    assert shelf.find(key, panel.visitor).scores["epoch"] == 1


def test_a_number_typed_beside_the_slider_is_taken_to_its_end(panel: Panel) -> None:
    for position, place in ((-5, 0), (1.4, 1), (99, 3), (1e300, 3), (None, 3)):
        assert panel.scrub(position)["curves"]["cursor"] == place


def test_without_a_pair_nothing_follows(panel: Panel) -> None:
    panel.visitor = panel.lab.visitors.of(YOU)
    assert panel.scrub(1) == panel.look(1) == {}
    assert panel.scrubber.stop_early(panel.visitor, 5) == {panel.scrubber.stopping: ""}


def test_the_end_of_a_training_puts_the_slider_at_the_last_point(panel: Panel) -> None:
    panel.scrub(1)
    panel.visitor.cell = (0, 1, 1)
    opened = panel.scrubber.open(panel.visitor, 5)
    assert [opened[part].visible for part in panel.scrubber.outputs[:3]] == [False, True, True]
    slider = opened[panel.scrubber.position]
    assert (slider.maximum, slider.value, slider.label) == (3, 3, "Look back to epoch")
    assert (panel.visitor.epoch, panel.visitor.cell, panel.visitor.cursors) == (None, None, {})
    assert opened[panel.scrubber.stopping].count("<p>") == 2


def test_jumps_go_to_the_best_points(panel: Panel) -> None:
    for index, expected in enumerate([panel.runs[0].best, panel.runs[1].best, 0, 3]):
        shown = named(do(panel.scrubber.jump(panel.visitor, index, Which.A, BLANK)), panel.parts)
        assert shown["slider"] == expected == shown["curves"]["cursor"]


def test_weights_that_are_no_numbers_are_refused_in_words(panel: Panel) -> None:
    run = panel.runs[0]
    weights = checkpoints.unpack(run.snapshots[3]).model.state_dict()
    broken = {name: torch.full_like(value, math.nan) for name, value in weights.items()}
    run.snapshots[3] = checkpoints.pack(broken, run.experiment, {})
    png = to_png(first_validation_digits(panel.lab.root)[3])
    drawing = Drawing(png, 7)
    diverged, sane = panel.scrub(3, drawing=drawing)["bars"]["models"]
    assert (diverged["refusal"], diverged["probabilities"]) == (Refusal.NO_NUMBER, None)
    assert sane["probabilities"]
    assert panel.scrub(3, Which.A, drawing)["bars"]["models"] == [diverged]


def test_a_look_that_comes_late_is_dropped(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    show = panel.scrubber.looks.show

    async def slow(*arguments: Any) -> Shown:
        shown = await show(*arguments)
        await panel.scrubber.follow(panel.visitor, 3, Which.BOTH, BLANK)  # the visitor has moved on
        return shown

    panel.scrub(1)
    monkeypatch.setattr(panel.scrubber.looks, "show", slow)
    assert do(panel.scrubber.look(panel.visitor, Which.BOTH)) == {}


def test_runs_of_different_rhythm_share_one_slider(panel: Panel) -> None:
    a, b = panel.runs
    b.history[:] = [replace(each, epoch=each.epoch / 2) for each in b.history]
    assert scrub_epochs([a, b]) == [0, 0.5, 1, 1.5, 2, 3]
    assert nearest_point(b, 3) == 3
    assert panel.scrub(3)["curves"]["cursor"] == 1.5
    assert [panel.visitor.cursors[run.id] for run in (a, b)] == [1, 3]


def test_the_slider_a_click_on_the_curves_a_cell_and_a_mistake(page: Page, app: ServedApp) -> None:
    page.goto(f"{app.address}/?hidden_sizes=16&train_size=100&epochs=6&b.seed=1")
    expect(page.locator("#difference")).to_contain_text("seed")
    page.locator("#pace input").click()
    page.get_by_role("option", name="as fast as it goes").click()
    page.get_by_role("button", name="Train", exact=True).click()
    slider = page.locator("#scrub input[type=range]")
    expect(slider).to_be_visible(timeout=60_000)
    matrices = page.locator(".mnist-confusion")
    expect(matrices).to_have_attribute("data-seq", "6")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(matrices).to_have_attribute("data-seq", "5")
    expect(page.locator("svg[data-chart=loss] .mnist-cursor").first).to_be_visible()
    for typed, place in (("99", "6"), ("-3", "0")):  # out of its bounds: as near as there is
        page.locator("#scrub input[type=number]").fill(typed)
        page.keyboard.press("Tab")
        expect(matrices).to_have_attribute("data-seq", place)
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
    expect(page.locator(".mnist-canvas")).to_have_attribute("data-strokes", "1")
    page.get_by_text("A digit from MNIST").click()
    page.get_by_role("button", name="What does the first network get wrong?").click()
    expect(page.locator("#mistake-words")).to_contain_text("of 5,000 validation images wrong")
    page.locator("#mistakes .mnist-tiles button").first.click()
    expect(page.locator(".mnist-canvas")).to_have_attribute("data-strokes", "1")
    page.get_by_role("tab", name="Train").click()
    expect(page.locator("#scrub-bars .mnist-bars-detail").first).to_have_text("at epoch 1")
