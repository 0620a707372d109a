"""Which epoch of a run is its best, and where early stopping would have ended it, as sentences.

Knows a history and nothing else of the run.
"""

from collections.abc import Sequence

from mnist_demo.experiment.history import Metrics, best_index, most_accurate_index, stopping_index


def best_sentence(name: str, history: Sequence[Metrics]) -> str:
    """Which epoch is a run's best (lowest validation loss), and whether another one was more accurate."""
    best, accurate = best_index(history), most_accurate_index(history)
    if best is None or accurate is None:
        return f"Run {name} never had a finite validation loss."
    point, rival = history[best], history[accurate]
    text = f"Run {name}: lowest validation loss {point.val_loss:.3f} at epoch {point.epoch:.3g}"
    if rival.val_accuracy <= point.val_accuracy:
        return f"{text}, where its accuracy was highest too ({point.val_accuracy:.1%})."
    return (
        f"{text} with accuracy {point.val_accuracy:.1%}; but epoch {rival.epoch:.3g} was more accurate, "
        f"{rival.val_accuracy:.1%}. Best means lowest loss here."
    )


def stopping_sentence(name: str, history: Sequence[Metrics], patience: int, epochs: int) -> str:
    """Where early stopping with that patience would have ended a run of so many epochs, and what it would have kept."""
    end = stopping_index(history, patience)
    if not history or best_index(history) is None:
        return f"Run {name} has no finite validation loss to watch."
    if end is None and history[-1].epoch < epochs:
        return f"Run {name} ended at epoch {history[-1].epoch:.3g}, before a patience of {patience} could decide."
    if end is None:
        return f"Run {name} would not have been stopped: it went on to epoch {history[-1].epoch:.3g}."
    kept_index = best_index(history[: end + 1])
    assert kept_index is not None  # a run is only stopped after a best point
    kept, last = history[kept_index], history[-1]
    text = (
        f"Run {name} would have stopped at epoch {history[end].epoch:.3g} and kept epoch {kept.epoch:.3g}: "
        f"validation loss {kept.val_loss:.3f}, accuracy {kept.val_accuracy:.1%}, "
        f"instead of {last.val_loss:.3f} and {last.val_accuracy:.1%} at epoch {last.epoch:.3g}."
    )
    overall = best_index(history)
    if overall is not None and history[overall].val_loss < kept.val_loss:
        later = history[overall]
        text += f" It would have missed epoch {later.epoch:.3g} with loss {later.val_loss:.3f}: too little patience."
    return text
