"""Rules for sound runs: overfitting, underfitting, and what the curves of a healthy run may surprise with."""

from mnist_demo.experiment.choices import Activation, Augmentation, Mistake, Network
from mnist_demo.experiment.config import TRAIN_IMAGES
from mnist_demo.experiment.history import History, stopping_index
from mnist_demo.hints.case import Case, Hint, Kind, Rule
from mnist_demo.learning.schedule import total_steps

PATIENCE = 5  # epochs, for "would have stopped"


def surer_not_better(case: Case) -> Hint | None:
    """Validation loss up, accuracy flat."""
    reading, experiment = case.summary, case.experiment
    if not _is_rising_for_good(case) or reading.fall > 0.025 or experiment.label_noise or experiment.patience:
        return None
    best, last = reading.best, case.last
    return Hint(
        Kind.OVERFITTING,
        f"Validation loss rose from {best.val_loss:.2f} (epoch {best.epoch:.0f}) to {last.val_loss:.2f} while the "
        f"accuracy stayed ({best.val_accuracy:.1%}, now {last.val_accuracy:.1%}): the network makes the same mistakes, "
        "only surer of them.",
        {"dropout": 0.5} if experiment.dropout < 0.5 else {"augmentation": Augmentation.SHIFT.value},
    )


def wrong_labels_learned(case: Case) -> Hint | None:
    """More training labels right than are true."""
    noise, last = case.experiment.label_noise, case.last
    true_share = 1 - 0.9 * noise  # a tenth of the replaced labels happen to be right
    if noise < 0.02 or last.train_accuracy < true_share + 0.03:
        return None
    most = case.summary.most_accurate
    return Hint(
        Kind.OVERFITTING,
        f"Only about {true_share:.0%} of the training labels are true, yet the network agrees with "
        f"{last.train_accuracy:.0%} of them: it has learned wrong ones by heart. Validation accuracy was "
        f"{most.val_accuracy:.1%} at epoch {most.epoch:.0f} and is {last.val_accuracy:.1%} now.",
        {"dropout": 0.5} if case.experiment.dropout < 0.5 else {"patience": PATIENCE},
    )


def everything_known(case: Case) -> Hint | None:
    """Nothing left to learn from these images."""
    last, experiment = case.last, case.experiment
    is_known = last.train_accuracy >= 0.995 and last.train_accuracy - last.val_accuracy >= 0.05
    if not is_known or experiment.label_noise or experiment.train_size >= TRAIN_IMAGES / 5:
        return None
    return Hint(
        Kind.OVERFITTING,
        f"{_share(last.train_accuracy)} the {experiment.train_size:,} training images are right, and "
        f"{last.val_accuracy:.1%} of new ones. What is missing are images: nothing is left to learn from these.",
        {"train_size": experiment.train_size * 5},
    )


def accuracy_elsewhere(case: Case) -> Hint | None:
    """Lowest loss and highest accuracy at different epochs."""
    best, most = case.summary.best, case.summary.most_accurate
    gain = most.val_accuracy - best.val_accuracy
    is_moot = case.experiment.mistake is not Mistake.NONE or case.experiment.label_noise > 0.9
    if gain < 0.005 or abs(most.epoch - best.epoch) < 3 or is_moot:
        return None
    return Hint(
        Kind.INFO,
        f"Best means lowest validation loss here: epoch {best.epoch:.0f}, accuracy {best.val_accuracy:.1%}. Epoch "
        f"{most.epoch:.0f} was the more accurate one, {most.val_accuracy:.1%} at a loss of {most.val_loss:.2f} against "
        f"{best.val_loss:.2f}.",
    )


def would_have_stopped(case: Case) -> Hint | None:
    """Early stopping, had it been on."""
    index = stopping_index(case.history, PATIENCE)
    if case.experiment.patience or index is None or case.experiment.label_noise > 0.9:
        return None
    stop, best, last = case.history[index], case.summary.best, case.last
    if stop.epoch > 0.75 * last.epoch or best.epoch > stop.epoch:
        return None
    return Hint(
        Kind.INFO,
        f"With a patience of {PATIENCE} this run would have stopped at epoch {stop.epoch:.0f} and kept epoch "
        f"{best.epoch:.0f}: {1 - stop.epoch / last.epoch:.0%} of the work saved.",
        {"patience": PATIENCE},
    )


def stopped_early(case: Case) -> Hint | None:
    """Early stopping, as it happened."""
    patience, last = case.experiment.patience, case.last
    if not patience or stopping_index(case.history, patience) != len(case.history) - 1:
        return None
    return Hint(
        Kind.INFO,
        f"Stopped at epoch {last.epoch:.0f}: the validation loss had been lowest at epoch "
        f"{case.summary.best.epoch:.0f} ({case.summary.best.val_loss:.3f}), {patience} epochs before.",
    )


def dropout_loss_above(case: Case) -> Hint | None:
    """Running training loss above the validation loss, because only one of them has dropout on."""
    last, dropout = case.last, case.experiment.dropout
    if not dropout or not last.running_loss > last.val_loss:
        return None
    return Hint(
        Kind.INFO,
        f"The running training loss ({last.running_loss:.2f}) lies above the validation loss ({last.val_loss:.2f}): no "
        f"bug. It is measured with {dropout:.0%} of the units off; with all on the training loss is "
        f"{last.train_loss:.2f}.",
    )


