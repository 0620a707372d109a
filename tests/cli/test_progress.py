"""How far a command is: a bar that a terminal draws over, whole lines now and then in a file, results on their own."""

import os
import sys
import termios

import pytest

from mnist_demo.cli import progress as module
from mnist_demo.cli.progress import progress


def test_on_a_terminal_a_bar_begins_where_the_work_went_on_and_is_gone_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal, shown = os.openpty()
    termios.tcsetwinsize(shown, (24, 80))
    with open(shown, "w", encoding="utf-8") as stderr, monkeypatch.context() as patch:  # noqa: PTH123 (no path)
        patch.setattr(sys, "stderr", stderr)
        bar = progress("step", 10, 4)
        bar.update(6)
        bar.refresh()
        bar.close()
        stderr.write("end")
        stderr.flush()
        seen = ""
        while not seen.endswith("end"):
            seen += os.read(terminal, 4096).decode()
    os.close(terminal)
    drawn = seen.removesuffix("end").split("\r")
    assert any("4/10" in each and "step" in each for each in drawn)
    assert any("10/10" in each for each in drawn)
    assert drawn[-2].strip() == drawn[-1] == ""  # wiped with spaces
    assert not any("\n" in each for each in drawn)


def test_in_a_file_each_report_is_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "LINE_SECONDS", 0.0)
    bar = progress("run", 3)
    for _ in range(3):
        bar.update()
    bar.close()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "\r" not in captured.err
    lines = captured.err.splitlines()
    assert [line.strip() for line in lines] == lines
    assert all(lines)
    assert [f"{done}/3" in line for done, line in enumerate(lines)] == [True] * len(lines)
    assert len(lines) == 4
    assert all(line.isascii() and len(line) <= 80 for line in lines)


def test_in_a_file_nothing_is_told_in_the_first_half_minute(capsys: pytest.CaptureFixture[str]) -> None:
    bar = progress("run", 1000)
    for _ in range(1000):
        bar.update()
    bar.close()
    assert capsys.readouterr().err == ""


def test_a_result_is_written_whole_to_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("kind") as bar:
        bar.write("a result")
    captured = capsys.readouterr()
    assert captured.out == "a result\n"
    assert captured.err == ""
