"""Looking back: every part of the panel follows one slider; early stopping is told without retraining."""

import base64
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.images.data import load_training_data, load_validation_data
from mnist_demo.images.sketch import read_picture
from mnist_demo.inference.evaluation import CalibrationBin, calibration_bins, evaluate
from mnist_demo.inference.recognize import Refusal, recognize
from mnist_demo.learning import checkpoints
from mnist_demo.learning.cost import image_count
from mnist_demo.serving import looks
from mnist_demo.serving.looks import CALIBRATION_BINS, nearest_point, scrub_epochs
from mnist_demo.serving.runs import Run
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.ui.after.calibration import calibration_html
from mnist_demo.ui.after.look_panel import chosen_cell
from mnist_demo.ui.after.looking_back import best_sentence, is_cell, stopping_sentence, whole_number
from mnist_demo.ui.after.scrubber import DRAW_FIRST, Scrubber
from mnist_demo.ui.components.canvas import create_canvas
from mnist_demo.ui.components.curves import create_curves
from mnist_demo.ui.drawing.digits import first_validation_digits, to_png
from mnist_demo.ui.visit import Visit
from tests.ui.conftest import ServedApp
from tests.ui.trained import ME, YOU, do, ids_of, request_of, tiny_pair, train_pair, unpacked, unserved_page, visit_of

# Gradio's queue statistics use a pandas option that pandas has since deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")


class Panel:
    """The panel with a trained pair of this visitor."""

    def __init__(self, visit: Visit, pair_of_runs: list[Run]) -> None:
        self.visit, self.runs, self.ids = visit, pair_of_runs, ids_of(pair_of_runs)
        with unserved_page():
            self.scrubber = Scrubber(visit)
            with gr.Tabs() as tabs, gr.Tab("Train") as tab:
                self.scrubber.build_panel(create_curves(), gr.State(()), gr.State(0), gr.State(()))
            self.scrubber.connect(create_canvas(), tab, tabs)

    def scrub(self, position: Any, which: Any = "both", drawing: Any = None, owner: str = ME) -> dict[str, Any]:
        """What follows the slider at once."""
        found = do(self.scrubber.follow(position, which, self.ids, (), drawing, request_of(owner)))
        return dict(zip(["curves", "numbers", "bars"], map(unpacked, found), strict=True))

    def look(self, position: Any, which: Any = "both", cell: Any = None, owner: str = ME) -> dict[str, Any]:
        """What follows it as soon as it is computed."""
        found = do(self.scrubber.look(position, which, self.ids, cell, request_of(owner)))
        names = [f"{part}_{run}" for run in "ab" for part in ("column", "heading", "tiles", "calibration")]
        return dict(
            zip([*names, "confusion", "cell_words", "cell_tiles", "cell_images"], map(unpacked, found), strict=True)
        )


@pytest.fixture
def panel(mnist_root: Path, tiny: Experiment) -> Panel:
    visit = visit_of(mnist_root)
    return Panel(visit, train_pair(visit, tiny_pair(tiny)))


def point(epoch: float, val_loss: float, val_accuracy: float) -> Metrics:
    return Metrics(int(epoch), epoch, int(epoch), 1.0, 1.0, 0.5, val_loss, val_accuracy)


HISTORY = [point(e, loss, acc) for e, loss, acc in [(0, 2.3, 0.1), (1, 0.6, 0.8), (2, 0.5, 0.84), (3, 0.6, 0.85)]]
HISTORY += [point(4, 0.7, 0.86), point(5, 0.45, 0.855)]


def test_everything_follows_the_slider(panel: Panel) -> None:
    shown = panel.scrub(1)
    assert shown["curves"]["cursor"] == 1
    assert [run.cursor for run in panel.runs] == [1, 1]
    looks = panel.look(1)
    for name, run in zip("ab", panel.runs, strict=True):
        assert f"Run {name.upper()}, first layer at epoch 1" in looks[f"heading_{name}"]
        assert f"{run.history[1].val_loss:.3f}" in shown["numbers"]
        assert looks[f"calibration_{name}"] == calibration_html(calibration_of(run, 1, panel.visit))
    assert looks["tiles_a"] != panel.look(3)["tiles_a"]


def images_of(run: Run) -> int:
    return image_count(run.experiment, looks.MULTIPLY_ADDS_PER_LOOK, looks.MOST_IMAGES)


def calibration_of(run: Run, index: int, visit: Visit) -> list[CalibrationBin]:
    checkpoint = visit.store.checkpoint(run, index)
    answers = evaluate(checkpoint, load_validation_data(visit.root).first(images_of(run)))
    return calibration_bins(answers.probabilities.max(axis=1), answers.predictions == answers.labels, CALIBRATION_BINS)


