"""Each command run in this process: what it prints, what it writes, and one sentence for every wrong word."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_demo import cli
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import checkpoints

SHORT = ["--train-size", "100", "--hidden-sizes", "16", "--epochs", "2"]


def run(*words: object) -> int:
    try:
        return cli.main([str(word) for word in words])
    except SystemExit as end:
        return int(end.code or 0)


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert captured.err.strip().count("\n") == 0, captured.err
    return captured.err.strip()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "short.safetensors"
    assert run("train", *SHORT, "--dropout", "0.25", "--output", path) == 0
    return path


@pytest.fixture
def picture(tmp_path: Path, training_data: TrainingData) -> Path:
    digit = Image.fromarray(255 - training_data.val.images[0].numpy()).resize((280, 280))
    digit.save(tmp_path / "digit.png")
    return tmp_path / "digit.png"


def test_train_writes_the_network_its_experiment_and_its_scores(checkpoint: Path) -> None:
    found = checkpoints.load(checkpoint)
    assert (found.experiment.dropout, found.experiment.hidden_sizes, found.experiment.epochs) == (0.25, (16,), 2)
    assert 0 < found.scores["test_accuracy"] < 1
    assert found.scores["epoch"] in (0, 1, 2)


def test_evaluate_prints_the_accuracy_in_the_file(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", checkpoint, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["test_accuracy"] == checkpoints.load(checkpoint).scores["test_accuracy"]
    assert run("evaluate", checkpoint) == 0
    assert f"test accuracy {printed['test_accuracy']:.4f}" in capsys.readouterr().out


def test_train_again_is_the_same_file_of_weights(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = tmp_path / "again.pth"
    assert run("train", *SHORT, "--dropout", "0.25", "--output", again) == 0
    assert "SHA-256" in capsys.readouterr().out
    weights = torch.load(again, weights_only=True)
    for name, value in checkpoints.load(checkpoint).model.state_dict().items():
        assert torch.equal(weights[name], value)


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
    assert "blank" in printed["refusal"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], "COMMAND"),
        (["fly"], "fly"),
        (["train", "--bogus", "1"], "--bogus"),
        (["train", "--drop", "0.5"], "--drop"),
        (["train", "--dropout"], "--dropout"),
        (["train", "--dropout", "7"], "from 0 to 0.95"),
        (["train", "--dropout", "nan"], "dropout"),
        (["train", "--dropout", ""], "dropout"),
        (["train", "--epochs", "3.7"], "whole number"),
        (["train", "--epochs", "٥"], "epochs"),
        (["train", "--train-size", "99"], "from 100 to 55,000"),
        (["train", "--network", "transformer"], "one of mlp, cnn"),
        (["train", "--hidden-sizes", "256,128"], "joined by '-'"),
        (["train", "--threads", "0"], "--threads"),
        (["train", "--keep", "worst"], "--keep"),
        (["train", "--state", "run.state"], "--keep last"),  # the best weights so far are not in it
        (["evaluate"], "checkpoint"),
        (["predict"], "IMAGE"),
    ],
)
def test_wrong_words_are_one_sentence_and_status_2(
    words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert named in complaint(capsys)


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


def test_a_place_that_cannot_be_written_is_told_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", *SHORT, "--output", tmp_path / "gone" / "x.safetensors") in (1, 2)
    captured = capsys.readouterr()
    assert "gone" in captured.err
    assert "Traceback" not in captured.err
    assert "epoch" not in captured.out


def test_help_names_every_knob(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "--help") == 0
    printed = capsys.readouterr().out
    assert "--learning-rate" in printed
    assert "--mistake" in printed
