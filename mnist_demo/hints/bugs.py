"""Rules for runs that are broken: no knob of fit helps here, a line or a scale is wrong."""

from mnist_demo.experiment.choices import Activation, Mistake, Normalize
from mnist_demo.hints.case import GUESSING_LOSS, Case, Hint, Kind, Rule

SOFTMAX_FLOOR = 1.461  # ln(1 + 9/e): the lowest cross-entropy of ten numbers between 0 and 1


def diverged(case: Case) -> Hint | None:
    """The loss stopped being a number."""
    experiment, last = case.experiment, case.last
    if not case.summary.diverged or experiment.normalize is Normalize.RAW:
        return None
    rate = experiment.learning_rate
    return Hint(
        Kind.BUG,
        f"The loss became NaN, not a number, at step {last.step}. With a learning rate of {rate:g} each step overshot "
        "further than the one before, until the weights left the range of numbers. Training on cannot repair it.",
        {"learning_rate": max(rate / 10, 1e-6)},
    )


def raw_pixels(case: Case) -> Hint | None:
    """Pixels up to 255 with one learning rate for all weights."""
    is_raw = case.experiment.normalize is Normalize.RAW and case.is_plain_descent
    if not is_raw or not (case.summary.diverged or case.is_guessing):
        return None
    last = case.last
    end = f"the loss became NaN at step {last.step}"
    if not case.summary.diverged:
        end = f"the loss is {last.train_loss:.3g} and {last.train_accuracy:.0%} are right, which is chance"
    return Hint(
        Kind.BUG,
        f"The pixels go in as 0 to 255, so the first gradients are about a hundred times too large for a learning "
        f"rate of {case.experiment.learning_rate:g}: {end}. Scale the pixels.",
        {"normalize": Normalize.SYMMETRIC.value},
    )


def negative_loss(case: Case) -> Hint | None:
    """Minus a probability: NLLLoss on the output of a softmax."""
    if not -1 <= case.last.train_loss < 0:
        return None
    return Hint(
        Kind.BUG,
        f"The training loss is negative: {case.last.train_loss:.2f}. Cross-entropy never is. Between -1 and 0 it is "
        "minus a probability: NLLLoss was given probabilities where it wants their logarithms.",
        case.without_mistake,
    )


def bottomless_loss(case: Case) -> Hint | None:
    """Minus a logit: NLLLoss on the network's output."""
    if not case.last.train_loss < -1:
        return None
    return Hint(
        Kind.BUG,
        f"The training loss is {case.last.train_loss:,.0f} and has no floor, while the accuracy is "
        f"{case.last.val_accuracy:.1%}. NLLLoss was given logits: raising all of them lowers the loss for nothing.",
        case.without_mistake,
    )


def softmax_floor(case: Case) -> Hint | None:
    """Almost all right, and a loss that rests just above ln(1 + 9/e)."""
    last = case.last
    if not (SOFTMAX_FLOOR - 1e-3 <= last.train_loss <= 1.56 and last.train_accuracy >= 0.9):
        return None
    return Hint(
        Kind.BUG,
        f"{last.train_accuracy:.1%} of the training images are right, yet the training loss rests at "
        f"{last.train_loss:.3f}. CrossEntropyLoss of ten numbers between 0 and 1 cannot fall below 1.461: there is a "
        "softmax before it, and it has its own.",
        case.without_mistake,
    )


def softmax_slow(case: Case) -> Hint | None:
    """The same bug before it reaches its floor: a loss that fits much worse than its accuracy."""
    last = case.last
    is_slow = last.train_loss > 1.56 and last.train_accuracy >= 0.3 and last.epoch >= 5
    if not is_slow or case.experiment.mistake is not Mistake.SOFTMAX_CROSS_ENTROPY:
        return None
    return Hint(
        Kind.BUG,
        f"After {last.epoch:.0f} epochs the training loss is still {last.train_loss:.2f}, although "
        f"{last.train_accuracy:.0%} of the training images are right. A softmax before CrossEntropyLoss squeezes the "
        "answers: the loss cannot fall below 1.461, and the gradients are small.",
        case.without_mistake,
    )


