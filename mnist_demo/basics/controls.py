"""The controls of an example, each declared once: name, label, default and bounds.

`read` is the only way from what a visitor sends to a value of the right type. Does not know PyTorch or the page.
"""

from dataclasses import dataclass

from mnist_demo.errors import InvalidExperiment

Value = bool | int | float | str
LONGEST_ECHO = 40  # characters of a bad value repeated in a message


@dataclass(frozen=True)
class Number:
    """A whole or real number between two bounds. `step` 1 means whole numbers only."""

    name: str
    label: str
    default: float
    minimum: float
    maximum: float
    step: float = 1

    @property
    def is_whole(self) -> bool:
        return self.step == 1

    @property
    def extremes(self) -> tuple[Value, ...]:
        return (self.minimum, self.maximum)

    def read(self, value: object) -> Value:
        """`value` as an int or float within the bounds, or InvalidExperiment in one sentence."""
        kind = "a whole number" if self.is_whole else "a number"
        wanted = f"{kind} from {self.minimum:g} to {self.maximum:g}"
        # A bool is an int to Python, and an int of 400 digits overflows float().
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refusal(self.label, value, wanted)
        if not self.minimum <= value <= self.maximum:  # NaN fails this too
            raise refusal(self.label, value, wanted)
        if self.is_whole:
            if value != int(value):
                raise refusal(self.label, value, wanted)
            return int(value)
        return float(value)


@dataclass(frozen=True)
class Choice:
    """One of a few named values."""

    name: str
    label: str
    default: str
    choices: tuple[str, ...]

    @property
    def extremes(self) -> tuple[Value, ...]:
        return self.choices

    def read(self, value: object) -> Value:
        """`value` if it is one of the choices, or InvalidExperiment in one sentence."""
        if not isinstance(value, str) or value not in self.choices:
            raise refusal(self.label, value, "one of " + ", ".join(self.choices))
        return value


@dataclass(frozen=True)
class Switch:
    """Yes or no."""

    name: str
    label: str
    default: bool

    @property
    def extremes(self) -> tuple[Value, ...]:
        return (False, True)

    def read(self, value: object) -> Value:
        """`value` if it is a bool, or InvalidExperiment in one sentence."""
        if not isinstance(value, bool):
            raise refusal(self.label, value, "true or false")
        return value


Control = Number | Choice | Switch


def refusal(label: str, value: object, wanted: str) -> InvalidExperiment:
    """The one sentence for a bad value, with the value cut to a readable length."""
    try:
        shown = repr(value)
    except (ValueError, RecursionError):  # ints of over 4,300 digits; lists nested too deep
        shown = type(value).__name__
    if len(shown) > LONGEST_ECHO:
        shown = shown[:LONGEST_ECHO] + "…"
    return InvalidExperiment(f"{label} can't be {shown}: give {wanted}.")


def seed(default: int = 0) -> Number:
    """The seed control that most examples share."""
    return Number("seed", "seed", default, 0, 999)
