"""Which lines of the notes each example shows. Reads `checklist.md` and `notes.txt`. Does not read the examples."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROW = re.compile(r"\| (\d+)(?:-(\d+))? \| `(.+)` \| (\w+) \|(.*)\|")


@dataclass(frozen=True)
class Row:
    """Lines `first` to `last` of the notes (1-based, inclusive), a quote from them, and the example that shows it."""

    first: int
    last: int
    quote: str
    example: str
    correction: str


@cache
def notes() -> tuple[str, ...]:
    """The lines of the notes."""
    return tuple((HERE / "notes.txt").read_text(encoding="utf-8").splitlines())


@cache
def rows() -> tuple[Row, ...]:
    """The table, in the order of the notes."""
    found = []
    for line in (HERE / "checklist.md").read_text(encoding="utf-8").splitlines():
        if match := ROW.fullmatch(line):
            first, last, quote, example, correction = match.groups()
            found.append(Row(int(first), int(last or first), quote, example, correction.strip()))
    return tuple(found)


def is_quote(text: str) -> bool:
    """Whether the notes hold each part of `text` between its ellipses word for word; line ends do not matter."""
    flat = " ".join(" ".join(notes()).split())
    return all(" ".join(part.split()).rstrip(".") in flat for part in text.split("…"))


def text_of(row: Row) -> str:
    """The lines of a row without the margin they share."""
    lines = notes()[row.first - 1 : row.last]
    margin = min((len(x) - len(x.lstrip()) for x in lines if x.strip()), default=0)
    return "\n".join(x[margin:].rstrip() for x in lines).strip("\n")


def passages(example: str) -> str:
    """The passages of the notes that an example shows, each under its line numbers."""
    parts = []
    for row in rows():
        if row.example == example:
            where = f"line {row.first}" if row.first == row.last else f"lines {row.first}–{row.last}"
            parts.append(f"{where}\n{text_of(row)}")
    return "\n\n".join(parts)
