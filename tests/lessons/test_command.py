"""`python -m mnist_demo lessons` and `export`, as a shell sees them."""

from collections.abc import Iterator, Sequence

import pytest

from mnist_demo import cli
from mnist_demo.experiment.pair import Pair
from mnist_demo.export.script import script
from mnist_demo.lessons import Lesson, checking, lessons
from mnist_demo.lessons.catalog import Claim
from mnist_demo.lessons.checking import Verdict


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], int]]:
    """What was asked to be checked; a sentence of the first lesson fails on two seeds, of others on one."""
    asked: list[tuple[list[str], int]] = []

    def check(chosen: Sequence[Lesson], seeds: int) -> Iterator[Verdict | None]:
        asked.append(([lesson.slug for lesson in chosen], seeds))
        for lesson in chosen:
            yield None
            yield Verdict(lesson, Claim("Not so.", "a.fall > 0"), seeds, (3, 4) if lesson is lessons()[0] else (3,))

    monkeypatch.setattr(checking, "check", check)
    return asked


def test_lessons_are_listed_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lessons"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [lesson.slug for lesson in lessons()]
    assert "dropout 0 → 0.5" in lines[4]


def test_status_is_0_where_each_holds_on_nine_of_ten(
    checked: list[tuple[list[str], int]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["lessons", "--check", "dropout", "capacity"]) == 0
    assert checked == [(["dropout", "capacity"], 10)]
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()] == [
        ["ok", "9/10", "dropout"],
        ["ok", "9/10", "capacity"],
    ]


def test_status_is_1_where_one_does_not(
    checked: list[tuple[list[str], int]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["lessons", "--check", "--seeds", "10"]) == 1
    assert checked[0][0] == [lesson.slug for lesson in lessons()]
    output = capsys.readouterr()
    assert output.out.startswith("FAIL  8/10 overfitting ")
    assert output.err == f"1 of {len(lessons())} sentences does not hold on nine seeds of ten.\n"


def test_unknown_lesson_is_one_sentence_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lessons", "no-such"]) == 2
    assert capsys.readouterr().err.startswith("There is no lesson 'no-such'; there are overfitting,")


def test_export_prints_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    query = "epochs=3&dropout=0.5"
    assert cli.main(["export", query]) == 0
    assert capsys.readouterr().out == script(Pair.from_query(query).a)
    assert cli.main(["export", "colour=red"]) == 2
    assert "colour" in capsys.readouterr().err
