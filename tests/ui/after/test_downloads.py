"""Files to take home: their names, their bytes, and that nobody gets another's."""

import ast
import base64
import csv
import io
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from safetensors.torch import load as load_tensors

from mnist_demo.experiment.config import Experiment
from mnist_demo.export.run_files import caption, guarded, points_csv, runs_csv
from mnist_demo.learning import checkpoints, networks
from mnist_demo.learning.training import Status
from mnist_demo.serving.runs import Run
from mnist_demo.ui.after.downloads import Downloads, hash_html
from mnist_demo.ui.components.download import download_value, safe_name
from mnist_demo.ui.visit import Visit
from tests.ui.trained import ME, YOU, do, ids_of, request_of, tiny_pair, train_pair, unserved_page, visit_of


class Panel:
    """The panel with a trained pair of this visitor."""

    def __init__(self, visit: Visit, pair_of_runs: list[Run]) -> None:
        self.visit, self.runs, self.ids = visit, pair_of_runs, ids_of(pair_of_runs)
        with unserved_page():
            self.downloads = Downloads(visit, gr.State(()), gr.State(0), gr.State(()))

    def weights(self, point: Any, form: Any, owner: str = ME) -> tuple[Any, str]:
        return do(self.downloads.save_weights(self.runs[1].id, point, form, request_of(owner)))


@pytest.fixture
def panel(mnist_root: Path, tiny: Experiment) -> Panel:
    visit = visit_of(mnist_root)
    return Panel(visit, train_pair(visit, tiny_pair(tiny, dropout=0.5)))


def bytes_of(file: Any) -> bytes:
    return base64.b64decode(file["content"])


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_weights_are_those_of_the_chosen_point(panel: Panel) -> None:
    run = panel.runs[1]
    run.cursor = 1
    for point, index in (("best", run.best), ("last", 3), ("looked at", 1)):
        file, message = panel.weights(point, "safetensors")
        assert message == ""
        assert file["name"] == f"mnist-lab-1B-epoch-{index}.safetensors"
        assert index is not None
        assert bytes_of(file) == run.snapshots[index]


def test_a_pth_file_is_a_plain_state_dict(panel: Panel) -> None:
    file, _ = panel.weights("last", "pth")
    assert file["name"] == "mnist-lab-1B-epoch-3.pth"
    weights = torch.load(io.BytesIO(bytes_of(file)), weights_only=True)
    expected = load_tensors(panel.runs[1].snapshots[3])
    assert {name: value.tolist() for name, value in weights.items()} == {n: v.tolist() for n, v in expected.items()}


def test_the_script_and_the_hash_beside_it(panel: Panel) -> None:
    run = panel.runs[0]
    file, _ = do(panel.downloads.save_script(run.id, request_of(ME)))
    assert file["name"] == "mnist-lab-1A.py"
    ast.parse(bytes_of(file))
    shown = do(panel.downloads.show_hash(run.id, request_of(ME)))
    assert networks.weights_hash(checkpoints.unpack(run.snapshots[3]).model.state_dict()) in shown
    assert "on one thread" in shown
    run.status = Status.RUNNING
    assert "another hash" in hash_html(run)


def test_figures_and_tables_of_the_page(panel: Panel) -> None:
    png, _ = do(panel.downloads.save_png(panel.ids, (), request_of(ME)))
    svg, _ = do(panel.downloads.save_svg(panel.ids, (), request_of(ME)))
    assert (png["name"], svg["name"]) == ("mnist-lab-1A-1B.png", "mnist-lab-1A-1B.svg")
    assert bytes_of(png).startswith(b"\x89PNG")
    assert b"B: dropout 0.5" in bytes_of(svg)
    points, _ = do(panel.downloads.save_points(panel.ids, (), request_of(ME)))
    rows = table(bytes_of(points))
    assert len(rows) == 1 + 2 * 4
    assert float(rows[-1][rows[0].index("val_loss")]) == panel.runs[1].history[-1].val_loss
    runs, _ = do(panel.downloads.save_runs(request_of(ME)))
    head, *body = table(bytes_of(runs))
    assert [row[0] for row in body] == ["1A", "1B"]
    assert [row[head.index("dropout")] for row in body] == ["0", "0.5"]


def test_what_cannot_be_saved_is_said(panel: Panel, tiny: Experiment) -> None:
    assert "not looked back" in panel.weights("looked at", "pth")[1]
    for point, form in (("worst", "pth"), ("best", "exe"), (None, []), ([], 5)):
        assert "no such choice" in panel.weights(point, form)[1]
    assert "train a pair first" in do(panel.downloads.save_png((), (), request_of(ME)))[1]
    fresh = panel.visit.store.create(tiny, ME, "9A")
    answer = do(panel.downloads.save_weights(fresh.id, "best", "pth", request_of(ME)))
    assert "no weights yet" in answer[1]


def test_a_script_that_needs_our_pictures_says_so(panel: Panel, tiny: Experiment) -> None:
    panel.runs[0].experiment = tiny.replace(augmentation="handwriting")
    file, message = do(panel.downloads.save_script(panel.runs[0].id, request_of(ME)))
    assert message == ""
    assert b"Run it in the folder of MNIST Lab" in bytes_of(file)


def test_another_visitor_gets_nothing(panel: Panel) -> None:
    run_id = panel.runs[0].id
    answers = [
        panel.weights("best", "pth", owner=YOU),
        do(panel.downloads.save_script(run_id, request_of(YOU))),
        do(panel.downloads.save_png(panel.ids, (), request_of(YOU))),
        do(panel.downloads.save_points(panel.ids, (), request_of(YOU))),
    ]
    assert all(file == gr.skip() and message for file, message in answers)
    assert "no longer there" in do(panel.downloads.show_hash(run_id, request_of(YOU)))
    mine, _ = do(panel.downloads.save_runs(request_of(YOU)))
    assert len(table(bytes_of(mine))) == 1


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


def test_a_caption_tells_what_the_runs_share(tiny: Experiment) -> None:
    text = caption([tiny, tiny.replace(dropout=0.5, train_size=200)])
    assert "hidden sizes 16" in text
    assert "training images" not in text
    assert "dropout" not in text
    assert "100 training images" in caption([tiny])
