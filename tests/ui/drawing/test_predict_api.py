"""The endpoint for programs: a file is read like its base64, and no other file of the server's is."""

import base64
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mnist_demo.images.data import load_validation_data
from mnist_demo.images.pictures import MAX_BYTES
from mnist_demo.ui.drawing.digits import to_png
from mnist_demo.ui.drawing.predict_api import answer_picture


@pytest.fixture
def png(mnist_root: Path) -> bytes:
    return to_png(load_validation_data(mnist_root).images[0].numpy())


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


def test_an_uploaded_file_is_read_like_its_base64_and_not_kept(png: bytes, uploads: Path) -> None:
    file = uploads / "digit.png"
    file.write_bytes(png)
    answer = answer_picture({"path": str(file), "meta": {"_type": "gradio.FileData"}})
    assert answer == answer_picture(base64.b64encode(png).decode())
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
            answer_picture(value)
    assert outside.exists()


def test_a_file_too_large_is_refused_and_not_kept(uploads: Path) -> None:
    (uploads / "large.png").write_bytes(bytes(MAX_BYTES + 1))
    with pytest.raises(gr.Error, match="is the most"):
        answer_picture({"path": str(uploads / "large.png")})
    assert not (uploads / "large.png").exists()
