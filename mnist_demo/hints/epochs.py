"""Which epoch of a run is its best, and where early stopping would have ended it, as sentences.

Knows a history and nothing else of the run.
"""

from collections.abc import Sequence

from mnist_demo.experiment.history import Metrics, best_index, most_accurate_index, stopping_index
from mnist_demo.hints.sentences import say


def best_sentence(name: str, history: Sequence[Metrics]) -> str:
    """Which epoch is a run's best (lowest validation loss), and whether another one was more accurate."""
    best, accurate = best_index(history), most_accurate_index(history)
    if best is None or accurate is None:
        return f"Run {name} never had a finite validation loss."
    return say(
        {"name": name, "best": history[best], "rival": history[accurate]},
        "Run {name}: lowest validation loss {best.val_loss:.3f} at epoch {best.epoch:.3g}, where its accuracy was "
        "highest too ({best.val_accuracy:.1%}). | rival.val_accuracy <= best.val_accuracy",
        "Run {name}: lowest validation loss {best.val_loss:.3f} at epoch {best.epoch:.3g} with accuracy "
        "{best.val_accuracy:.1%}; but epoch {rival.epoch:.3g} was more accurate, {rival.val_accuracy:.1%}. Best means "
        "lowest loss here. | rival.val_accuracy > best.val_accuracy and rival.val_loss >= best.val_loss",
    )


def stopping_sentence(name: str, history: Sequence[Metrics], patience: int, epochs: int) -> str:
    """Where early stopping with that patience would have ended a run of so many epochs, and what it would have kept."""
    end, overall = stopping_index(history, patience), best_index(history)
    if not history or overall is None:
        return f"Run {name} has no finite validation loss to watch."
    names = {"name": name, "last": history[-1], "patience": patience, "epochs": epochs, "best": history[overall]}
    if end is None:
        return say(
            names,
            "Run {name} ended at epoch {last.epoch:.3g}, before a patience of {patience} could decide. "
            "| last.epoch < epochs",
            "Run {name} would not have been stopped: it went on to epoch {last.epoch:.3g}. | last.epoch >= epochs",
        )
    kept_index = best_index(history[: end + 1])
    assert kept_index is not None  # a run is only stopped after a best point
    return say(
        names | {"end": history[end], "kept": history[kept_index]},
        "Run {name} would have stopped at epoch {end.epoch:.3g} and kept epoch {kept.epoch:.3g}: validation loss "
        "{kept.val_loss:.3f}, accuracy {kept.val_accuracy:.1%}, instead of {last.val_loss:.3f} and "
        "{last.val_accuracy:.1%} at epoch {last.epoch:.3g}. | kept.epoch <= end.epoch and end.epoch <= last.epoch",
        "It would have missed epoch {best.epoch:.3g} with loss {best.val_loss:.3f}: too little patience. "
        "| best.val_loss < kept.val_loss",
    )
