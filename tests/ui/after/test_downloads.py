"""Files to take home: their names, their bytes, and that nobody gets another's."""

import ast
import base64
import csv
import io
from pathlib import Path

import gradio as gr
import pytest
import torch
from safetensors.torch import load as load_tensors

from mnist_demo.errors import InvalidValue, RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.export.run_files import WeightsFormat, guarded, points_csv, runs_csv
from mnist_demo.learning import checkpoints, networks
from mnist_demo.learning.training import Status
from mnist_demo.serving.looks import Point
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.after.downloads import (
    Downloads,
    File,
    _saving,
    hash_html,
    png_of,
    points_of,
    runs_of,
    script_of,
    svg_of,
    weights_of,
)
from mnist_demo.ui.components.download import download_value, safe_name
from mnist_demo.ui.visit import Lab
from tests.ui.trained import ME, YOU, do, lab_of, tiny_pair, train_pair, unserved_page


class Panel:
    """The panel with a trained pair of this visitor."""

    def __init__(self, lab: Lab, visitor: Visitor) -> None:
        self.lab, self.visitor, self.runs = lab, visitor, visitor.pair

    def weights(self, point: Point, form: WeightsFormat = WeightsFormat.SAFETENSORS) -> File:
        return weights_of(self.visitor, self.runs[1].id, point, form)


@pytest.fixture
def panel(mnist_root: Path, tiny: Experiment) -> Panel:
    lab = lab_of(mnist_root)
    return Panel(lab, train_pair(lab, tiny_pair(tiny, dropout=0.5)))


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_weights_are_those_of_the_chosen_point(panel: Panel) -> None:
    run = panel.runs[1]
    assert panel.weights(Point.LOOKED_AT)[1] == run.snapshots[3]  # where the slider stands before it is moved
    panel.visitor.look_at(1)
    for point, index in ((Point.BEST, run.best), (Point.LAST, 3), (Point.LOOKED_AT, 1)):
        name, content = panel.weights(point)
        assert name == f"mnist-lab-1B-epoch-{index}.safetensors"
        assert index is not None
        assert content == run.snapshots[index]


def test_a_pth_file_is_a_plain_state_dict(panel: Panel) -> None:
    name, content = panel.weights(Point.LAST, WeightsFormat.PTH)
    assert name == "mnist-lab-1B-epoch-3.pth"
    weights = torch.load(io.BytesIO(content), weights_only=True)
    expected = load_tensors(panel.runs[1].snapshots[3])
    assert {name: value.tolist() for name, value in weights.items()} == {n: v.tolist() for n, v in expected.items()}


def test_the_script_and_the_hash_beside_it(panel: Panel) -> None:
    run = panel.runs[0]
    name, content = script_of(panel.visitor, run.id)
    assert name == "mnist-lab-1A.py"
    ast.parse(content)
    shown = hash_html(run)
    assert networks.weights_hash(checkpoints.unpack(run.snapshots[3]).model.state_dict()) in shown
    assert "on one thread" in shown
    run.training.status = Status.RUNNING
    assert "another hash" in hash_html(run)


def test_figures_and_tables_of_the_page(panel: Panel) -> None:
    png, svg = png_of(panel.visitor), svg_of(panel.visitor)
    assert (png[0], svg[0]) == ("mnist-lab-1A-1B.png", "mnist-lab-1A-1B.svg")
    assert png[1].startswith(b"\x89PNG")
    assert b"B: dropout 0.5" in svg[1]
    rows = table(points_of(panel.visitor)[1])
    assert len(rows) == 1 + 2 * 4
    assert float(rows[-1][rows[0].index("val_loss")]) == panel.runs[1].history[-1].val_loss
    head, *body = table(runs_of(panel.visitor)[1])
    assert [row[0] for row in body] == ["1A", "1B"]
    assert [row[head.index("dropout")] for row in body] == ["0", "0.5"]


def test_a_button_hands_the_file_to_the_browser_or_says_why_not(panel: Panel) -> None:
    with unserved_page():
        panel_of_downloads = Downloads(panel.lab)
    file, message = panel_of_downloads.file, panel_of_downloads.message
    press = panel.lab.bind(_saving(panel.lab, weights_of, file), message)
    mine, yours = (gr.Request(session_hash=owner) for owner in (ME, YOU))
    run_id = panel.runs[1].id
    saved = do(press(mine, run_id, "last", "pth"))
    assert saved[message] == ""
    assert base64.b64decode(saved[file]["content"]) == panel.weights(Point.LAST, WeightsFormat.PTH)[1]
    assert "no longer there" in do(press(yours, run_id, "last", "pth"))[message]
    for point, form in (("worst", "pth"), ("best", "exe"), (None, "pth"), ("best", []), (5, "pth")):
        with pytest.raises(InvalidValue, match="is not valid here: reload the page"):
            do(press(mine, run_id, point, form))


def test_what_cannot_be_saved_is_said(panel: Panel, tiny: Experiment) -> None:
    with pytest.raises(RunError, match="train a pair first"):
        png_of(panel.lab.visitors.of(YOU))
    fresh = panel.visitor.store.create(tiny, ME, "9A")
    with pytest.raises(RunError, match="no weights yet"):
        weights_of(panel.visitor, fresh.id, Point.BEST, WeightsFormat.PTH)


def test_a_script_that_needs_our_pictures_says_so(panel: Panel, tiny: Experiment) -> None:
    panel.runs[0].training.experiment = tiny.replace(augmentation="handwriting")
    assert b"Run it in the folder of MNIST Lab" in script_of(panel.visitor, panel.runs[0].id)[1]


def test_another_visitor_gets_nothing(panel: Panel) -> None:
    other, run_id = panel.lab.visitors.of(YOU), panel.runs[0].id
    for make in (
        lambda: weights_of(other, run_id, Point.BEST, WeightsFormat.PTH),
        lambda: script_of(other, run_id),
        lambda: png_of(other),
        lambda: points_of(other),
    ):
        with pytest.raises(RunError):
            make()
    assert len(table(runs_of(other)[1])) == 1


def test_a_name_that_looks_like_a_formula_is_defused(panel: Panel) -> None:
    panel.runs[0].name = '=HYPERLINK("x")'
    for content in (runs_csv(panel.runs), points_csv(panel.runs)):
        assert table(content)[1][0] == '\'=HYPERLINK("x")'
    assert [guarded(cell) for cell in ("+1", "-1", "@a", "\ta", "a=1", -1.5, None)] == [
        *("'+1", "'-1", "'@a", "'\ta", "a=1"),
        -1.5,
        None,
    ]


def test_file_names_are_safe_everywhere() -> None:
    assert safe_name("mnist-lab-1B-epoch-2.5.safetensors") == "mnist-lab-1B-epoch-2.5.safetensors"
    assert safe_name("mnist-lab-../../<b>\x00é.py") == "mnist-lab-..-..-b.py"
    assert safe_name("../.p/y") == "mnist-lab.py"
    assert download_value("a.py", b"x")["seq"] != download_value("a.py", b"x")["seq"]
