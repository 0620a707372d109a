"""What a training on the command line writes, and that nothing it has learned is lost, whatever ends it."""

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mnist_demo.cli.train import _how_to_go_on
from mnist_demo.cli.words import parser
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import load_training_data, mnist_root
from mnist_demo.images.own_digits import read_file, with_own
from mnist_demo.images.pens import Pens
from mnist_demo.learning import checkpoints, training
from mnist_demo.learning.networks import weights_hash
from mnist_demo.learning.state_file import ClaimedFile, Training
from tests.cli.conftest import SHORT, complaint, run
from tests.images.own_hand import drawings_of, file_of


def test_train_writes_the_network_its_experiment_and_its_scores(checkpoint: Path) -> None:
    found = checkpoints.load(checkpoint)
    assert (found.experiment.dropout, found.experiment.hidden_sizes, found.experiment.epochs) == (0.25, (16,), 2)
    assert 0 < found.scores["test_accuracy"] < 1
    assert found.scores["epoch"] in (0, 1, 2)


def test_train_again_is_the_same_file_of_weights(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = tmp_path / "again.pth"
    assert run("train", *SHORT, "--dropout", "0.25", "--output", again) == 0
    printed = capsys.readouterr().out
    assert "SHA-256" in printed
    assert "test accuracy" not in printed  # nobody asked for it
    weights = torch.load(again, weights_only=True)
    for name, value in checkpoints.load(checkpoint).model.state_dict().items():
        assert torch.equal(weights[name], value)


def test_a_place_that_cannot_be_written_is_told_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", *SHORT, "--output", tmp_path / "gone" / "x.safetensors") == 1
    captured = capsys.readouterr()
    assert "gone" in captured.err
    assert "Traceback" not in captured.err
    assert "epoch" not in captured.out


def hash_of(printed: str) -> str:
    found = re.search(r"SHA-256 (\w{64})", printed)
    assert found, printed
    return found[1]


def test_a_training_that_is_interrupted_goes_on_to_the_same_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--train-size", "500", "--epochs", "40", "--learning-rate", "0.01", "--dropout", "0.2"]
    words += ["--output", str(tmp_path / "part 1.safetensors")]
    started = subprocess.Popen(
        [sys.executable, "-m", "mnist_demo", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout
    assert "epoch    0.00" in started.stdout.readline()
    started.send_signal(signal.SIGINT)
    _, told = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "Stopped at step" in told.splitlines()[0]
    so_far = checkpoints.load(tmp_path / "part 1.safetensors")
    assert "test_accuracy" not in so_far.scores
    assert 0 < so_far.scores["epoch"] < 40

    to_go_on = shlex.split(told.splitlines()[1])
    assert to_go_on[:4] == ["python", "-m", "mnist_demo", "train"]
    assert run(*to_go_on[3:]) == 0
    went_on = hash_of(capsys.readouterr().out)
    assert run(*words[:-1], tmp_path / "whole.safetensors") == 0
    assert hash_of(capsys.readouterr().out) == went_on
    whole, resumed = (checkpoints.load(tmp_path / f"{name}.safetensors") for name in ("whole", "part 1"))
    assert whole.scores == resumed.scores
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "part 1.safetensors",
        "part 1.state",
        "whole.safetensors",
    ]


def test_a_finished_state_gives_either_weights_without_training_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", *SHORT, "--epochs", "9", "--learning-rate", "0.1", "--json"]
    printed = {}
    for keep in ("best", "last"):
        assert run(*words, "--keep", keep) == 0
        printed[keep] = json.loads(capsys.readouterr().out)
    assert printed["best"]["weights_sha256"] != printed["last"]["weights_sha256"]
    assert run(*words, "--state", tmp_path / "run.state") == 0
    assert "epoch" in capsys.readouterr().err
    for keep in ("last", "best"):
        assert run(*words, "--keep", keep, "--state", tmp_path / "run.state") == 0
        captured = capsys.readouterr()
        assert json.loads(captured.out) == printed[keep]
        assert "epoch" not in captured.err


def test_a_damaged_or_foreign_state_is_one_sentence_and_stays(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "run.state"
    assert run("train", *SHORT, "--state", state) == 0
    whole = state.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    capsys.readouterr()
    for content in (b"", b"no state", whole[:-1], bytes(flipped), checkpoint.read_bytes()):
        state.write_bytes(content)
        assert run("train", *SHORT, "--state", state) == 1
        assert "holds no training of MNIST Lab" in complaint(capsys)
        assert state.read_bytes() == content
    state.write_bytes(whole)
    assert run("train", *SHORT, "--seed", "1", "--state", state) == 1
    assert "another experiment's run" in complaint(capsys)


def test_places_are_claimed_before_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    busy = tmp_path / "busy.safetensors"
    with ClaimedFile(busy):
        for flag in ("--output", "--state"):
            for place in (
                tmp_path / "gone" / "x",
                tmp_path / "folder",
                tmp_path / "file" / "x",
                Path("/dev/null"),
                busy,
            ):
                assert run("train", *SHORT, flag, place) == 1
                assert str(place) in complaint(capsys)
    assert not list(tmp_path.glob("*.part"))
    assert Path("/dev/null").is_char_device()


def test_real_pens_make_another_run_that_goes_on_only_with_the_same_ones(
    pens_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hashes = []
    for words in ([], ["--pens", pens_file], ["--pens", pens_file, "--fold", 1], ["--pens", pens_file, "--fold", 1]):
        assert run("train", *SHORT, *words) == 0
        hashes.append(hash_of(capsys.readouterr().out))
    assert len(set(hashes)) == 3
    kept = tmp_path / "kept.safetensors"
    assert run("train", *SHORT, "--pens", pens_file, "--fold", 1, "--output", kept) == 0
    assert checkpoints.load(kept).scores[checkpoints.HELD_OUT_FOLD] == 1
    capsys.readouterr()
    assert hashes[2] == hashes[3]
    state = tmp_path / "run.state"
    experiment = Experiment.from_dict({"train_size": 100, "hidden_sizes": "16", "epochs": 2})
    state.write_bytes(Training(checkpoints.state_to_bytes(training.start(experiment, "of other digits"))).to_bytes())
    assert run("train", *SHORT, "--state", state, "--pens", pens_file) == 1
    assert "a different file of extra digits: give it that file again" in complaint(capsys)
    assert run("train", *SHORT, "--fold", 1) == 2
    assert "--pens" in complaint(capsys)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_a_device_that_is_not_there_is_one_sentence(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["train", *SHORT, "--output", tmp_path / "x.pth"], ["evaluate", checkpoint], ["predict", "no.png"]):
        assert run(*words, "--device", "cuda") == 1
        assert "finds no device 'cuda'" in complaint(capsys)
    assert run("train", "--device", "abacus") == 2
    assert "invalid choice: 'abacus'" in complaint(capsys)
    assert list(tmp_path.iterdir()) == []


def test_the_hash_says_on_which_device(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for device in ([], ["--device", "cpu"]):
        assert run("train", *SHORT, *device) == 0
        printed.append(capsys.readouterr().out)
        assert "(trained on cpu)" in printed[-1]
    assert hash_of(printed[0]) == hash_of(printed[1])
    assert run("train", *SHORT, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["device"] == "cpu"


def test_own_digits_train_the_same_run_again_and_are_named_to_go_on(
    written: Pens, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my-digits.json"
    file.write_text(file_of(drawings_of(written, 20)))
    kept = tmp_path / "kept.safetensors"
    assert run("train", *SHORT, "--own-digits", file, "--output", kept) == 0
    experiment = checkpoints.load(kept).experiment
    learned, _ = read_file(file.read_bytes()).parted()
    assert experiment.own_digits == learned.digest
    data = with_own(load_training_data(mnist_root()), learned.to_bytes())
    whole, _ = training.advance(training.start(experiment), 10**6, data)
    assert hash_of(capsys.readouterr().out) == weights_hash(whole.weights)
    state, _ = training.advance(training.start(experiment), 1, data)
    options = parser().parse_args(["train", *SHORT, "--own-digits", str(file)])
    assert f"--own-digits {file}" in _how_to_go_on(state, options, tmp_path / "x.state")
    file.write_text("{}")
    assert run("train", *SHORT, "--own-digits", file) != 0
    assert "This is not a file of own digits" in complaint(capsys)
    assert run("train", *SHORT, "--own-digits", tmp_path / "gone.json") != 0
    assert run("train", *SHORT, "--own-digits", "sample", "--output", kept) == 0
    assert checkpoints.load(kept).experiment.own_digits == "sample"
    assert "gone.json" in complaint(capsys)