def test_the_drawing_is_answered_by_the_weights_of_that_epoch(panel: Panel) -> None:
    image = first_validation_digits(panel.visit.root)[3]
    png = to_png(image)
    drawing = {"ink": base64.b64encode(png).decode(), "seq": 7, "final": True, "strokes": 1}
    for epoch in (0, 3):
        bars = panel.scrub(epoch, drawing=drawing)["bars"]
        assert [each["name"] for each in bars["models"]] == ["Run A", "Run B"]
        for each, run in zip(bars["models"], panel.runs, strict=True):
            kept = checkpoints.unpack(run.snapshots[epoch])
            expected = recognize(read_picture(png)[..., 0], kept).probabilities
            assert each["probabilities"] == pytest.approx(expected.tolist(), abs=1e-4)
            assert each["detail"] == f"at epoch {epoch}"
    assert [each["name"] for each in panel.scrub(3, "B", drawing)["bars"]["models"]] == ["Run B"]


def test_without_a_drawing_it_says_where_to_draw(panel: Panel) -> None:
    bars = panel.scrub(1)["bars"]
    assert (bars["models"], bars["message"]) == ([], DRAW_FIRST)


def test_the_matrix_is_of_the_kept_weights(panel: Panel) -> None:
    run = panel.runs[1]
    kept = checkpoints.unpack(run.snapshots[2])
    split = load_training_data(panel.visit.root).val.first(images_of(run))
    assert panel.look(2)["confusion"]["matrices"][1]["counts"] == evaluate(kept, split).confusion.tolist()


def test_a_cell_shows_its_images_at_every_point(panel: Panel) -> None:
    counts = np.array(panel.look(3)["confusion"]["matrices"][1]["counts"])
    row, column = (int(i) for i in np.argwhere(counts > 0)[0])
    shown = panel.look(3, cell=[1, row, column])
    assert shown["confusion"]["selected"] == [1, row, column]
    assert len(shown["cell_tiles"]["tiles"]) == min(counts[row, column], looks.CELL_IMAGES)
    assert f"Run B: {counts[row, column]} × {row} read as {column}" in shown["cell_words"]
    assert panel.look(1, cell=[1, row, column])["confusion"]["selected"] == [1, row, column]
    assert panel.look(1, "A", cell=[1, row, column])["cell_tiles"]["tiles"] == []
    alone = panel.look(3, "B", cell=[1, row, column])  # its matrix is the only one now
    assert alone["confusion"]["selected"] == [0, row, column]
    assert alone["cell_words"] == shown["cell_words"]


def test_a_cell_belongs_to_the_run_whose_matrix_was_clicked() -> None:
    def clicked(index: Any, value: Any) -> Any:
        return chosen_cell(gr.SelectData(None, {"index": index, "value": value}))

    assert clicked([0, 3, 4], "Run A") == [0, 3, 4]
    assert clicked([0, 3, 4], "Run B") == [1, 3, 4]
    assert clicked([1, 3, 4], "Run B") == [1, 3, 4]
    assert clicked([0, 3, 4], "Run C") is None
    assert clicked([0, 3, 44], "Run A") is None
    assert clicked([0, 3, 4], ["Run A"]) is None


def test_one_run_alone_is_shown_alone(panel: Panel) -> None:
    shown = panel.look(2, "B")
    assert [matrix["name"] for matrix in shown["confusion"]["matrices"]] == ["Run B"]
    assert shown["tiles_a"]["tiles"] == []
    assert shown["tiles_b"]["tiles"]


def test_the_draw_tab_offers_the_epoch_looked_at(panel: Panel) -> None:
    shelf = ModelShelf({}, panel.visit.store)
    key = f"run:{panel.runs[0].id}:looked at"
    assert key not in [each for _, each in shelf.choices(ME)]
    panel.scrub(1)
    assert key in [each for _, each in shelf.choices(ME)]
    assert shelf.find(key, ME).scores["epoch"] == 1


def test_a_position_that_is_none_still_gives_a_point(panel: Panel) -> None:
    positions: list[Any] = [math.nan, math.inf, -math.inf, 10**400, -5, 1.4, True, None, "2", [], {}]
    for position in positions:
        assert panel.scrub(position, which=position)["curves"]["cursor"] in (0, 1, 3)
        assert panel.look(position, which=position, cell=position)["confusion"]["selected"] is None


def test_another_visitors_runs_are_not_looked_at(panel: Panel) -> None:
    assert all(value == gr.skip() for value in panel.scrub(1, owner=YOU).values())
    assert all(value == gr.skip() for value in panel.look(1, owner=YOU).values())
    assert [run.cursor for run in panel.runs] == [None, None]
    assert panel.scrubber.stop_early(5, panel.ids, request_of(YOU)) == ""


