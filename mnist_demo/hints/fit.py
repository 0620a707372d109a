"""Rules for sound runs: overfitting, underfitting, and surprises in the curves of a healthy run."""

from mnist_demo.experiment.choices import Activation, Augmentation, Network
from mnist_demo.experiment.config import TRAIN_IMAGES
from mnist_demo.experiment.history import History, stopping_index
from mnist_demo.experiment.summary import NotMeasured
from mnist_demo.hints.case import Case, Cause, Hint, Kind, Promise, Rule

PATIENCE = 5  # epochs, for "would have stopped"
LUCK = 0.015  # accuracy: neighbouring points of a healthy run differ by as much


def surer_not_better(case: Case) -> Hint | None:
    """Validation loss up, accuracy flat, and more mistakes made with high confidence."""
    summary, experiment, last = case.summary, case.experiment, case.last
    if not _is_rising_for_good(case) or last.train_accuracy < 0.95 or experiment.patience:
        return None
    best = summary.best
    try:
        surer = summary.end.sure_mistakes - summary.turn.sure_mistakes
    except NotMeasured:
        return None
    if abs(last.val_accuracy - best.val_accuracy) > LUCK or best.val_accuracy < 0.5 or surer < 0.05:
        return None
    can_drop = (
        experiment.network is Network.MLP and experiment.dropout < 0.5 and min(experiment.hidden_sizes, default=0) >= 64
    )
    return Hint(
        Kind.OVERFITTING,
        case.say(
            "Validation loss rose from {run.best.val_loss:.2f} (epoch {run.best.epoch:.0f}) to {last.val_loss:.2f}. "
            "| run.rise >= 0.05",
            "Accuracy was {run.best.val_accuracy:.1%} and is {last.val_accuracy:.1%}: what grew is sureness. "
            "| abs(last.val_accuracy - run.best.val_accuracy) <= 0.015",
            "Over 90% sure were {run.turn.sure_mistakes:.0%} of the mistakes then, and are "
            "{run.end.sure_mistakes:.0%} now; {run.new_mistakes:.0%} of them are new. "
            "| run.end.sure_mistakes - run.turn.sure_mistakes >= 0.05",
        ),
        {"dropout": 0.5} if can_drop else {"augmentation": Augmentation.SHIFT.value},
        promise=Promise.LOSS,
    )


def wrong_labels_learned(case: Case) -> Hint | None:
    """Wrong training labels learned by heart: new images suffer, or gain nothing."""
    last, summary = case.last, case.summary
    most = summary.most_accurate
    is_blind = last.val_accuracy <= 0.2 and last.train_accuracy >= 0.3 and not last.changed_answers
    is_falling = summary.fall >= 0.04 and last.train_accuracy - most.train_accuracy >= 0.08
    if not (is_blind or is_falling) or not case.is_sound:
        return None
    if is_blind:
        return Hint(
            Kind.OVERFITTING,
            case.say(
                "{last.train_accuracy:.0%} of the training labels are learned, and of new images "
                "{last.val_accuracy:.0%} are right. | last.train_accuracy >= 0.3 and last.val_accuracy <= 0.2",
                "Guessing has 10%: look whether these labels belong to the images. | advice",
            ),
            None,
            Cause.WRONG_LABELS,
        )
    return Hint(
        Kind.OVERFITTING,
        case.say(
            "Since epoch {run.most_accurate.epoch:.0f} the network agrees with more of its training labels "
            "({run.most_accurate.train_accuracy:.0%} then, {last.train_accuracy:.0%} now). "
            "| last.train_accuracy - run.most_accurate.train_accuracy >= 0.08",
            "It is right on fewer new images ({run.most_accurate.val_accuracy:.1%} then, {last.val_accuracy:.1%} now): "
            "what it has learned since are wrong labels. | run.fall >= 0.04",
            "Look at the labels, or hold it back. | advice",
        ),
        {"dropout": 0.5} if case.experiment.dropout < 0.5 else {"patience": PATIENCE},
        Cause.WRONG_LABELS,
        Promise.ACCURACY,
    )


def everything_known(case: Case) -> Hint | None:
    """All training images right, but not all new ones."""
    last, experiment = case.last, case.experiment
    is_known = last.train_accuracy >= 0.995 and last.train_accuracy - last.val_accuracy >= 0.05
    if not is_known or experiment.label_noise or experiment.train_size >= TRAIN_IMAGES / 5 or not case.is_sound:
        return None
    has_moved = experiment.augmentation is not Augmentation.NONE
    return Hint(
        Kind.INFO,
        case.say(
            "{share} the {knobs.train_size:,} training images are right, and {last.val_accuracy:.1%} of new ones. "
            "| last.train_accuracy >= 0.995 and last.train_accuracy - last.val_accuracy >= 0.05",
            "As they are, these images teach little more: try more images, or the same ones moved, turned and slanted "
            "(augmentation). | advice",
            share=_share(last.train_accuracy),
        ),
        {"train_size": experiment.train_size * 5} if has_moved else {"augmentation": Augmentation.AFFINE.value},
        promise=Promise.ACCURACY,
    )


def accuracy_elsewhere(case: Case) -> Hint | None:
    """Lowest loss and highest accuracy at different epochs, with a difference larger than luck."""
    best, most = case.summary.best, case.summary.most_accurate
    gain = most.val_accuracy - best.val_accuracy
    if gain < LUCK or abs(most.epoch - best.epoch) < 3 or most.val_accuracy < 0.5:
        return None
    return Hint(
        Kind.INFO,
        case.say(
            "Best means lowest validation loss here: epoch {run.best.epoch:.0f}, accuracy {run.best.val_accuracy:.1%}. "
            "| run.best.val_loss <= run.most_accurate.val_loss",
            "Epoch {run.most_accurate.epoch:.0f} was the more accurate one, {run.most_accurate.val_accuracy:.1%} at a "
            "loss of {run.most_accurate.val_loss:.2f} against {run.best.val_loss:.2f}. "
            "| run.most_accurate.val_accuracy - run.best.val_accuracy >= 0.015",
        ),
    )