def running_loss_differs(case: Case) -> Hint | None:
    """Running loss far above the training loss in eval mode."""
    last, experiment = case.last, case.experiment
    is_noisy = experiment.dropout > 0 or experiment.augmentation is not Augmentation.NONE
    is_above_val = experiment.dropout and last.running_loss > last.val_loss
    if not is_noisy or is_above_val or not last.running_loss - last.train_loss >= 0.08:
        return None
    cause = "dropout" if experiment.dropout else "augmentation"
    return Hint(
        Kind.INFO,
        f"Compare validation with the training loss in eval mode ({last.train_loss:.2f}), not with the running one "
        f"({last.running_loss:.2f}): that one is made harder by {cause}.",
    )


def too_much_dropout(case: Case) -> Hint | None:
    """So many units off that even the training images are not learned."""
    dropout, last = case.experiment.dropout, case.last
    if dropout < 0.7 or last.train_accuracy >= 0.95 or case.is_guessing:
        return None
    return Hint(
        Kind.UNDERFITTING,
        f"With {dropout:.0%} of the units off only {last.train_accuracy:.1%} of the training images are right: the "
        "network is held back more than it needs.",
        {"dropout": 0.5},
    )


def too_slow(case: Case) -> Hint | None:
    """A small learning rate and a loss that is still on its way."""
    limit = 0.02 if case.is_plain_descent else 3e-4
    if case.experiment.learning_rate > limit or not _is_still_falling(case) or case.last.train_accuracy > 0.97:
        return None
    rate = case.experiment.learning_rate
    return Hint(
        Kind.UNDERFITTING,
        f"The validation loss is still falling at the end ({case.last.val_loss:.2f}), and "
        f"{case.last.train_accuracy:.1%} of the training images are right. The learning rate {rate:g} is low: a larger "
        "one gets there sooner.",
        {"learning_rate": rate * 10},
    )


def still_improving(case: Case) -> Hint | None:
    """A sound run that was ended while it improved."""
    experiment = case.experiment
    if too_slow(case) or few_updates(case) or not _is_still_falling(case) or case.last.epoch < experiment.epochs:
        return None
    earlier = _last_fifth(case)[0]
    return Hint(
        Kind.UNDERFITTING,
        f"It was still improving: since epoch {earlier.epoch:.0f} the validation loss fell from {earlier.val_loss:.3f} "
        f"to {case.last.val_loss:.3f}. Train longer.",
        {"epochs": min(200, experiment.epochs * 2)} if experiment.epochs < 200 else None,
    )


def few_updates(case: Case) -> Hint | None:
    """Batches so large that hardly any step is made."""
    experiment = case.experiment
    steps = total_steps(experiment)
    if steps > 200 or case.last.train_accuracy >= 0.97 or experiment.batch_size <= 64:
        return None
    return Hint(
        Kind.UNDERFITTING,
        f"Batches of {experiment.batch_size} make only {steps} updates in {experiment.epochs} epochs; "
        f"{case.last.train_accuracy:.1%} of the training images are right. Smaller batches make more of them.",
        {"batch_size": 64},
    )


def too_small(case: Case) -> Hint | None:
    """Few units, and training images it cannot get right."""
    experiment, last = case.experiment, case.last
    is_narrow = bool(experiment.hidden_sizes) and min(experiment.hidden_sizes) <= 16
    if not is_narrow or experiment.network is not Network.MLP or last.train_accuracy >= 0.985 or case.is_guessing:
        return None
    if experiment.label_noise or experiment.activation is Activation.NONE:
        return None
    return Hint(
        Kind.UNDERFITTING,
        f"Even on its training images the network reaches only {last.train_accuracy:.1%}: "
        f"{min(experiment.hidden_sizes)} hidden units are few. More of them would help on new images too "
        f"({last.val_accuracy:.1%} now).",
        {"hidden_sizes": "256-128"},
    )


def only_linear(case: Case) -> Hint | None:
    """Layers without a bend between them."""
    experiment, last = case.experiment, case.last
    if experiment.activation is not Activation.NONE or not experiment.hidden_sizes or last.train_accuracy >= 0.98:
        return None
    return Hint(
        Kind.UNDERFITTING,
        f"{last.train_accuracy:.1%} on the training images and {last.val_accuracy:.1%} on new ones: without a "
        f"non-linearity the {len(experiment.hidden_sizes) + 1} layers compute what one layer can.",
        {"activation": Activation.RELU.value},
    )


def _last_fifth(case: Case) -> History:
    return case.history[len(case.history) * 4 // 5 :]


def _is_still_falling(case: Case) -> bool:
    """Whether the run ends at about its lowest loss, and the last fifth of it brought 3 % or more."""
    earlier, last = _last_fifth(case)[0], case.last
    is_lowest = 0 < last.val_loss <= 1.02 * case.summary.best.val_loss
    return is_lowest and last.epoch >= 2 and last.val_loss < 0.97 * earlier.val_loss


def _is_rising_for_good(case: Case) -> bool:
    """Whether the loss ends well above its lowest and never came back near it: not one bad step."""
    lowest_lately = min(point.val_loss for point in _last_fifth(case))
    return case.summary.rise >= 0.05 and lowest_lately - case.summary.best.val_loss >= 0.02


def _share(accuracy: float) -> str:
    return "All" if accuracy == 1 else f"{accuracy:.1%} of"


RULES: tuple[Rule, ...] = (
    *(surer_not_better, wrong_labels_learned, everything_known),
    *(too_slow, still_improving, few_updates, too_much_dropout, too_small, only_linear),
    *(dropout_loss_above, running_loss_differs, accuracy_elsewhere, would_have_stopped, stopped_early),
)
