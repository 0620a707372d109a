"""A checkpoint of one's own: loaded by the page's own handler it reads the drawing; what is none is told."""

import asyncio
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mnist_demo.experiment.config import Experiment
from mnist_demo.learning import checkpoints, networks
from mnist_demo.serving.shelf import MAX_ASKED, ModelShelf
from mnist_demo.ui.drawing.upload_panel import build_upload_panel
from mnist_demo.ui.visit import Lab
from tests.ui.trained import ME, YOU, lab_of, unserved_page

SMALL = Experiment.from_dict({"hidden_sizes": "8-4"})
SMALL_CNN = Experiment.from_dict({"network": "cnn", "hidden_sizes": "2-3"})


class Panel:
    """The panel, and its handler as Gradio calls it."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.shelf = lab, ModelShelf(checkpoints.shipped(), lab.visitors)
        with unserved_page():
            self.models = gr.Dropdown(multiselect=True)
            self.loaded = build_upload_panel(lab, self.shelf, self.models)

    def load(self, path: Any, network: str = "mlp", sizes: str = "256-128") -> tuple[str, list[str] | None]:
        """The words shown, and the networks now asked; None where the list stays as it is."""
        shown = asyncio.run(self.loaded.fn(gr.Request(session_hash=ME), path, network, sizes))
        models = shown.pop(self.models, None)
        return next(iter(shown.values())), models and models["value"]


@pytest.fixture
def panel(mnist_root: Path) -> Panel:
    return Panel(lab_of(mnist_root))


def saved(folder: Path, experiment: Experiment, name: str = "mine.pth") -> str:
    (folder / name).write_bytes(checkpoints.to_pth(networks.build(experiment).state_dict()))
    return str(folder / name)


def test_a_loaded_network_reads_the_drawing_first_beside_those_chosen(panel: Panel, tmp_path: Path) -> None:
    before = panel.shelf.asked_by(panel.lab.visitors.of(ME))
    words, asked = panel.load(saved(tmp_path, SMALL))
    assert "mine.pth (yours) now reads your drawing. " in words
    assert "784-8-4-10" in words
    assert asked is not None
    assert asked[1:] == before
    assert panel.shelf.find(asked[0], panel.lab.visitors.of(ME)).experiment.hidden_sizes == (8, 4)
    assert asked[0] not in [key for _, key in panel.shelf.choices(panel.lab.visitors.of(YOU))]
    for number in range(2):
        asked = panel.load(saved(tmp_path, SMALL, f"{number}.pth"))[1]
    assert asked is not None
    assert len(asked) == MAX_ASKED


def test_a_cnn_is_what_is_said_of_it(panel: Panel, tmp_path: Path) -> None:
    path = saved(tmp_path, SMALL_CNN)
    wrong, unchanged = panel.load(path, "cnn", "2-4")
    assert ('role="alert"' in wrong, unchanged) == (True, None)
    assert "now reads your drawing" in panel.load(path, "cnn", "2-3")[0]


def test_sizes_that_are_none_are_told_unless_the_file_needs_none(panel: Panel, tmp_path: Path) -> None:
    told, unchanged = panel.load(saved(tmp_path, SMALL_CNN), "cnn", "many")
    assert "many" in told
    assert unchanged is None
    ours = tmp_path / "ours.safetensors"
    ours.write_bytes(checkpoints.pack(networks.build(SMALL).state_dict(), SMALL, {}))
    assert "It is a checkpoint of MNIST Lab" in panel.load(str(ours), "cnn", "many")[0]


def test_no_file_and_a_file_too_large_are_told_and_eight_megabytes_are_read(panel: Panel, tmp_path: Path) -> None:
    for path in (None, str(tmp_path / "gone.pth"), str(tmp_path)):
        assert "No file has arrived: choose a .safetensors or .pth file." in panel.load(path)[0]
    large = tmp_path / "large.pth"
    large.write_bytes(bytes(checkpoints.MAX_BYTES + 1))
    assert "The file is larger than 8 MB." in panel.load(str(large))[0]
    large.write_bytes(bytes(checkpoints.MAX_BYTES))
    assert "larger" not in panel.load(str(large))[0]
