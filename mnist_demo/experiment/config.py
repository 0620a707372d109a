"""Every knob of one training run, each declared once: default, bounds and help.

The form, the command line, the link and the validation all read these declarations. Knows which values a knob
may have. Does not know what a knob does, and does not import torch.
"""

import functools
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.choices import Activation, Augmentation, Mistake, Network, Normalize, Optimizer, Schedule
from mnist_demo.experiment.knobs import MAX_LAYERS, MAX_WIDTH, NO_OWN_DIGITS, SAMPLE_HAND, Knob, knobs_of, shown

TRAIN_IMAGES, VALIDATION_IMAGES = 55_000, 5_000
DEFAULT_HIDDEN_SIZES = {Network.MLP: (256, 128), Network.CNN: (16, 32, 64), Network.DEEP_CNN: (16, 48, 96)}

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?(?:[0-9]{1,18}(?:\.[0-9]{0,24})?|\.[0-9]{1,24})(?:e[-+]?[0-9]{1,3})?", re.I)


def _choice(enum: type[StrEnum]) -> BeforeValidator:
    def parse(value: object) -> object:
        return enum(value) if isinstance(value, str) and value in set(enum) else value

    return BeforeValidator(parse)


def _parse_hidden_sizes(value: object) -> object:
    """Accepts (256, 128), [256, 128], "256-128", and "none" for no hidden layer at all."""
    if isinstance(value, str):
        text = value.strip()
        if text == "none":
            return ()
        parts = text.split("-")
        if len(parts) > MAX_LAYERS or not all(_INTEGER.fullmatch(part) for part in parts):
            raise PydanticCustomError("hidden_sizes", "not widths joined by '-'")
        return tuple(int(part) for part in parts)
    return tuple(value) if isinstance(value, list) else value


def _default_hidden_sizes(earlier: dict[str, Any]) -> tuple[int, ...]:
    return DEFAULT_HIDDEN_SIZES[earlier.get("network", Network.MLP)]


class Experiment(BaseModel):
    """Everything that decides one training run; two equal experiments train to equal weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    network: Annotated[Network, _choice(Network)] = Field(
        Network.MLP,
        title="Network",
        description="Fully connected (MLP), convolutional (CNN), or convolutional at full resolution first (deep CNN).",
    )
    hidden_sizes: Annotated[
        tuple[Annotated[int, Field(ge=1, le=MAX_WIDTH)], ...], BeforeValidator(_parse_hidden_sizes)
    ] = Field(
        default_factory=_default_hidden_sizes,
        max_length=MAX_LAYERS,
        title="Hidden sizes",
        examples=[(), (8,), (64,), (256, 128), (512, 256)],
        description="Width of each hidden layer, joined by '-': units of an mlp, channels of a cnn.",
    )
    activation: Annotated[Activation, _choice(Activation)] = Field(
        Activation.RELU, title="Activation", description="Non-linearity after each hidden layer."
    )
    dropout: float = Field(
        0.0,
        ge=0,
        le=0.95,
        title="Dropout",
        examples=[0.0, 0.2, 0.5, 0.8],
        description="Share of hidden units switched off at random in each training step.",
    )
    optimizer: Annotated[Optimizer, _choice(Optimizer)] = Field(
        Optimizer.ADAM, title="Optimizer", description="How a gradient becomes a weight update."
    )
    learning_rate: float = Field(
        1e-3,
        ge=1e-6,
        le=100,
        title="Learning rate",
        examples=[1e-4, 1e-3, 3e-3, 0.01, 0.1, 0.5, 1.0, 3.0],
        description="Scale of each weight update.",
    )
    schedule: Annotated[Schedule, _choice(Schedule)] = Field(
        Schedule.CONSTANT,
        title="Schedule",
        description="Keep the learning rate, or warm it up and let it fall to zero: "
        "along a curve (one cycle) or after holding it (trapezoid).",
    )
    weight_decay: float = Field(
        0.0,
        ge=0,
        le=1,
        title="Weight decay",
        examples=[0.0, 1e-4, 1e-3, 0.01, 0.1],
        description="How strongly each weight is pulled towards zero.",
    )
    batch_size: int = Field(
        64,
        ge=1,
        le=2048,
        title="Batch size",
        examples=[1, 16, 64, 128, 512],
        description="Images used for each weight update.",
    )
    train_size: int = Field(
        1000,
        ge=100,
        le=TRAIN_IMAGES,
        title="Training images",
        examples=[100, 300, 1000, 5000, 20_000, 55_000],
        description="How many of the 55,000 training images the network may see.",
    )
    epochs: int = Field(
        40,
        ge=1,
        le=200,
        title="Epochs",
        examples=[3, 5, 10, 20, 40, 100],
        description="Passes over the training images.",
    )
    patience: int = Field(
        0,
        ge=0,
        le=200,
        title="Patience",
        examples=[0, 2, 5, 10],
        description="Stop after this many epochs without a lower validation loss; 0 never stops.",
    )
    label_noise: float = Field(
        0.0,
        ge=0,
        le=1,
        title="Label noise",
        examples=[0.0, 0.1, 0.3, 1.0],
        description="Share of training labels replaced by a random digit.",
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        le=0.5,
        title="Label smoothing",
        examples=[0.0, 0.1],
        description="Share of each training target spread evenly over all ten digits.",
    )
    weight_averaging: float = Field(
        0.0,
        ge=0,
        le=0.9999,
        title="Weight averaging",
        examples=[0.0, 0.99, 0.999],
        description="Share each step keeps of the running average of the weights, which is evaluated; 0: none.",
    )
    augmentation: Annotated[Augmentation, _choice(Augmentation)] = Field(
        Augmentation.NONE,
        title="Augmentation",
        description="Move each training image a little, differently each time it is shown.",
    )
    non_digits: float = Field(
        0.0,
        ge=0,
        le=0.5,
        title="Non-digits",
        examples=[0.0, 0.1],
        description="Pictures of no digit added to each batch, as a share of it; their target is every digit equally.",
    )
    own_digits: str = Field(
        NO_OWN_DIGITS,
        pattern=rf"^({NO_OWN_DIGITS}|{SAMPLE_HAND}|[0-9a-f]{{16}})$",
        title="My digits",
        examples=[NO_OWN_DIGITS, SAMPLE_HAND],
        description="Drawings learned from besides MNIST's, drawn again in many ways: a sample hand's, or yours from "
        "the Draw tab.",
    )
    normalize: Annotated[Normalize, _choice(Normalize)] = Field(
        Normalize.SYMMETRIC,
        title="Pixel scale",
        description="Pixels as [-1, 1] (symmetric), [0, 1] (unit) or 0 to 255 (raw).",
    )
    mistake: Annotated[Mistake, _choice(Mistake)] = Field(
        Mistake.NONE,
        title="Mistake",
        description="One wrong line in the training loop, on purpose.",
    )
    seed: int = Field(
        0,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        examples=[0, 1, 2, 3],
        description="Start of the random numbers: initial weights, batch order, dropout.",
    )

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Validates typed values (JSON types; choices as text). Raises InvalidExperiment."""
        try:
            return cls.model_validate(dict(values) if isinstance(values, Mapping) else values)
        except ValidationError as error:
            raise InvalidExperiment(_sentence(error.errors(include_url=False)[0])) from error

    @classmethod
    def from_text(cls, texts: Mapping[str, str]) -> Self:
        """Validates values written as text, as flags and links carry them. Raises InvalidExperiment."""
        return cls.from_dict({name: parse_text(name, text) for name, text in texts.items()})

    def replace(self, **changes: object) -> Self:
        """A copy with some knobs changed, validated; hidden sizes left at the default follow the network."""
        return self.from_dict({**non_default(self), **changes})

    def to_dict(self) -> dict[str, Any]:
        """All knobs as JSON types."""
        return self.model_dump(mode="json")