def test_the_end_of_a_training_puts_the_slider_at_the_last_point(panel: Panel) -> None:
    panel.scrub(1)
    opened = do(panel.scrubber.open("both", 5, panel.ids, None, request_of(ME)))
    empty, bar, column, slider, cell, sentences, *_ = opened
    assert (empty.visible, bar.visible, column.visible) == (False, True, True)
    assert (slider.maximum, slider.value, slider.label) == (3, 3, "Look back to epoch")
    assert [run.cursor for run in panel.runs] == [None, None]
    assert cell is None
    assert sentences.count("<p>") == 2


def test_jumps_go_to_the_best_points(panel: Panel) -> None:
    for index, expected in enumerate([panel.runs[0].best, panel.runs[1].best, 0, 3]):
        place, curves, *_ = do(panel.scrubber.jump(index, "A", panel.ids, (), None, request=request_of(ME)))
        assert place == expected == unpacked(curves)["cursor"]


def test_weights_thinned_away_are_replaced_by_the_nearest_and_told(panel: Panel) -> None:
    del panel.runs[0].snapshots[1]
    assert "at epoch 0 (nearest kept to epoch 1)" in panel.look(1)["heading_a"]


def test_weights_that_are_no_numbers_are_refused_in_words(panel: Panel) -> None:
    run = panel.runs[0]
    weights = checkpoints.unpack(run.snapshots[3]).model.state_dict()
    broken = {name: torch.full_like(value, math.nan) for name, value in weights.items()}
    run.snapshots[3] = checkpoints.pack(broken, run.experiment, {})
    shown = panel.look(3)
    assert "not finite" in shown["heading_a"]
    assert shown["tiles_a"]["tiles"] == []
    assert shown["tiles_b"]["tiles"]
    assert panel.look(0)["tiles_a"]["tiles"]
    png = to_png(first_validation_digits(panel.visit.root)[3])
    drawing = {"ink": base64.b64encode(png).decode(), "seq": 7}
    diverged, sane = panel.scrub(3, drawing=drawing)["bars"]["models"]
    assert (diverged["refusal"], diverged["probabilities"]) == (Refusal.NO_NUMBER, None)
    assert sane["probabilities"]
    assert panel.scrub(3, "A", drawing)["bars"]["models"] == [diverged]


def test_a_look_that_comes_late_is_dropped(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    show = panel.scrubber.looks.show

    async def slow(*arguments: Any) -> list[Any]:
        shown = await show(*arguments)
        await panel.scrubber.follow(3, "both", panel.ids, (), None, request_of(ME))  # the visitor has moved on
        return shown

    panel.scrub(1)
    monkeypatch.setattr(panel.scrubber.looks, "show", slow)
    assert all(value == gr.skip() for value in panel.look(1).values())


def test_runs_of_different_rhythm_share_one_slider(panel: Panel) -> None:
    a, b = panel.runs
    b.history[:] = [replace(each, epoch=each.epoch / 2) for each in b.history]
    assert scrub_epochs([a, b]) == [0, 0.5, 1, 1.5, 2, 3]
    assert nearest_point(b, 3) == 3
    assert panel.scrub(3)["curves"]["cursor"] == 1.5
    assert (a.cursor, b.cursor) == (1, 3)


def test_another_epoch_with_better_accuracy_is_named() -> None:
    text = best_sentence("A", HISTORY[:5])
    assert "lowest validation loss 0.500 at epoch 2 with accuracy 84.0%" in text
    assert "epoch 4 was more accurate, 86.0%" in text
    assert "highest too" in best_sentence("A", HISTORY[:3])
    assert "never" in best_sentence("A", [point(0, math.nan, 0.1)])


def test_early_stopping_is_told_from_the_history() -> None:
    impatient = stopping_sentence("A", HISTORY, 2, 5)
    assert "stopped at epoch 4 and kept epoch 2: validation loss 0.500, accuracy 84.0%" in impatient
    assert "instead of 0.450 and 85.5% at epoch 5" in impatient
    assert "missed epoch 5 with loss 0.450" in impatient
    assert "missed" not in stopping_sentence("A", HISTORY[:5], 2, 5)
    assert "would not have been stopped" in stopping_sentence("A", HISTORY, 3, 5)
    assert "ended at epoch 5, before a patience of 3 could decide" in stopping_sentence("A", HISTORY, 3, 40)
    assert "no finite" in stopping_sentence("A", [point(0, math.nan, 0.1)], 3, 5)


def test_values_from_the_page_are_taken_with_care() -> None:
    assert [whole_number(value, 0, 9, 5) for value in (3, 3.6, math.nan, -1, 10**400, "3", True)] == [
        3,
        4,
        5,
        0,
        9,
        5,
        5,
    ]
    assert is_cell([1, 9, 0])
    assert not any(is_cell(each) for each in (None, [2, 0, 0], [0, 10, 0], [0, -1, 0], [0, 0], "000", [True, 0, 0]))


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
