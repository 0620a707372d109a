"""A training on disk: whole at every moment, one writer at a time, and what is no training of ours is refused."""

from pathlib import Path

import pytest

from mnist_demo.errors import InvalidCheckpoint, RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning.checkpoints import state_to_bytes
from mnist_demo.learning.state import start
from mnist_demo.learning.state_file import ClaimedFile, Training, read_training


def test_a_training_comes_back_as_it_was_kept(tiny: Experiment, tmp_path: Path) -> None:
    path, training = tmp_path / "run.state", Training(state_to_bytes(start(tiny)), b"best")
    assert read_training(path, tiny) is None
    with ClaimedFile(path) as file:
        file.write(training.to_bytes())
    assert read_training(path, tiny) == training
    with pytest.raises(InvalidCheckpoint, match="another experiment's run"):
        read_training(path, tiny.replace(seed=1))


def test_one_byte_changed_or_lost_is_no_training_of_ours(tiny: Experiment, tmp_path: Path) -> None:
    path, whole = tmp_path / "run.state", Training(state_to_bytes(start(tiny)), b"best").to_bytes()
    changed = whole[:-1] + bytes([whole[-1] ^ 1])
    for content in (b"", whole[:-1], changed, whole.replace(b"training-1", b"training-2")):
        path.write_bytes(content)
        with pytest.raises(InvalidCheckpoint, match="no training of MNIST Lab"):
            read_training(path, tiny)


def test_a_file_is_written_again_and_again_and_by_nobody_else_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with ClaimedFile(path) as file:
        assert path.read_bytes() == b"old"
        for content in (b"a longer one", b"new", b""):
            file.write(content)
            assert path.read_bytes() == content
            with pytest.raises(RunError, match="another training"):
                ClaimedFile(path)
    assert list(tmp_path.iterdir()) == [path]
    with ClaimedFile(path):
        pass
    with pytest.raises(OSError, match="folder"):
        ClaimedFile(tmp_path / "no folder" / "x")
