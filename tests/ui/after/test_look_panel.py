"""What the runs looked like at one point: weights, answers and a cell's images are of the weights kept there."""

import math
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch

from mnist_demo.errors import InvalidValue
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import load_training_data
from mnist_demo.inference.evaluation import evaluate
from mnist_demo.learning import checkpoints
from mnist_demo.learning.cost import image_count
from mnist_demo.serving import looks
from mnist_demo.serving.runs import Run
from mnist_demo.serving.visitors import Cell, Visitor
from mnist_demo.ui.after.look_panel import CHOOSE, ON_CANVAS, LookPanel, chosen_cell
from mnist_demo.ui.components.canvas import create_canvas
from mnist_demo.ui.visit import Lab
from tests.ui.trained import BLANK, do, event, lab_of, named, tiny_pair, train_pair, unserved_page


class Panel:
    """The panel with a trained pair of this visitor."""

    def __init__(self, lab: Lab, visitor: Visitor) -> None:
        self.lab, self.visitor, self.runs = lab, visitor, visitor.pair
        with unserved_page():
            with gr.Tabs():
                self.looks = LookPanel(lab)
            self.canvas = create_canvas()
            self.looks.connect(self.canvas)
        self.parts: dict[str, Any] = {}
        for name, side, diagram in zip("ab", self.looks.sides, self.looks.calibrations, strict=True):
            self.parts |= {f"heading_{name}": side.heading, f"tiles_{name}": side.tiles, f"calibration_{name}": diagram}
        self.parts |= {"confusion": self.looks.confusion}
        self.parts |= {"cell_words": self.looks.cell_words, "cell_tiles": self.looks.cell_tiles}

    def look(self, epoch: float, cell: Cell | None = None) -> dict[str, Any]:
        """What the panel shows at an epoch."""
        self.visitor.cell = cell
        return named(do(self.looks.show(self.visitor, epoch)), self.parts)


@pytest.fixture
def panel(mnist_root: Path, tiny: Experiment) -> Panel:
    lab = lab_of(mnist_root)
    return Panel(lab, train_pair(lab, tiny_pair(tiny)))


def images_of(run: Run) -> int:
    return image_count(run.experiment, looks.MULTIPLY_ADDS_PER_LOOK, looks.MOST_IMAGES)


def diverge(run: Run) -> None:
    weights = checkpoints.unpack(run.snapshots[3]).model.state_dict()
    broken = {name: torch.full_like(value, math.nan) for name, value in weights.items()}
    run.snapshots[3] = checkpoints.pack(broken, run.experiment, {})


def test_the_matrix_is_of_the_kept_weights(panel: Panel) -> None:
    run = panel.runs[1]
    kept = checkpoints.unpack(run.snapshots[2])
    split = load_training_data(panel.lab.root).val.first(images_of(run))
    assert panel.look(2)["confusion"]["matrices"][1]["counts"] == evaluate(kept, split).confusion.tolist()


def test_a_cell_shows_its_images_at_every_point(panel: Panel) -> None:
    counts = np.array(panel.look(3)["confusion"]["matrices"][1]["counts"])
    row, column = (int(i) for i in np.argwhere(counts > 0)[0])
    shown = panel.look(3, cell=(1, row, column))
    assert shown["confusion"]["selected"] == [1, row, column]
    assert len(shown["cell_tiles"]["tiles"]) == min(counts[row, column], looks.CELL_IMAGES)
    assert f"Run B: {counts[row, column]} × {row} read as {column}" in shown["cell_words"]
    assert panel.look(1, cell=(1, row, column))["confusion"]["selected"] == [1, row, column]


def test_beside_a_diverged_run_the_other_matrix_is_the_only_one(panel: Panel) -> None:
    diverge(panel.runs[0])
    shown = panel.look(3, cell=(1, 2, 2))
    assert [each["name"] for each in shown["confusion"]["matrices"]] == ["Run B"]
    assert shown["confusion"]["selected"] == [0, 2, 2]
    assert panel.look(3, cell=(0, 2, 2))["cell_tiles"]["tiles"] == []


def test_a_cell_belongs_to_the_run_whose_matrix_was_clicked() -> None:
    assert chosen_cell(event([0, 3, 4], "Run A")) == (0, 3, 4)
    assert chosen_cell(event([0, 3, 4], "Run B")) == (1, 3, 4)
    assert chosen_cell(event([1, 3, 4], "Run B")) == (1, 3, 4)
    places: list[Any] = [None, [0, 3, 44], [0, -1, 0], [0, 0], "000", [0, True, 0], [0, 1.5, 0], {}]
    for index, value in [*((place, "Run A") for place in places), ([0, 3, 4], "Run C"), ([0, 3, 4], ["Run A"])]:
        with pytest.raises(InvalidValue, match=r"^The page sent .*\.$"):
            chosen_cell(event(index, value))


def test_weights_thinned_away_are_replaced_by_the_nearest_and_told(panel: Panel) -> None:
    del panel.runs[0].snapshots[1]
    assert "at epoch 0 (nearest kept to epoch 1)" in panel.look(1)["heading_a"]


def test_weights_that_are_no_numbers_are_told_and_the_other_run_is_shown(panel: Panel) -> None:
    diverge(panel.runs[0])
    shown = panel.look(3)
    assert "not finite" in shown["heading_a"]
    assert shown["tiles_a"]["tiles"] == []
    assert shown["tiles_b"]["tiles"]
    assert panel.look(0)["tiles_a"]["tiles"]


def test_a_chosen_image_of_the_cell_lies_on_the_canvas(panel: Panel) -> None:
    counts = np.array(panel.look(3)["confusion"]["matrices"][0]["counts"])
    row, column = (int(place) for place in np.argwhere(counts > 0)[-1])
    assert CHOOSE in panel.look(3)["cell_words"]
    assert ON_CANVAS in unescape(panel.look(3, cell=(0, row, column))["cell_words"])
    assert set(panel.looks.draw(panel.visitor, event(0), BLANK)) == {panel.canvas}
    empty_row, empty_column = (int(place) for place in np.argwhere(counts == 0)[0])
    nothing = panel.look(3, cell=(0, empty_row, empty_column))
    assert (nothing["cell_tiles"]["tiles"], ON_CANVAS in unescape(nothing["cell_words"])) == ([], False)
    with pytest.raises(InvalidValue):
        panel.looks.draw(panel.visitor, event(0), BLANK)