def would_have_stopped(case: Case) -> Hint | None:
    """Early stopping was off, and would have cost nothing."""
    index = stopping_index(case.history, PATIENCE)
    if case.experiment.patience or index is None:
        return None
    stop, last = case.history[index], case.last
    best = min(case.history[: index + 1], key=lambda point: point.val_loss)
    if stop.epoch > 0.75 * last.epoch or best.val_accuracy < last.val_accuracy - 0.005 or best.val_accuracy < 0.5:
        return None
    return Hint(
        Kind.INFO,
        case.say(
            "With a patience of {patience} this run would have stopped at epoch {stop.epoch:.0f} and kept epoch "
            "{best.epoch:.0f}: validation loss {best.val_loss:.3f} and accuracy {best.val_accuracy:.1%} instead of "
            "{last.val_loss:.3f} and {last.val_accuracy:.1%}, with {saved:.0%} of the work saved. "
            "| best.val_loss <= last.val_loss and best.val_accuracy >= last.val_accuracy - 0.005 and saved >= 0.2",
            **{"patience": PATIENCE, "stop": stop, "best": best, "saved": 1 - stop.epoch / last.epoch},
        ),
        {"patience": PATIENCE},
    )


def stopped_early(case: Case) -> Hint | None:
    """Early stopping has ended the run."""
    patience = case.experiment.patience
    if not patience or stopping_index(case.history, patience) != len(case.history) - 1:
        return None
    return Hint(
        Kind.INFO,
        case.say(
            "Stopped at epoch {last.epoch:.0f}: the validation loss had been lowest at epoch {run.best.epoch:.0f} "
            "({run.best.val_loss:.3f}), {knobs.patience} epochs before. "
            "| abs(last.epoch - run.best.epoch - knobs.patience) <= 0.01 and run.best.val_loss <= last.val_loss",
        ),
    )


def dropout_loss_above(case: Case) -> Hint | None:
    """Running training loss above the validation loss, because only one of them has dropout on."""
    last, dropout = case.last, case.experiment.dropout
    if not dropout or not last.running_loss > last.val_loss + 0.02 or not last.train_loss < last.val_loss:
        return None
    return Hint(
        Kind.INFO,
        case.say(
            "The running training loss ({last.running_loss:.2f}) lies above the validation loss ({last.val_loss:.2f}): "
            "no bug. | last.running_loss > last.val_loss",
            "It is measured with {knobs.dropout:.0%} of the units off; with all on the training loss is "
            "{last.train_loss:.2f}. | last.train_loss < last.val_loss and knobs.dropout > 0",
        ),
    )


def running_loss_differs(case: Case) -> Hint | None:
    """Running loss far above the training loss in eval mode."""
    last, experiment = case.last, case.experiment
    is_noisy = experiment.dropout > 0 or experiment.augmentation is not Augmentation.NONE
    if not is_noisy or dropout_loss_above(case) or not last.running_loss - last.train_loss >= 0.08:
        return None
    return Hint(
        Kind.INFO,
        case.say(
            "Compare validation with the training loss in eval mode ({last.train_loss:.2f}), not with the running one "
            "({last.running_loss:.2f}): that one is made harder by {harder}. "
            "| last.running_loss - last.train_loss >= 0.08",
            harder="dropout" if experiment.dropout else "augmentation",
        ),
    )


def still_improving(case: Case) -> Hint | None:
    """A sound run that was ended while it improved."""
    experiment, last = case.experiment, case.last
    if not _is_still_falling(case) or last.epoch < experiment.epochs or last.train_accuracy > 0.97:
        return None
    earlier = _last_fifth(case)[0]
    return Hint(
        Kind.UNDERFITTING,
        case.say(
            "It was still improving: since epoch {earlier.epoch:.0f} the validation loss fell from "
            "{earlier.val_loss:.3f} to {last.val_loss:.3f}. | last.val_loss < 0.97 * earlier.val_loss",
            "Train longer. | advice",
            earlier=earlier,
        ),
        {"epochs": min(200, experiment.epochs * 2)} if experiment.epochs < 200 else None,
        promise=Promise.ACCURACY if experiment.epochs < 200 and last.train_accuracy <= 0.9 else None,
    )


def only_linear(case: Case) -> Hint | None:
    """Layers without a nonlinear activation between them."""
    experiment, last = case.experiment, case.last
    is_straight = experiment.activation is Activation.NONE and experiment.hidden_sizes
    if not is_straight or last.train_accuracy >= 0.95 or last.train_accuracy < 0.5 or not case.is_sound:
        return None
    return Hint(
        Kind.UNDERFITTING,
        case.say(
            "{last.train_accuracy:.1%} of the training images are right, and {last.val_accuracy:.1%} of new ones. "
            "| last.train_accuracy < 0.95",
            "Without a non-linearity {layers} layers compute what one layer can. | layers > 1",
            layers=len(experiment.hidden_sizes) + 1,
        ),
        {"activation": Activation.RELU.value},
    )


def _last_fifth(case: Case) -> History:
    return case.history[len(case.history) * 4 // 5 :]


def _is_still_falling(case: Case) -> bool:
    """Whether the run ends at about its lowest loss, and the last fifth of it brought 3% or more."""
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
    *(wrong_labels_learned, surer_not_better, everything_known, still_improving, only_linear),
    *(dropout_loss_above, running_loss_differs, accuracy_elsewhere, would_have_stopped, stopped_early),
)
