"""Rules for runs with sound lines and a setting that keeps them from learning: rates, depth, decay, width, updates.

As in `bugs`, the cause is found from evidence, and the experiment is used only to choose the advice. If two settings
would look alike, the rule gives no hint.
"""

import math

from mnist_demo.experiment.choices import Activation, Network
from mnist_demo.hints.case import USUAL_RATES, Case, Cause, Hint, Kind, Promise, Rule

GROWN = 5.0  # times the length of the weights before training


def rate_too_high(case: Case) -> Hint | None:
    """NaN, or very large weights and units that no longer learn, with no other explanation."""
    last, probe = case.last, case.probe
    is_thrown = math.isnan(case.growth) or case.growth >= GROWN
    if case.is_sound and not (last.train_accuracy <= 0.5 and (is_thrown or (case.is_dead and case.growth > 1))):
        return None
    return Hint(
        Kind.BUG,
        case.say(
            "The steps were too long: the loss stopped being a number at step {last.step}. | not case.is_sound",
            "The steps were too long: the weights are {case.growth:,.3g} times as long as before training. "
            "| case.is_sound and case.growth > 1",
            "The steps were too long: the weights are no longer numbers. "
            "| case.is_sound and case.growth != case.growth",
            "{stuck:.0%} of the units of a hidden layer have no slope on any image. | case.is_sound and stuck >= 0.9",
            "{last.train_accuracy:.0%} of the training images are right. "
            "| case.is_sound and last.train_accuracy <= 0.5",
            "Start again with a lower learning rate than {knobs.learning_rate:g}. | advice",
            stuck=probe.stuck[case.worst_layer] if case.is_dead else 0.0,
        ),
        {"learning_rate": _lower_rate(case)},
        Cause.RATE_TOO_HIGH,
        Promise.ACCURACY,
    )


def signal_dies(case: Case) -> Hint | None:
    """Layer by layer the images look more alike, until the last layer cannot tell them apart."""
    probe, last = case.probe, case.last
    spreads, gradients = probe.spreads, probe.gradients
    if case.experiment.network is not Network.MLP or len(spreads) < 2 or max(probe.stuck) > 0.5:
        return None  # batch norm restores the spread in train mode
    is_flat = spreads[-1] < spreads[0] / 20 and gradients[0] < gradients[-1] / 10
    if not is_flat or last.train_accuracy > 0.3 or rate_too_low(case):
        return None
    return Hint(
        Kind.BUG,
        case.say(
            "The signal dies on its way: from image to image the units of the first hidden layer differ by "
            "{probe.spreads[0]:.2g}, those of the last by {spread:.2g}. | spread < probe.spreads[0] / 20",
            "The gradient is {gradient:.2g} long in the last layer and {probe.gradients[0]:.2g} in the first. "
            "| probe.gradients[0] < gradient / 10",
            "The training loss has come to {last.train_loss:.2f}, and guessing has 2.30. | last.train_accuracy <= 0.3",
            **{"spread": spreads[-1], "gradient": gradients[-1]},
        ),
        {"activation": Activation.RELU.value},
        Cause.SIGNAL_DIES,
        Promise.ACCURACY,
    )


def weight_decay(case: Case) -> Hint | None:
    """Weights that shrink during training, where they should grow."""
    last = case.last
    if not case.growth <= 0.8 or case.is_dead or last.train_accuracy > 0.9 or rate_too_low(case):  # or NaN
        return None
    return Hint(
        Kind.UNDERFITTING,
        case.say(
            "The weights shrink: together they are {case.growth:.2f} times as long as before training. "
            "| case.growth <= 0.8",
            "{last.train_accuracy:.0%} of the training images are right. | last.train_accuracy <= 0.9",
            "Something pulls the weights to zero faster than the loss can hold them: less weight decay. | advice",
        ),
        {"weight_decay": 0.0},
        Cause.WEIGHT_DECAY,
        Promise.ACCURACY,
    )


