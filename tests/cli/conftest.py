"""The command line called in this process, and a short training to ask."""

from pathlib import Path

import pytest

from mnist_demo import cli

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


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network trained by the command."""
    path = tmp_path_factory.mktemp("trained") / "short.safetensors"
    assert run("train", *SHORT, "--dropout", "0.25", "--test", "--output", path) == 0
    return path
