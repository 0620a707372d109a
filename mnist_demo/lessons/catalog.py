"""Lessons read from the .md files beside this module.

A file opens with lines `name: value` between two `---`: title, `needs` (lessons to see first), question, one `guess`
for each wrong answer, `right` for the right one (shown in the file's order), and `pair` as a link writes it. Then come
the sections `## What happened`, `## Why` and `## Try next`: one sentence a line, a blank line between paragraphs.
Numbers are placeholders like `{b.last.val_accuracy:.1%}`. After ` | ` each sentence, also the right answer, has the
claim that the runs must show, or one word for why nothing can be measured: the language of `claims`.
A line of `Try next` ends in `-> lesson or pair`, and its claim is about those two runs.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mnist_demo.experiment.history import History
from mnist_demo.experiment.pair import Pair
from mnist_demo.experiment.summary import RunSummary
from mnist_demo.lessons.claims import Mark, is_true, parted

FOLDER = Path(__file__).parent
# From what everybody meets first to what is harder; a lesson stands after those it needs.
ORDER = (
    *("overfitting", "overfitting-in-accuracy", "memorizing", "early-stopping", "dropout", "training-loss-lies"),
    *("augmentation", "another-hand", "mlp-against-cnn", "capacity", "one-seed"),
    *("learning-rate-too-low", "learning-rate-too-high", "diverged", "no-nonlinearity", "vanishing-gradient"),
    *("eval-forgotten", "zero-grad-forgotten", "zero-grad-late", "softmax-twice", "softmax-hidden"),
    *("log-softmax-twice", "nll-on-probabilities", "nll-on-logits", "raw-pixels", "not-shuffled"),
)


@dataclass(frozen=True)
class Claim:
    """A sentence, and the expression that two runs must make true; a marked sentence has no expression."""

    sentence: str  # a template: it may hold placeholders
    expression: str
    mark: Mark | None = None

    def holds(self, a: History, b: History) -> bool:
        """Whether it is true of two recorded runs."""
        return self.mark is not None or is_true(self.expression, {"a": RunSummary(a), "b": RunSummary(b)})

    def said(self, a: History, b: History) -> str:
        """The sentence with the numbers of these two runs."""
        return self.sentence.format(a=RunSummary(a), b=RunSummary(b))


@dataclass(frozen=True)
class Suggestion:
    """What to try next: another lesson by slug, or a pair to train; its claim is about the runs of either."""

    claim: Claim
    slug: str | None
    pair: Pair | None

    @property
    def runs(self) -> Pair:
        """The two runs that its claim is about."""
        following = lesson(self.slug) if self.slug else None
        pair = following.pair if following else self.pair
        assert pair
        return pair

    @property
    def text(self) -> str:
        """What the button says."""
        return self.claim.sentence


Paragraphs = tuple[tuple[Claim, ...], ...]


@dataclass(frozen=True)
class Lesson:
    """One question, the pair of runs that answers it, and what is said of them. Texts are Markdown."""

    slug: str
    title: str
    needs: tuple[str, ...]  # slugs
    question: str
    guesses: tuple[str, ...]
    answer: int  # index of the right guess
    pair: Pair
    right: Claim
    what_happened: Paragraphs
    why: Paragraphs
    try_next: tuple[Suggestion, ...]

    @property
    def sentences(self) -> tuple[Claim, ...]:
        """Everything that is said of the lesson's two runs, in the order of the page."""
        return (self.right, *(claim for part in (self.what_happened, self.why) for some in part for claim in some))

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The sentences that can be measured."""
        return tuple(sentence for sentence in self.sentences if sentence.mark is None)

    @property
    def following(self) -> str | None:
        """The next lesson in teaching order; None after the last."""
        index = ORDER.index(self.slug) + 1
        return ORDER[index] if index < len(ORDER) else None

    def check(self, a: History, b: History) -> tuple[Claim, ...]:
        """The claims that these two runs do not show; empty where the lesson holds."""
        return tuple(claim for claim in self.claims if not claim.holds(a, b))

    def happened(self, a: History, b: History) -> str:
        """What happened and why, in the numbers of these two runs (each at least one point long).

        A sentence that is not true of these runs is left out. If it is the answer, the text says so.
        """
        happened, why = (
            [" ".join(claim.said(a, b) for claim in some if claim.holds(a, b)) for some in part]
            for part in (self.what_happened, self.why)
        )
        if not self.right.holds(a, b):
            happened.insert(0, f"These two runs do not show the usual: {self.right.sentence} Other seeds mostly do.")
        why[0] = f"**Why.** {why[0]}"
        return "\n\n".join(text for text in (*happened, *why) if text)


@functools.cache  # the files are part of the program
def lessons() -> tuple[Lesson, ...]:
    """Every lesson, in teaching order."""
    return tuple(parse(slug, (FOLDER / f"{slug}.md").read_text(encoding="utf-8")) for slug in ORDER)


def lesson(slug: str) -> Lesson | None:
    """The lesson of that name, if there is one."""
    return next((lesson for lesson in lessons() if lesson.slug == slug), None)


def parse(slug: str, text: str) -> Lesson:
    """A lesson from the text of its file. Raises ValueError for a sentence without a claim or a mark."""
    _, head, body = re.split(r"^---\n", text, maxsplit=2, flags=re.M)
    fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in head.splitlines())]
    single = dict(fields)
    right = _claim(single["right"])
    guesses = [(name, right.sentence if name == "right" else value) for name, value in fields if name in GUESSES]
    sections = {title: content.strip() for title, content in re.findall(r"^## (.+)\n([^#]*)", body, flags=re.M)}
    return Lesson(
        slug=slug,
        title=single["title"],
        needs=tuple(single.get("needs", "").split()),
        question=single["question"],
        guesses=tuple(value for _, value in guesses),
        answer=[name for name, _ in guesses].index("right"),
        pair=Pair.from_query(single["pair"]),
        right=right,
        what_happened=_paragraphs(sections["What happened"]),
        why=_paragraphs(sections["Why"]),
        try_next=tuple(_suggestions(sections["Try next"])),
    )


GUESSES = ("guess", "right")


def _claim(line: str) -> Claim:
    return Claim(*parted(line))


def _paragraphs(section: str) -> Paragraphs:
    return tuple(tuple(_claim(line) for line in block.splitlines()) for block in section.split("\n\n"))


def _suggestions(section: str) -> Iterator[Suggestion]:
    for line in section.splitlines():
        text, _, target = line.removeprefix("- ").partition(" -> ")
        is_pair = "=" in target
        yield Suggestion(_claim(text), None if is_pair else target, Pair.from_query(target) if is_pair else None)
