"""Lessons read from the .md files beside this module.

A file opens with lines `name: value` between two `---`: title, question, one `guess` for each wrong
answer and `right` for the right one (shown in the file's order), `pair` as a link writes it, and one
or more `claim: sentence | expression`. Then the sections `## What happened`, with placeholders like
`{b.last.val_accuracy:.1%}`, `## Why`, and `## Try next`, whose lines end in `-> lesson or pair`.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mnist_demo.experiment.history import History
from mnist_demo.experiment.pair import Pair
from mnist_demo.experiment.summary import RunSummary
from mnist_demo.lessons.claims import is_true

FOLDER = Path(__file__).parent
# From what everybody meets first to what takes a second look.
ORDER = (
    *("overfitting", "overfitting-in-accuracy", "memorizing", "early-stopping", "dropout", "training-loss-lies"),
    *("augmentation", "capacity", "one-seed"),
    *("learning-rate-too-low", "learning-rate-too-high", "diverged", "no-nonlinearity", "vanishing-gradient"),
    *("eval-forgotten", "zero-grad-forgotten", "zero-grad-late", "softmax-twice", "softmax-hidden"),
    *("log-softmax-twice", "nll-on-probabilities", "nll-on-logits", "raw-pixels", "not-shuffled"),
)


@dataclass(frozen=True)
class Claim:
    """Something a lesson must show: the sentence for people and the same as an expression."""

    sentence: str
    expression: str

    def holds(self, a: History, b: History) -> bool:
        """Whether two recorded runs show it."""
        return is_true(self.expression, {"a": RunSummary(a), "b": RunSummary(b)})


@dataclass(frozen=True)
class Suggestion:
    """What to try next: another lesson by slug, or a pair to train."""

    text: str
    slug: str | None
    pair: Pair | None


@dataclass(frozen=True)
class Lesson:
    """One question, the pair of runs that answers it, and what they must show. Texts are Markdown."""

    slug: str
    title: str
    question: str
    guesses: tuple[str, ...]
    answer: int  # index of the right guess
    pair: Pair
    claims: tuple[Claim, ...]
    happened_template: str
    why: str
    try_next: tuple[Suggestion, ...]

    def check(self, a: History, b: History) -> tuple[Claim, ...]:
        """The claims that these two runs do not show; empty where the lesson holds."""
        return tuple(claim for claim in self.claims if not claim.holds(a, b))

    def happened(self, a: History, b: History) -> str:
        """What happened, in the numbers of these two runs (each at least one point long)."""
        text = self.happened_template.format(a=RunSummary(a), b=RunSummary(b))
        for claim in self.check(a, b):
            text += f"\n\nThese two runs do not show the usual: {claim.sentence} Other seeds mostly do."
        return text


@functools.cache  # the files are part of the program
def lessons() -> tuple[Lesson, ...]:
    """Every lesson, in teaching order."""
    return tuple(_parse(slug, (FOLDER / f"{slug}.md").read_text(encoding="utf-8")) for slug in ORDER)


def lesson(slug: str) -> Lesson | None:
    """The lesson of that name, if there is one."""
    return next((lesson for lesson in lessons() if lesson.slug == slug), None)


def _parse(slug: str, text: str) -> Lesson:
    _, head, body = re.split(r"^---\n", text, maxsplit=2, flags=re.M)
    fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in head.splitlines())]
    single = dict(fields)
    guesses = [(name, value) for name, value in fields if name in ("guess", "right")]
    sections = {title: content.strip() for title, content in re.findall(r"^## (.+)\n([^#]*)", body, flags=re.M)}
    return Lesson(
        slug=slug,
        title=single["title"],
        question=single["question"],
        guesses=tuple(value for _, value in guesses),
        answer=[name for name, _ in guesses].index("right"),
        pair=Pair.from_query(single["pair"]),
        claims=tuple(_claim(value) for name, value in fields if name == "claim"),
        happened_template=_unwrap(sections["What happened"]),
        why=_unwrap(sections["Why"]),
        try_next=tuple(_suggestions(sections["Try next"])),
    )


def _claim(value: str) -> Claim:
    sentence, expression = value.split(" | ")
    return Claim(sentence.strip(), expression.strip())


def _suggestions(section: str) -> Iterator[Suggestion]:
    for line in section.splitlines():
        text, _, target = line.removeprefix("- ").partition(" -> ")
        is_pair = "=" in target
        yield Suggestion(text, None if is_pair else target, Pair.from_query(target) if is_pair else None)


def _unwrap(section: str) -> str:
    """Paragraphs on one line each, as chat-like views that keep line breaks need them."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in section.split("\n\n"))
