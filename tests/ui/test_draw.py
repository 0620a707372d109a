"""The Draw tab's handlers: nobody is asked unless chosen, and no file of the server's is read."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from mnist_demo import checkpoints
from mnist_demo.data import load_validation_data
from mnist_demo.runs import RunStore
from mnist_demo.sketch import MAX_PICTURE_BYTES
from mnist_demo.ui.digits import to_png
from mnist_demo.ui.draw import CHOOSE, _predict, _read
from mnist_demo.ui.models import ModelShelf
from tests.ui.trained import ME


@pytest.fixture
def png(mnist_root: Path) -> bytes:
    return to_png(load_validation_data(mnist_root).images[0].numpy())


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


def test_a_new_drawing_with_nobody_chosen_takes_the_old_answer_away(png: bytes) -> None:
    shelf = ModelShelf(checkpoints.shipped(), RunStore())
    drawing = {"ink": base64.b64encode(png).decode(), "seq": 8, "final": True, "strokes": 1}
    bars, tiles = (json.loads(value) for value in _read(shelf, drawing, [], frozenset(), False, ME))
    assert (bars["models"], bars["message"], bars["seq"]) == ([], CHOOSE, 8)
    assert len(tiles["tiles"]) == 5


def test_an_uploaded_file_is_read_like_its_base64_and_not_kept(png: bytes, uploads: Path) -> None:
    file = uploads / "digit.png"
    file.write_bytes(png)
    answer = _predict({"path": str(file), "meta": {"_type": "gradio.FileData"}})
    assert answer == _predict(base64.b64encode(png).decode())
    assert not file.exists()


def test_no_other_file_is_read(png: bytes, uploads: Path) -> None:
    outside = uploads.parent / "digit.png"
    outside.write_bytes(png)
    (uploads / "link.png").symlink_to(outside)
    names: list[Any] = [str(outside), str(uploads / ".." / "digit.png"), str(uploads / "link.png"), str(uploads)]
    names += [str(uploads / "gone.png"), "", "\0", "x" * 5000, 5, None, ["/etc/passwd"]]
    values: list[Any] = [{"path": name} for name in names]
    for value in [*values, {}, [], None, 5]:
        with pytest.raises(gr.Error, match=r"\.'$"):
            _predict(value)
    assert outside.exists()


def test_a_file_too_large_is_refused_before_it_is_read(uploads: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (1000, 1000, 3), np.uint8)).save(buffer, "PNG")
    (uploads / "large.png").write_bytes(buffer.getvalue())
    assert len(buffer.getvalue()) > MAX_PICTURE_BYTES
    with pytest.raises(gr.Error, match="is the most"):
        _predict({"path": str(uploads / "large.png")})
