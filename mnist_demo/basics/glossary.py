"""The words that explain themselves on the page: each with one sentence and the example of Basics that shows it.

Reads `glossary.md`; a knob's sentence is its help. Marks the words in a text. Does not know where they are shown.
"""

import re
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from mnist_demo.basics.chapters import EXAMPLES
from mnist_demo.experiment.config import knobs
from mnist_demo.lessons.claims import parted

LINE = re.compile(r"([^(>:]*?) ?(?:\(([\w ]+)\))?(?: -> (\w+))?(?:: (.+))?")
_UNMARKED = re.compile(r"(<code>.*?</code>|<[^>]*>)", re.S)


@dataclass(frozen=True)
class Word:
    """One word. `spellings` are marked in texts, in any case; `example` is empty where Basics shows nothing of it."""

    name: str
    spellings: tuple[str, ...]
    example: str
    sentence: str
    claim: str  # what must be true of the example, or why nothing can be measured; empty for a knob


@cache
def words() -> dict[str, Word]:
    """Every word by its name."""
    _, *lines = Path(__file__).with_name("glossary.md").read_text(encoding="utf-8").split("\n\n", 1)
    return {word.name: word for line in lines[0].splitlines() if line for word in [_read(line)]}


def _read(line: str) -> Word:
    match = LINE.fullmatch(line)
    if not match:
        raise ValueError(f"A line of the glossary cannot be read: {line}")
    spelled, name, example, said = match.groups(default="")
    spellings = tuple(spelled.split(", ")) if spelled else ()
    name = name or spellings[0]
    sentence = parted(said)[0] if said else knobs()[name].help
    return Word(name, spellings, example, sentence, said.rpartition(" | ")[2])


def told() -> dict[str, list[str]]:
    """For each word its sentence, and where Basics shows it: the example's name and title, as the page is sent it."""
    return {
        name: [word.sentence, *([word.example, EXAMPLES[word.example].title] if word.example else [])]
        for name, word in words().items()
    }


def word_html(name: str, text: str) -> str:
    """A text that explains itself by that word's sentence."""
    label = f'class="mnist-word" data-word="{escape(name)}"'
    return f'<span {label} tabindex="0" role="button">{text}</span>'


def explained(html: str) -> str:
    """HTML in which each word explains itself where it first occurs."""
    pattern, names = _spellings()
    seen = set()

    def mark(match: re.Match[str]) -> str:
        name = names[match[0].lower()]
        if name in seen:
            return match[0]
        seen.add(name)
        return word_html(name, match[0])

    pieces = _UNMARKED.split(html)
    return "".join(pattern.sub(mark, piece) if index % 2 == 0 else piece for index, piece in enumerate(pieces))


@cache
def _spellings() -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds a word in a text, the longest first; and the name of each spelling."""
    names = {spelling.lower(): word.name for word in words().values() for spelling in word.spellings}
    longest = "|".join(re.escape(spelling) for spelling in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{longest})(?![\w-])", re.I), names
