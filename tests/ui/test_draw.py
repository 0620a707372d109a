"""The Draw tab's handlers: nobody is asked unless chosen, and never more than three."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mnist_demo.images.data import load_validation_data
from mnist_demo.learning import checkpoints
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.ui.components.canvas import Drawing
from mnist_demo.ui.draw import CHOOSE, DrawTab
from mnist_demo.ui.drawing.digits import to_png
from tests.ui.trained import ME, do, lab_of, unpacked, unserved_page


@pytest.fixture
def tab(mnist_root: Path) -> DrawTab:
    lab = lab_of(mnist_root)
    with unserved_page(), gr.Tabs(), gr.Tab("Draw") as tab:
        return DrawTab(lab, ModelShelf(checkpoints.shipped(), lab.visitors), tab, [])


def read(tab: DrawTab) -> tuple[Any, Any]:
    png = to_png(load_validation_data(tab.lab.root).images[0].numpy())
    shown = do(tab.read(tab.lab.visitors.of(ME), Drawing(png, 8), frozenset(), []))
    return unpacked(shown[tab.bars]), unpacked(shown[tab.tiles])


def test_a_new_drawing_with_nobody_chosen_takes_the_old_answer_away(tab: DrawTab) -> None:
    assert tab.choose(tab.lab.visitors.of(ME), []) == {}
    bars, tiles = read(tab)
    assert (bars["models"], bars["message"], bars["seq"]) == ([], CHOOSE, 8)
    assert len(tiles["tiles"]) == 5


def test_a_fourth_network_is_refused_aloud(tab: DrawTab) -> None:
    visitor = tab.lab.visitors.of(ME)
    keys = [f"shipped:{name}" for name in checkpoints.shipped()]
    assert tab.choose(visitor, keys) == {}
    assert len(read(tab)[0]["models"]) == len(keys) == 3
    shown = tab.choose(visitor, [*keys, "run:x:best"])
    assert visitor.asked == tuple(keys)
    assert "At most 3 networks" in shown[tab.notice]