def too_narrow(case: Case) -> Hint | None:
    """A layer through which hardly anything passes."""
    widths, last = case.experiment.hidden_sizes, case.last
    if case.experiment.network is not Network.MLP or not widths or last.train_accuracy > 0.85 or not case.is_sound:
        return None
    alive, width = min((round(w * (1 - dead)), w) for w, dead in zip(widths, case.probe.stuck, strict=True))
    if width > 8 or alive > 4 or case.growth >= GROWN * 2 or rate_too_low(case):
        return None
    return Hint(
        Kind.UNDERFITTING,
        case.say(
            "All that the network knows of an image passes through a layer of {width} {units}, of which {alive} still "
            "{have} a slope. | width <= 8 and alive <= 4",
            "{last.train_accuracy:.0%} of the training images are right. | last.train_accuracy <= 0.85",
            "Wider layers let more through. | definition",
            **{"width": width, "units": _units(width), "alive": alive, "have": "has" if alive == 1 else "have"},
        ),
        {"hidden_sizes": "256-128"},
        Cause.TOO_NARROW,
        Promise.ACCURACY,
    )


def _units(count: int) -> str:
    return "unit" if count == 1 else "units"


def too_much_dropout(case: Case) -> Hint | None:
    """So much dropout that even the network with all units on learns badly."""
    last = case.last
    gap = last.running_loss - last.train_loss
    if not case.experiment.dropout or gap < 0.5 or last.train_accuracy > 0.9 or case.is_dead or not case.is_sound:
        return None
    return Hint(
        Kind.UNDERFITTING,
        case.say(
            "While it trained, with {knobs.dropout:.0%} of the units switched off, its loss lay {gap:.2f} above that "
            "with all of them on. | gap >= 0.5 and gap == last.running_loss - last.train_loss",
            "Only {last.train_accuracy:.0%} of the training images are right. | last.train_accuracy <= 0.9",
            "Switch off fewer. | advice",
            gap=gap,
        ),
        {"dropout": 0.2 if case.experiment.dropout > 0.2 else 0.0},
        Cause.TOO_MUCH_DROPOUT,
        Promise.ACCURACY,
    )


def few_updates(case: Case) -> Hint | None:
    """A few steps of ordinary length, and a loss that is still falling."""
    experiment, last = case.experiment, case.last
    is_short = last.step <= 40 and last.epoch >= 2 and last.epoch >= experiment.epochs
    if not is_short or last.train_accuracy > 0.9 or case.is_dead or rate_too_low(case) or not case.is_sound:
        return None
    return Hint(
        Kind.UNDERFITTING,
        case.say(
            "{last.step} updates are few: {last.epoch:.0f} epochs made no more of them, with {knobs.batch_size} images "
            "in each. | last.step <= 40",
            "The training loss has come from {run.first.train_loss:.2f} to {last.train_loss:.2f}. "
            "| last.train_accuracy <= 0.9",
            "Smaller batches make more updates of the same images. | definition",
        ),
        {"batch_size": 16} if experiment.batch_size > 16 else {"epochs": min(200, experiment.epochs * 4)},
        Cause.FEW_UPDATES,
        Promise.ACCURACY,
    )


def rate_too_low(case: Case) -> Hint | None:
    """Steps so short that the weights have hardly moved."""
    updates = [probe.update for probe in case.probes if probe.update is not None]
    last = case.last
    if not updates or max(updates) > 1e-4 or case.is_dead or last.train_accuracy > 0.6 or not case.is_sound:
        return None
    rate, usual = case.experiment.learning_rate, USUAL_RATES[case.experiment.optimizer]
    return Hint(
        Kind.UNDERFITTING,
        case.say(
            "No step measured changed the weights by more than {longest:.1g} of their length. | longest <= 0.0001",
            "After {last.step} steps the training loss went from {run.first.train_loss:.3f} to {last.train_loss:.3f}. "
            "| last.train_accuracy <= 0.6",
            "A higher learning rate gets there sooner. | advice",
            longest=max(updates),
        ),
        {"learning_rate": usual if usual > rate else min(rate * 10, 100.0)},
        Cause.RATE_TOO_LOW,
        Promise.ACCURACY,
    )


def _lower_rate(case: Case) -> float:
    rate, usual = case.experiment.learning_rate, USUAL_RATES[case.experiment.optimizer]
    return usual if usual < rate else max(rate / 10, 1e-6)


# In order: an earlier rule's hint rules out the later ones.
RULES: tuple[Rule, ...] = (
    *(rate_too_low, too_narrow, weight_decay, signal_dies, too_much_dropout, rate_too_high, few_updates),
)
