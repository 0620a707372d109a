"""The Draw tab's handlers: nobody is asked unless chosen."""

import base64
import json
from pathlib import Path

from mnist_demo.images.data import load_validation_data
from mnist_demo.learning import checkpoints
from mnist_demo.serving.runs import RunStore
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.ui.draw import CHOOSE, _read
from mnist_demo.ui.drawing.digits import to_png
from tests.ui.trained import ME


def test_a_new_drawing_with_nobody_chosen_takes_the_old_answer_away(mnist_root: Path) -> None:
    png = to_png(load_validation_data(mnist_root).images[0].numpy())
    shelf = ModelShelf(checkpoints.shipped(), RunStore())
    drawing = {"ink": base64.b64encode(png).decode(), "seq": 8, "final": True, "strokes": 1}
    bars, tiles = (json.loads(value) for value in _read(shelf, drawing, [], frozenset(), False, ME))
    assert (bars["models"], bars["message"], bars["seq"]) == ([], CHOOSE, 8)
    assert len(tiles["tiles"]) == 5
