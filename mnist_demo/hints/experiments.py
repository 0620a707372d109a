"""Random experiments whose cause of trouble is known, because it was planted: what the hints are tried on.

Half of them are healthy. Every network, optimizer, size and mistake occurs. Does not know the rules.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mnist_demo.experiment.choices import Activation, Augmentation, Mistake, Network, Normalize, Optimizer, Schedule
from mnist_demo.experiment.config import Experiment
from mnist_demo.hints.case import Cause

TUNED_ON, CHECKED_ON = 1, 2  # seeds: the rules were written against the one draw and are judged by the other
IMAGES = 24_000  # training images shown in one run, times epochs
RATES = {  # that suit an optimizer
    Optimizer.SGD: (0.05, 0.1, 0.2),
    Optimizer.MOMENTUM: (0.01, 0.02),
    Optimizer.ADAM: (5e-4, 1e-3, 3e-3),
    Optimizer.ADAMW: (5e-4, 1e-3, 3e-3),
}
MISTAKES = {
    Cause.NO_ZERO_GRAD: Mistake.NO_ZERO_GRAD,
    Cause.NOT_SHUFFLED: Mistake.NO_SHUFFLE,
    Cause.NO_EVAL: Mistake.NO_EVAL,
    Cause.SOFTMAX_TWICE: Mistake.SOFTMAX_CROSS_ENTROPY,
    Cause.PROBABILITIES: Mistake.NLL_PROBABILITIES,
    Cause.LOGITS: Mistake.NLL_LOGITS,
}
Knobs = dict[str, Any]


@dataclass(frozen=True)
class Labelled:
    """An experiment, what was planted in it (None: nothing), and the same without it."""

    experiment: Experiment
    cause: Cause | None
    healthy: Experiment


def labelled(count: int, seed: int) -> Iterator[Labelled]:
    """`count` experiments, the same ones for the same seed: healthy ones and planted causes in turn."""
    draw = random.Random(seed)
    causes = list(Cause)
    for index in range(count):
        cause = causes[index // 2 % len(causes)] if index % 2 else None
        yield _plant(cause, draw)


def _healthy(draw: random.Random) -> Knobs:
    network = draw.choices((Network.MLP, Network.CNN, Network.DEEP_CNN), (10, 4, 1))[0]
    optimizer = draw.choice(tuple(Optimizer))
    size = draw.choice((500, 1000, 2000, 5000))
    knobs: Knobs = {
        "network": network,
        "optimizer": optimizer,
        "learning_rate": draw.choice(RATES[optimizer]),
        "activation": draw.choices((Activation.RELU, Activation.TANH, Activation.SIGMOID), (6, 2, 1))[0],
        "batch_size": draw.choice((16, 32, 64, 128)),
        "train_size": size,
        "epochs": min(draw.choice((5, 10, 20, 40)), IMAGES // size),
        "dropout": draw.choice((0.0, 0.0, 0.2, 0.5)),
        "normalize": draw.choice((Normalize.SYMMETRIC, Normalize.SYMMETRIC, Normalize.UNIT)),
        "augmentation": draw.choices((Augmentation.NONE, Augmentation.SHIFT), (4, 1))[0],
        "schedule": draw.choices((Schedule.CONSTANT, Schedule.ONE_CYCLE), (3, 1))[0],
        "weight_decay": draw.choice((0.0, 0.0, 1e-4)),
        "label_smoothing": draw.choice((0.0, 0.0, 0.1)),
        "weight_averaging": draw.choice((0.0, 0.0, 0.9)),
        "mistake": draw.choices((Mistake.NONE, Mistake.LOG_SOFTMAX_CROSS_ENTROPY), (9, 1))[0],  # harmless
        "seed": draw.randrange(1000),
    }
    if network is Network.MLP:
        knobs["hidden_sizes"] = draw.choice(("none", "32", "64", "256-128", "128-64", "64-64-64"))
        if knobs["activation"] is Activation.SIGMOID:
            knobs["hidden_sizes"] = "64"  # deeper ones have a cause of their own
    else:
        knobs |= {"activation": Activation.RELU, "epochs": min(knobs["epochs"], 8), "train_size": min(size, 2000)}
        knobs["hidden_sizes"] = "8-16-32" if network is Network.DEEP_CNN else draw.choice(("8-16-32", "16-32-64"))
    if network is Network.DEEP_CNN:
        knobs |= {"epochs": min(knobs["epochs"], 4), "train_size": 500}
    return knobs


def _plant(cause: Cause | None, draw: random.Random) -> Labelled:
    """A healthy experiment with a cause planted in it, as strong as such a cause usually is."""
    knobs = _healthy(draw)
    plain = {"optimizer": Optimizer.SGD, "learning_rate": 0.1}
    planted: Knobs = {}
    if cause in MISTAKES:
        planted = {"mistake": MISTAKES[cause]}
        if cause is Cause.NO_EVAL and knobs["network"] is Network.MLP:
            knobs |= {"dropout": 0.5, "hidden_sizes": "128-64"}
        knobs["mistake"] = Mistake.NONE
    elif cause is Cause.RATE_TOO_HIGH:
        is_plain = knobs["optimizer"] in (Optimizer.SGD, Optimizer.MOMENTUM)
        planted = {"learning_rate": draw.choice((3.0, 10.0, 30.0) if is_plain else (0.3, 1.0, 3.0))}
    elif cause is Cause.RATE_TOO_LOW:
        planted = {"learning_rate": max(knobs["learning_rate"] / draw.choice((300, 1000, 3000)), 1e-6)}
    elif cause is Cause.RAW_PIXELS:
        knobs |= plain | {"network": Network.MLP, "hidden_sizes": draw.choice(("64", "256-128"))}
        knobs |= {"activation": Activation.RELU, "learning_rate": draw.choice((0.1, 0.2))}
        planted = {"normalize": Normalize.RAW}
    elif cause is Cause.SIGNAL_DIES:
        deep = draw.choice(("64-64-64", "128-64-64", "64-64-64-64"))
        knobs |= plain | {"network": Network.MLP, "hidden_sizes": deep, "activation": Activation.RELU, "dropout": 0.0}
        planted = {"activation": Activation.SIGMOID}
    elif cause is Cause.WEIGHT_DECAY:
        knobs |= {"optimizer": Optimizer.ADAM, "learning_rate": 1e-3}
        planted = {"weight_decay": draw.choice((0.3, 1.0))}
    elif cause is Cause.TOO_NARROW:
        knobs |= {"network": Network.MLP, "hidden_sizes": "64", "dropout": 0.0, "optimizer": Optimizer.ADAM}
        knobs |= {"learning_rate": 3e-3, "train_size": 1000, "epochs": 20}
        planted = {"hidden_sizes": draw.choice(("1", "2", "64-1", "2-64"))}
    elif cause is Cause.TOO_MUCH_DROPOUT:
        knobs |= {"network": Network.MLP, "hidden_sizes": draw.choice(("64", "128-64", "256-128")), "dropout": 0.2}
        planted = {"dropout": draw.choice((0.9, 0.95))}
    elif cause is Cause.WRONG_LABELS:
        knobs |= plain | {"optimizer": Optimizer.ADAM, "learning_rate": 1e-3, "augmentation": Augmentation.NONE}
        knobs |= {"network": Network.MLP, "hidden_sizes": "256-128", "dropout": 0.0, "train_size": 500, "epochs": 40}
        knobs |= {"activation": Activation.RELU}
        planted = {"label_noise": draw.choice((0.3, 0.5, 1.0))}
    elif cause is Cause.FEW_UPDATES:
        knobs |= {"train_size": 1000, "epochs": 5, "batch_size": 32, "schedule": Schedule.CONSTANT}
        planted = {"batch_size": 1000}
    healthy = Experiment.from_dict(knobs)
    return Labelled(healthy.replace(**planted), cause, healthy)
