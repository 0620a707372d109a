"""UNIPEN's text format: a folder made here, with digits named in every way the format knows, and broken ones."""

from pathlib import Path

import numpy as np
import pytest

from mnist_demo.cli import main
from mnist_demo.errors import DataError
from mnist_demo.images import pens, unipen

SEGMENTS = """.VERSION 1.0
.INCLUDE donor/about.doc
.INCLUDE donor/data/page.dat
.COMMENT the components count from 0 over all that is included
.SEGMENT CHARACTER 0 ? "1"
.SEGMENT CHARACTER 1-2 OK "4"
.SEGMENT WORD 0-2 ? "14"
.SEGMENT CHARACTER 3 ? "x"
.SEGMENT CHARACTER 3:1-4:2 ? "7"
.SEGMENT CHARACTER 5 ? "8"
"""
PAGE = """.WRITER_ID Ada
.PEN_DOWN
  10 100 3
  10 90 3
  11 80
  10 60
.PEN_UP
  500 500
.PEN_DOWN
\t30\t100
\t20\t80
\t50\t80
.PEN_UP
.PEN_DOWN
\t40\t90
\t40\t60
.PEN_UP
.PEN_DOWN
0 0
70 100
90 100
80 60
.PEN_UP
.PEN_DOWN
70 80
80 80
90 80
999 999
.PEN_UP
.PEN_DOWN
1 1
.PEN_UP
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "data/1a/donor/deep/file.dat": SEGMENTS,
        "data/1a/other/file.dat": '.INCLUDE other/page.dat\n.SEGMENT CHARACTER 0 ? "1"\n',
        "data/1b/donor/letters.dat": '.INCLUDE donor/data/page.dat\n.SEGMENT CHARACTER 0 ? "5"\n',
        "include/donor/about.doc": ".COORD X Y P\n",
        "include/donor/data/page.dat": PAGE,
        "include/other/page.dat": ".PEN_DOWN\n0 9\n0 6\n0 3\n0 0\n.PEN_UP\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_digits_are_read_with_label_writer_and_donor_and_y_downwards(folder: Path) -> None:
    found = unipen.read(folder)
    assert found.labels.tolist() == [1, 4, 7, 1]  # the dot called 8 is no digit
    assert [len(digit) for digit in found.digits] == [1, 2, 2, 1]
    np.testing.assert_array_equal(found.digits[0][0], [[10, -100], [10, -90], [11, -80], [10, -60]])
    np.testing.assert_array_equal(found.digits[2][0], [[70, -100], [90, -100], [80, -60]])  # from its second point on
    np.testing.assert_array_equal(found.digits[2][1], [[70, -80], [80, -80], [90, -80]])  # to its third
    assert found.writers[0] == found.writers[2] != found.writers[3]
    assert found.donors[0] == found.donors[2] != found.donors[3]


def test_the_command_makes_a_file_that_is_read_back(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "pens.npz"
    assert main(["pens", str(folder), "--output", str(output)]) == 0
    assert "4 digits by 2 writers" in capsys.readouterr().out
    assert sorted(pens.load(output).labels.tolist()) == [1, 1, 4, 7]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("data/1a/other/file.dat", '.INCLUDE other/gone.dat\n.SEGMENT CHARACTER 0 ? "1"\n', "gone.dat is missing"),
        ("data/1a/other/file.dat", '.INCLUDE other/page.dat\n.SEGMENT CHARACTER 7 ? "1"\n', "component 7"),
        ("data/1a/other/file.dat", '.INCLUDE other/page.dat\n.SEGMENT CHARACTER a-b ? "1"\n', "'a-b'"),
        ("include/other/page.dat", ".PEN_DOWN\n0 nine\n.PEN_UP\n", "'0 nine'"),
    ],
)
def test_a_broken_folder_is_told_in_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, message: str
) -> None:
    (folder / name).write_text(text)
    assert main(["pens", str(folder), "--output", str(folder / "pens.npz")]) == 1
    assert message in capsys.readouterr().err
    assert not (folder / "pens.npz").exists()


def test_a_folder_of_something_else_holds_no_digits(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no digits"):
        unipen.read(tmp_path)
