"""Rules for runs that are broken: a line or a scale is wrong, and no other knob helps.

Each finds its cause from evidence alone: numbers that anybody could print in a training loop. It uses the experiment
only to choose its advice. If the evidence is unclear, it gives no hint.
"""

import math

from mnist_demo.experiment.choices import Normalize
from mnist_demo.experiment.history import Metrics
from mnist_demo.hints.case import Case, Cause, Hint, Kind, Promise, Rule
from mnist_demo.learning.schedule import steps_per_epoch

SAME = 1e-3  # relative: two computations of one loss agree better than that
LARGE_INPUT = 20.0


def wrong_loss(case: Case) -> Hint | None:
    """The reported loss is not the cross-entropy of the run's logits, but the number that a known mistake gives."""
    for point in reversed(case.history):
        if cause := _loss_cause(point):
            return _loss_hint(case, cause, point)
        if point.probe and _agrees(point.train_loss, point.probe.cross_entropy):
            return None
    return None


def _loss_cause(point: Metrics) -> Cause | None:
    probe = point.probe
    if not probe or _agrees(point.train_loss, probe.cross_entropy):
        return None
    known = {
        Cause.SOFTMAX_TWICE: probe.probability_cross_entropy,
        Cause.PROBABILITIES: -probe.label_probability,
        Cause.LOGITS: -probe.label_logit,
    }
    found = [cause for cause, value in known.items() if _agrees(point.train_loss, value)]
    return found[0] if len(found) == 1 else None


def _agrees(x: float, y: float) -> bool:
    return math.isfinite(x) and math.isfinite(y) and abs(x - y) <= SAME * max(abs(x), abs(y), 0.01)


def _loss_hint(case: Case, cause: Cause, point: Metrics) -> Hint:
    text = case.say(
        "The training loss is {point.train_loss:,.4g}, but cross-entropy of the same answers is "
        "{point.probe.cross_entropy:,.4g}. "
        "| not abs(point.train_loss - point.probe.cross_entropy) <= 0.001 * abs(point.probe.cross_entropy)",
        "It is the cross-entropy of the probabilities, taken for logits, which with ten digits cannot fall below "
        "ln(1 + 9/e) = 1.461: there is a softmax before CrossEntropyLoss, which has its own. "
        "| abs(point.train_loss - point.probe.probability_cross_entropy) <= 0.0011 * point.train_loss",
        "It is minus the mean probability of the right digit, between -1 and 0: NLLLoss was given probabilities where "
        "it wants their logarithms. "
        "| abs(point.train_loss + point.probe.label_probability) <= 0.0011 * abs(point.train_loss) + 0.00001",
        "It is minus the mean logit of the right digit, which has no floor: NLLLoss was given logits where it wants "
        "log-probabilities. "
        "| abs(point.train_loss + point.probe.label_logit) <= 0.0011 * abs(point.train_loss) + 0.00001",
        point=point,
    )
    promise = Promise.ACCURACY if cause is Cause.LOGITS and case.last.val_accuracy <= 0.5 else None
    return Hint(Kind.BUG, text, case.without_mistake, cause, promise)


def piled_gradients(case: Case) -> Hint | None:
    """backward() found a gradient that was not cleared."""
    left = case.probe.left_over
    if not left or left < 0.02:
        return None
    promise = Promise.ACCURACY if not case.is_sound or case.last.train_accuracy <= 0.5 else None
    return Hint(
        Kind.BUG,
        case.say(
            "Before the last backward() the gradients were not zero: {probe.left_over:.0%} of the gradient that the "
            "step used was left over from earlier steps. | probe.left_over > 0",
            "The loss is no longer a number. | not case.is_sound",
            "{last.train_accuracy:.0%} of the training images are right. | case.is_sound",
            "Call zero_grad() in every step. | advice",
        ),
        case.without_mistake,
        Cause.NO_ZERO_GRAD,
        promise,
    )


def sorted_batches(case: Case) -> Hint | None:
    """Neighbouring images show the same digit."""
    changes = case.probe.label_changes
    if changes is None or changes > 0.3 or steps_per_epoch(case.experiment) == 1:
        return None
    return Hint(
        Kind.BUG,
        case.say(
            "The images come sorted: of neighbours in the order only {probe.label_changes:.1%} differ in their label, "
            "and shuffled about 90% do. | probe.label_changes <= 0.3",
            "While it trains the loss is {last.running_loss:.2f}; asked about the same images afterwards it is "
            "{last.train_loss:.2f}. | last.train_loss > last.running_loss",
            "Shuffle them. | advice",
        ),
        case.without_mistake,
        Cause.NOT_SHUFFLED,
        Promise.ACCURACY if case.last.val_accuracy <= 0.5 else None,
    )


def answers_change(case: Case) -> Hint | None:
    """Dropout or batch norm still in train mode during evaluation."""
    if not case.last.changed_answers:
        return None
    return Hint(
        Kind.BUG,
        case.say(
            "Asked 20 times about the same images, the network changes its answer on {last.changed_answers:.1%} of "
            "them: it is asked in train mode, where dropout is on and batch norm goes by the batch. "
            "| last.changed_answers > 0",
            "Call model.eval() before evaluating. | advice",
        ),
        case.without_mistake,
        Cause.NO_EVAL,
    )


def raw_pixels(case: Case) -> Hint | None:
    """Large inputs, and a network that does not learn from them."""
    if case.probe.input_size < LARGE_INPUT or (case.is_sound and case.last.train_accuracy > 0.3):
        return None
    return Hint(
        Kind.BUG,
        case.say(
            "The network's inputs go up to {probe.input_size:.0f}. | probe.input_size >= 20",
            "A gradient of the first layer is a multiple of its inputs. Before training it was {first:.3g} long, so "
            "the first steps were long too. | first >= 5",
            "At step {last.step} the loss was no longer a number. | not case.is_sound",
            "Only {last.train_accuracy:.0%} of the training images are right. "
            "| case.is_sound and last.train_accuracy <= 0.3",
            "Scale the pixels. | advice",
            first=case.probes[0].gradients[0],
        ),
        {"normalize": Normalize.SYMMETRIC.value},
        Cause.RAW_PIXELS,
        Promise.ACCURACY,
    )


# In order: an earlier rule's hint rules out the later ones.
RULES: tuple[Rule, ...] = (wrong_loss, piled_gradients, sorted_batches, answers_change, raw_pixels)
