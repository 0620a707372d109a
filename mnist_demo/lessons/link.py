"""The link that carries a lesson or a pair, and how the page opens one. It never starts a training.

A link is a query: `lesson=overfitting`, or the knobs of a pair as `Pair.to_query` writes them, besides
`knobs=locked` or `knobs=hidden` for a class. Keys that begin with two underscores belong to Gradio.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.lessons import lesson


class KnobAccess(StrEnum):
    """What a visitor who opens the link may do with the knobs."""

    FREE = "free"
    LOCKED = "locked"
    HIDDEN = "hidden"


@dataclass(frozen=True)
class Link:
    """What a link asks for. `slug` is a lesson's, or None for a pair of one's own."""

    pair: Pair
    slug: str | None
    knobs: KnobAccess = KnobAccess.FREE

    def to_query(self) -> str:
        """The part of the link behind the question mark; empty for nothing but defaults."""
        chosen = lesson(self.slug) if self.slug else None
        is_lesson = chosen is not None and chosen.pair == self.pair
        query = urlencode({"lesson": self.slug}) if is_lesson else self.pair.to_query()
        knobs = urlencode({"knobs": self.knobs}) if self.knobs is not KnobAccess.FREE else ""
        return "&".join(part for part in (query, knobs) if part)


def read_link(parameters: Sequence[tuple[str, str]]) -> Link | None:
    """The link behind a page's query parameters; None if there are none of ours. Raises InvalidExperiment."""
    ours = [(key, value) for key, value in parameters if not key.startswith("__")]
    texts = dict(ours)
    if len(texts) != len(ours):
        raise InvalidExperiment("The link names a knob twice; name each once.")
    knobs_text = texts.pop("knobs", KnobAccess.FREE)
    if knobs_text not in set(KnobAccess):
        raise InvalidExperiment(f"knobs is one of {', '.join(KnobAccess)}, not {ascii(knobs_text)[:40]}.")
    slug = texts.pop("lesson", None)
    if slug is not None:
        chosen = lesson(slug)
        if chosen is None or texts:
            raise InvalidExperiment("There is no such lesson, or the link names a lesson and knobs at once.")
        return Link(chosen.pair, slug, KnobAccess(knobs_text))
    if not texts and knobs_text == KnobAccess.FREE:
        return None
    return Link(Pair.from_query(urlencode(texts)), None, KnobAccess(knobs_text))
