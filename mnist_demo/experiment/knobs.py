"""A knob as a form, a command line or a sentence needs it, read from the field that declares it.

Knows fields and text; which knobs there are is declared in `config`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

MAX_LAYERS = 4
MAX_WIDTH = 1024


@dataclass(frozen=True)
class Knob:
    """One knob as a form or a command line needs it. `minimum` and `maximum` are inclusive."""

    name: str
    title: str
    help: str
    default: Any
    type: type  # int, float, tuple (hidden sizes) or a StrEnum
    minimum: float | None = None
    maximum: float | None = None
    examples: tuple[str, ...] = ()  # worth trying, as text

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a choice; empty for numbers."""
        return tuple(self.type) if issubclass(self.type, StrEnum) else ()

    @property
    def accepts(self) -> str:
        """What may be given, as the second half of a sentence."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.type is tuple:
            return f"up to {MAX_LAYERS} widths from 1 to {MAX_WIDTH:,} joined by '-', like 256-128, or none"
        kind = "a whole number" if self.type is int else "a number"
        return f"{kind} from {self.minimum:,.10g} to {self.maximum:,.10g}"

    def refusal(self, value: object) -> str:
        """One sentence for a value that cannot be: the knob, the value, what may be given."""
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
    return short if float(short) == value else repr(value)  # a link must bring back the very same run


def shown(value: object) -> str:
    """A bad value as a message may repeat it: short, printable, on one line."""
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a number of over 20 digits"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value):,} elements"
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:36]}...'"
