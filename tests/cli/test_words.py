"""Words that the command line knows, and one sentence for every wrong one."""

import pytest

from tests.cli.conftest import complaint, run


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
        (["evaluate"], "checkpoint"),
        (["predict"], "IMAGE"),
    ],
)
def test_wrong_words_are_one_sentence_and_status_2(
    words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert named in complaint(capsys)


def test_help_names_every_knob(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "--help") == 0
    printed = capsys.readouterr().out
    assert "--learning-rate" in printed
    assert "--mistake" in printed
