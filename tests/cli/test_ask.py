"""What a finished network is asked on the command line: scores, and the digit in a picture."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_demo.images.data import TrainingData
from mnist_demo.images.pens import Pens
from mnist_demo.inference import drawings
from mnist_demo.learning import checkpoints
from mnist_demo.learning.checkpoints import Checkpoint
from tests.cli.conftest import complaint, run


@pytest.fixture
def picture(tmp_path: Path, training_data: TrainingData) -> Path:
    digit = Image.fromarray(255 - training_data.val.images[0].numpy()).resize((280, 280))
    digit.save(tmp_path / "digit.png")
    return tmp_path / "digit.png"


def test_evaluate_prints_the_accuracy_in_the_file(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", checkpoint, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["test_accuracy"] == checkpoints.load(checkpoint).scores["test_accuracy"]
    assert run("evaluate", checkpoint) == 0
    assert f"test accuracy {printed['test_accuracy']:.4f}" in capsys.readouterr().out


def test_predict(checkpoint: Path, picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("predict", picture, "--checkpoint", checkpoint, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["refusal"] is None
    assert len(printed["probabilities"]) == 10
    assert sum(printed["probabilities"]) == pytest.approx(1, abs=1e-4)
    assert printed["digit"] == int(np.argmax(printed["probabilities"]))
    assert run("predict", picture, picture, "--checkpoint", checkpoint) == 0
    assert capsys.readouterr().out.count(str(picture)) == 2


def test_a_picture_that_cannot_be_read_is_named_and_the_others_are_read(
    checkpoint: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    assert run("predict", text, tmp_path / "gone.png", picture, "--checkpoint", checkpoint) == 1
    captured = capsys.readouterr()
    assert str(picture) in captured.out
    first, second, third = captured.err.splitlines()
    assert str(text) in first
    assert "gone.png" in second
    assert third == "2 of 3 pictures could not be read."


def test_predict_of_a_blank_picture_refuses(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (280, 280), 255).save(tmp_path / "blank.png")
    assert run("predict", tmp_path / "blank.png", "--checkpoint", checkpoint, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["digit"] is None
    assert "No ink was found" in printed["refusal"]


def test_wrong_files_are_one_sentence_and_status_1(
    checkpoint: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    for words in (
        ["evaluate", tmp_path / "gone"],
        ["evaluate", tmp_path],
        ["evaluate", text],
        ["predict", tmp_path / "gone", "--checkpoint", checkpoint],
        ["predict", tmp_path, "--checkpoint", checkpoint],
        ["predict", text, "--checkpoint", checkpoint],
        ["predict", picture, "--checkpoint", text],
        ["archive", tmp_path, "--output", tmp_path / "new.tar.xz"],
    ):
        assert run(*words) == 1
        assert complaint(capsys).endswith(".")
    assert not (tmp_path / "new.tar.xz").exists()


def test_drawings_of_a_fold_are_those_of_its_writers(
    checkpoint: Path,
    written: Pens,
    pens_file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drawings, "NON_DIGITS", ("scribbles", "dots"))  # only digits have writers
    measure, writers = drawings.measure, []

    def noted(model: Checkpoint, table: drawings.Table, progress: Callable[[str], None]) -> drawings.Report:
        assert isinstance(table.source, Pens)
        writers.append(set(table.source.writers.tolist()))
        return measure(model, table, progress)

    monkeypatch.setattr(drawings, "measure", noted)
    assert run("drawings", checkpoint, "--pens", pens_file, "--fold", 2, "--count", 10, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["apart"]) == {"slashed 0", "1 with upstroke"}
    assert "plain" in report["accuracy"]
    assert "crossed 7" not in report["accuracy"]  # an imitation
    trained = checkpoints.load(checkpoint)
    scores = {**trained.scores, checkpoints.HELD_OUT_FOLD: 2}
    apart = checkpoint.with_name("fold-2.safetensors")
    apart.write_bytes(checkpoints.pack(trained.model.state_dict(), trained.experiment, scores))
    assert run("drawings", apart, "--pens", pens_file, "--count", 10, "--json") == 0  # those it has not learned from
    again = json.loads(capsys.readouterr().out)
    assert again.pop("recognize_ms")
    assert all(report[name] == value for name, value in again.items())
    assert writers == [set(written.fold(2)[1].writers.tolist())] * 2
    assert writers[0] < set(written.writers.tolist())
    assert run("drawings", checkpoint, "--pens", pens_file.with_name("gone.npz")) == 1
    assert "gone.npz" in complaint(capsys)
