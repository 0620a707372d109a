"""The link that carries a lesson or a pair, and how the page opens one. It never starts a training.

A link is a query: `lesson=overfitting`, or the knobs of a pair as `Pair.to_query` writes them. A teacher can add
`knobs=locked` or `knobs=hidden`. Other sites may append keys of their own; those are ignored.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.knobs import shown
from mnist_demo.experiment.pair import MAX_LINK_LENGTH, Pair
from mnist_demo.lessons import lesson

# What search engines, social networks, mailing lists, Spaces and Gradio append to a link.
FOREIGN_KEYS = {"fbclid", "gclid", "dclid", "msclkid", "igshid", "mc_cid", "mc_eid", "logs", "view"}
FOREIGN_PREFIXES = ("utm_", "__")
_SPACE_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
MAX_TOLD = 3  # sentences about parts that could not be used; more would not help the reader


class KnobAccess(StrEnum):
    """What a visitor who opens the link may do with the knobs; the strictest comes last."""

    FREE = "free"
    LOCKED = "locked"
    HIDDEN = "hidden"


@dataclass(frozen=True)
class Link:
    """What a link asks for. `slug` is a lesson's, or None for a pair of one's own."""

    pair: Pair
    slug: str | None
    knobs: KnobAccess = KnobAccess.FREE
    unused: tuple[str, ...] = ()  # a sentence each for the first parts that could not be used

    def to_query(self) -> str:
        """The part of the link behind the question mark; empty for nothing but defaults."""
        chosen = lesson(self.slug) if self.slug else None
        is_lesson = chosen is not None and chosen.pair == self.pair
        query = urlencode({"lesson": self.slug}) if is_lesson else self.pair.to_query()
        knobs = urlencode({"knobs": self.knobs}) if self.knobs is not KnobAccess.FREE else ""
        return "&".join(part for part in (query, knobs) if part)


def read_link(parameters: Sequence[tuple[str, str]]) -> Link | None:
    """The link behind a page's query parameters; None if there are none of ours.

    A part that cannot be used is left out and named in `unused`; `knobs=` still applies.
    Raises InvalidExperiment if no part of it can be used.
    """
    ours = [(key, value) for key, value in parameters if not is_foreign(key)]
    accesses = [value for key, value in ours if key == "knobs"]
    access, unused = _read_access(accesses)
    try:
        pair, slug, left_out = _read_pair([(key, value) for key, value in ours if key != "knobs"])
    except InvalidExperiment as error:
        pair, slug, left_out = None, None, [str(error)]
    unused = [*unused, *left_out][:MAX_TOLD]
    if pair is None and not set(accesses) & set(KnobAccess) and unused:
        raise InvalidExperiment(" ".join(unused))
    if pair is None and access is KnobAccess.FREE and not unused:
        return None
    return Link(pair or Pair.from_query(""), slug, access, tuple(unused))


def space_address(space_id: str) -> str:
    """The address of a Hugging Face Space's page, from its SPACE_ID (owner/name); empty where there is none."""
    return f"https://huggingface.co/spaces/{space_id}" if _SPACE_ID.fullmatch(space_id) else ""


def is_foreign(key: str) -> bool:
    """Whether a key of a query belongs to somebody else."""
    return key in FOREIGN_KEYS or key.startswith(FOREIGN_PREFIXES)


def _read_access(texts: Sequence[str]) -> tuple[KnobAccess, list[str]]:
    """The strictest access named, and a sentence for each unknown one. An unknown one locks, as was probably meant."""
    wrong = [text for text in texts if text not in set(KnobAccess)]
    named = [KnobAccess.LOCKED if text in wrong else KnobAccess(text) for text in texts]
    sentences = [f"knobs is one of {', '.join(KnobAccess)}, not {shown(text)}." for text in wrong]
    return max(named, key=list(KnobAccess).index, default=KnobAccess.FREE), sentences


def _read_pair(items: Sequence[tuple[str, str]]) -> tuple[Pair | None, str | None, list[str]]:
    """The pair that the items name, its lesson, and a sentence for each item left out.

    Returns None for the pair if none is named. Raises InvalidExperiment if the items name none that can be used.
    """
    length = len(urlencode(items))
    if length > MAX_LINK_LENGTH:
        raise InvalidExperiment(f"The link is {length:,} characters long; {MAX_LINK_LENGTH:,} is the most.")
    texts: dict[str, str] = {}
    unused = []
    for key in dict.fromkeys(key for key, _ in items):
        values = [value for other, value in items if other == key]
        try:
            if len(values) > 1:
                raise InvalidExperiment(f"The link names {shown(key)} twice; name each once.")
            if key != "lesson":
                Pair.from_query(urlencode({key: values[0]}))
            texts[key] = values[0]
        except InvalidExperiment as error:
            unused.append(str(error))
    slug = texts.pop("lesson", None)
    if slug is None:
        return Pair.from_query(urlencode(texts)) if texts else None, None, unused
    chosen = lesson(slug)
    if chosen is None or texts:
        raise InvalidExperiment("There is no such lesson, or the link names a lesson and knobs at once.")
    return chosen.pair, slug, unused
