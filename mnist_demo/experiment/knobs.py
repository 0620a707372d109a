"""Describes a knob for a form, a command line or a sentence, from the field that declares it.

Knows fields and text. Does not know which knobs exist: `config` declares them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

MAX_LAYERS = 4
MAX_WIDTH = 1024
NO_OWN_DIGITS = "none"  # instead of what identifies a set of them
SAMPLE_HAND = "sample"  # in their place: digits of a hand that comes with the app


@dataclass(frozen=True)
class Knob:
    """One knob, for a form or a command line. `minimum` and `maximum` are inclusive."""

    name: str
    title: str
    help: str
    default: Any
    type: type  # int, float, str (own digits), tuple (hidden sizes) or a StrEnum
    minimum: float | None = None
    maximum: float | None = None
    examples: tuple[str, ...] = ()  # values worth trying, as text

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a choice; empty for numbers."""
        return tuple(self.type) if issubclass(self.type, StrEnum) else ()

    @property
    def accepts(self) -> str:
        """Which values are allowed, as the second half of a sentence."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.type is tuple:
            return f"up to {MAX_LAYERS} widths from 1 to {MAX_WIDTH:,} joined by '-', like 256-128, or none"
        if self.type is str:
            return (
                f"{NO_OWN_DIGITS}, {SAMPLE_HAND}, or the 16 letters and digits that the Draw tab gives a set of your "
                "own digits"
            )
        kind = "a whole number" if self.type is int else "a number"
        return f"{kind} from {self.minimum:,.10g} to {self.maximum:,.10g}"

    def refusal(self, value: object) -> str:
        """One sentence for a value that is not allowed: the knob, the value, the allowed values."""
        return f"{self.title} ({self.name}) cannot be {shown(value)}: give {self.accepts}."


def knobs_of(declaration: type[BaseModel], defaults: BaseModel) -> dict[str, Knob]:
    """Every field of a pydantic model as a knob by name, in the order of declaration."""
    found = {}
    for name, field in declaration.model_fields.items():
        default = getattr(defaults, name)
        bounds: dict[str, float] = {}
        for constraint in field.metadata:
            for ours, theirs in (("minimum", "ge"), ("maximum", "le")):
                if (bound := getattr(constraint, theirs, None)) is not None:
                    bounds[ours] = bound
        title, help_text = field.title or name, field.description or ""
        examples = tuple(to_text(example) for example in field.examples or ())
        found[name] = Knob(name, title, help_text, default, type(default), **bounds, examples=examples)
    return found


def to_text(value: object) -> str:
    """A knob's value as flags, links and sentences write it: 0.001, 256-128, adam."""
    if isinstance(value, tuple):
        return "-".join(str(size) for size in value) or "none"
    if not isinstance(value, float):
        return str(value)
    short = f"{value:.10g}"
    return short if float(short) == value else repr(value)  # a link must give exactly the same run


def shown(value: object) -> str:
    """A bad value, made short and printable on one line, so that a message can repeat it."""
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a number of over 20 digits"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value):,} elements"
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:36]}...'"
