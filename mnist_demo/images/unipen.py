"""Reads the isolated digits in the text files of the published UNIPEN folder into `Pens`.

Knows the file format. Does not know networks. Source: Guyon et al., "UNIPEN project of on-line data exchange and
recognizer benchmarks" (1994); the folder is train_r01_v07 of doi 10.5281/zenodo.1195803.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_demo.errors import DataError
from mnist_demo.images.pens import Pens
from mnist_demo.images.strokes import Stroke, box

DIGITS, INCLUDED = Path("data", "1a"), Path("include")  # the digits of each donor, and the ink files that they include
SEGMENT = re.compile(r'\.SEGMENT\s+CHARACTER\s+(\S+)\s+\S+\s+"(\d)"')
PART = re.compile(r"(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?")  # 169, 169-170, 169:12-170:3
MOST_STROKES, FEWEST_POINTS = 4, 4  # of a digit that is kept
WIDEST = 4.0  # width over height of a digit that is kept


@dataclass(frozen=True)
class Page:
    """The ink that a file includes: what lies between `.PEN_DOWN` and `.PEN_UP`, y downwards, and who wrote it."""

    components: Sequence[Stroke]
    writer: str


def read(folder: Path) -> Pens:
    """All isolated digits of the folder, with writers and donors numbered.

    Leaves out digits of more than four strokes or fewer than four points, and digits far wider than high.
    Raises DataError where the folder holds no digits or a file cannot be read.
    """
    digits: list[list[Stroke]] = []
    labels: list[int] = []
    writers: list[tuple[str, str]] = []
    for path in sorted((folder / DIGITS).glob("*/**/*.dat")):
        donor = path.relative_to(folder / DIGITS).parts[0]
        for digit, label, writer in _digits(path, folder):
            if is_plausible(digit):
                digits.append(digit)
                labels.append(label)
                writers.append((donor, writer))
    if not digits:
        raise DataError(f"{folder / DIGITS} holds no digits: name the folder that holds UNIPEN's data and include.")
    names = sorted(set(writers))
    donors = sorted({donor for donor, _ in names})
    return Pens(
        digits,
        np.array(labels, np.int64),
        np.array([names.index(writer) for writer in writers], np.int64),
        np.array([donors.index(donor) for donor, _ in writers], np.int64),
        np.arange(len(digits)),
    )


def is_plausible(digit: list[Stroke]) -> bool:
    """Whether strokes can be one digit: checks how many strokes and points, and the shape of their box."""
    if not 1 <= len(digit) <= MOST_STROKES or sum(map(len, digit)) < FEWEST_POINTS:
        return False
    low, high = box(digit)
    width, height = high - low
    return bool(height > 0 and width / height < WIDEST)


def _digits(path: Path, folder: Path) -> Iterator[tuple[list[Stroke], int, str]]:
    """Strokes, label and writer of every digit that one file of segments names."""
    page = Page([], path.stem)
    for line in _lines(path):
        if line.startswith(".INCLUDE"):
            included = read_page(folder / INCLUDED / line.split()[1])
            page = Page([*page.components, *included.components], included.writer or page.writer)
        elif match := SEGMENT.match(line):
            yield components(page, match[1]), int(match[2]), page.writer


def read_page(path: Path) -> Page:
    """The components of a file. Raises DataError if a line between pen down and pen up is not a point."""
    found: list[list[tuple[float, float]]] = []
    is_down, writer = False, ""
    for line in _lines(path):
        if line.startswith("."):
            is_down = line.startswith(".PEN_DOWN")
            if is_down:
                found.append([])
            if line.startswith(".WRITER_ID"):
                writer = line.removeprefix(".WRITER_ID").strip()
        elif is_down and line:
            try:
                x, y = map(float, line.split()[:2])
            except ValueError as error:
                raise DataError(f"{path} has a line that is no point: {line[:40]!a}.") from error
            found[-1].append((x, -y))
    return Page([np.array(points, float).reshape(-1, 2) for points in found], writer)


def components(page: Page, places: str) -> list[Stroke]:
    """The strokes that a segment names, as in '3', '169-170', '169:12-170:3' or several joined by commas.

    A number after a colon is the number of a point in its component; the last point named is included.
    Raises DataError for places that the page does not have.
    """
    strokes: list[Stroke] = []
    for place in places.split(","):
        match = PART.fullmatch(place)
        if not match:
            raise DataError(f"{place[:40]!a} is no place of a segment.")
        first, start, last, end = (int(number) if number is not None else None for number in match.groups())
        assert first is not None
        last = first if last is None else last
        if not first <= last < len(page.components):
            raise DataError(f"A segment names component {last}; its page has {len(page.components)}.")
        chosen = list(page.components[first : last + 1])
        if end is not None:
            chosen[-1] = chosen[-1][: end + 1]
        if start is not None:
            chosen[0] = chosen[0][start:]
        strokes += [stroke for stroke in chosen if len(stroke)]
    return strokes


def _lines(path: Path) -> Iterator[str]:
    """The lines of a text file, trimmed. Raises DataError if there is none."""
    if not path.is_file():
        raise DataError(f"{path} is missing: name the folder that holds UNIPEN's data and include.")
    with path.open(encoding="latin-1") as file:
        yield from (line.strip() for line in file)