@functools.cache
def knobs() -> Mapping[str, Knob]:
    """Every knob of an Experiment by name, in the order of declaration."""
    return knobs_of(Experiment, Experiment())


def parse_text(name: str, text: str) -> object:
    """The typed value of a knob written as text, still to be validated. Raises InvalidExperiment."""
    knob = _knob(name)
    if knob.type is int and _INTEGER.fullmatch(text):
        return int(text)
    if knob.type is float and _NUMBER.fullmatch(text):
        return float(text)
    if knob.type in (int, float):
        raise InvalidExperiment(knob.refusal(text))
    return text


def non_default(experiment: Experiment) -> dict[str, Any]:
    """The knobs that differ from the defaults (of the same network, for the hidden sizes)."""
    return {name: new for name, (_, new) in changed_fields(Experiment(), experiment).items()}


def changed_fields(a: Experiment, b: Experiment) -> dict[str, tuple[Any, Any]]:
    """{knob: (A's value, B's value)} where they differ; hidden sizes that only follow the network are left out."""
    changed = {
        name: (getattr(a, name), getattr(b, name))
        for name in Experiment.model_fields
        if getattr(a, name) != getattr(b, name)
    }
    if a.network != b.network:  # their default sizes differ, so a change of network changes both knobs
        changed.pop("hidden_sizes", None)
        if any(x.hidden_sizes != DEFAULT_HIDDEN_SIZES[x.network] for x in (a, b)):
            changed["hidden_sizes"] = (a.hidden_sizes, b.hidden_sizes)
    return changed


def _knob(name: str) -> Knob:
    found = knobs()
    if name not in found:
        raise InvalidExperiment(f"There is no knob {shown(name)}; there are {', '.join(found)}.")
    return found[name]


def _sentence(error: ErrorDetails) -> str:
    """The first thing wrong with an experiment, in one sentence naming knob, value and bounds."""
    if not error["loc"]:
        return f"An experiment is a set of knobs, not {shown(error['input'])}."
    return _knob(str(error["loc"][0])).refusal(error["input"])