def answers_change(case: Case) -> Hint | None:
    """Dropout still on while the network is asked."""
    if case.last.changed_answers < 0.02:
        return None
    return Hint(
        Kind.BUG,
        f"Asked 20 times about the same image, the network changes its answer on {case.last.changed_answers:.0%} of "
        "the images: it is asked in train mode, with dropout on. Call model.eval() before evaluating.",
        case.without_mistake,
    )


def piled_gradients(case: Case) -> Hint | None:
    """Gradients that are never cleared: the training loss itself climbs or stays at chance."""
    last = case.last
    worst = max(point.train_loss for point in case.history[1:])
    is_bad = case.is_guessing or worst > 2 * GUESSING_LOSS or case.summary.swing >= 0.1
    if case.experiment.mistake is not Mistake.NO_ZERO_GRAD or not is_bad or case.summary.diverged:
        return None
    return Hint(
        Kind.BUG,
        f"The training loss itself went wrong: it reached {worst:.3g} and ended at {last.train_loss:.3g} (guessing has "
        f"2.303), with {last.train_accuracy:.0%} of the training images right. Overfitting never does that. Without "
        "zero_grad() every step adds all earlier gradients.",
        case.without_mistake,
    )


def sorted_batches(case: Case) -> Hint | None:
    """Good on the batches, bad on the same images a moment later: the order carries the answer."""
    last = case.last
    if not last.train_loss - last.running_loss >= 0.5:
        return None
    return Hint(
        Kind.BUG,
        f"While training the loss is {last.running_loss:.2f}, but asked again about its own training images the "
        f"network has {last.train_loss:.2f} and gets {last.train_accuracy:.0%} right: it forgets within an epoch. That "
        "happens when the images come sorted by digit. Shuffle them.",
        case.without_mistake,
    )


def dead_network(case: Case) -> Hint | None:
    """A first step so long that every unit answers 0 from then on."""
    experiment, last = case.experiment, case.last
    is_known = experiment.mistake is not Mistake.NONE or experiment.normalize is Normalize.RAW
    is_fast = experiment.learning_rate >= (0.2 if case.is_plain_descent else 0.03)
    if not case.is_guessing or is_known or not is_fast:
        return None
    return Hint(
        Kind.BUG,
        f"After {last.epoch:.0f} epochs {last.train_accuracy:.0%} of the training images are right, which is chance, "
        f"at a training loss of {last.train_loss:.2f}. The learning rate {experiment.learning_rate:g} is too high: one "
        "long step can leave units that answer 0 to everything, and such units no longer learn.",
        {"learning_rate": max(experiment.learning_rate / 10, 1e-6)},
    )


def vanishing_gradient(case: Case) -> Hint | None:
    """Deep sigmoid layers whose training loss never leaves ln 10."""
    experiment, last = case.experiment, case.last
    is_squashing = experiment.activation in (Activation.SIGMOID, Activation.TANH)
    if not (case.is_guessing and is_squashing and len(experiment.hidden_sizes) >= 2 and last.train_loss < 2.5):
        return None
    return Hint(
        Kind.BUG,
        f"The training loss is {last.train_loss:.3f} after {last.epoch:.0f} epochs; guessing has 2.303. Behind "
        f"{len(experiment.hidden_sizes)} {experiment.activation} layers hardly any gradient is left: this is a "
        "vanishing gradient, not overfitting.",
        {"activation": Activation.RELU.value},
    )


def chance_level(case: Case) -> Hint | None:
    """At chance for no reason that another rule names."""
    others = (raw_pixels, bottomless_loss, piled_gradients, sorted_batches, dead_network, vanishing_gradient)
    if not case.is_guessing or case.last.epoch < 3 or any(rule(case) for rule in others):
        return None
    last = case.last
    return Hint(
        Kind.BUG,
        f"{last.train_accuracy:.0%} of the training images are right: that is chance, and the training loss, "
        f"{last.train_loss:.2f}, does not fall either. So it is not overfitting: a line, a scale or the learning rate "
        f"({case.experiment.learning_rate:g}) is wrong.",
        case.without_mistake,
    )


RULES: tuple[Rule, ...] = (
    *(diverged, raw_pixels, negative_loss, bottomless_loss, softmax_floor, softmax_slow, answers_change),
    *(piled_gradients, sorted_batches, dead_network, vanishing_gradient, chance_level),
)
