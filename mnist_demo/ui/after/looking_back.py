"""Numbers and sentences about a pair of runs at one of its points: best epoch, early stopping, whose weights.

Runs in, HTML and sentences out. Knows no events.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

from mnist_demo.experiment.history import Metrics, best_index, most_accurate_index, stopping_index
from mnist_demo.images.data import CLASSES
from mnist_demo.serving.looks import kept_at, nearest_point
from mnist_demo.serving.runs import Run
from mnist_demo.ui.run_view import row_head_html
from mnist_demo.ui.visit import table_html


def numbers_html(names: Sequence[str], pair_of_runs: Sequence[Run], epoch: float) -> str:
    """What the runs measured at an epoch, as a table."""
    rows = [
        f"<tr>{row_head_html(name)}{_cells(run, epoch)}</tr>" for name, run in zip(names, pair_of_runs, strict=True)
    ]
    return table_html(("Run", "Epoch", "Train loss", "Val. loss", "Train acc.", "Val. acc."), rows)


def _cells(run: Run, epoch: float) -> str:
    point = run.history[nearest_point(run, epoch)]
    texts = [f"{point.epoch:.3g}", f"{point.train_loss:.3f}", f"{point.val_loss:.3f}"]
    texts += [f"{point.train_accuracy:.1%}", f"{point.val_accuracy:.1%}"]
    return "".join(f"<td>{text}</td>" for text in texts)


def heading_html(name: str, run: Run, index: int) -> str:
    """Whose weights are shown, and from when: only some epochs' weights are kept of a long run."""
    kept = kept_at(run, index)
    if kept is None:
        return f'<h3 class="mnist-look">Run {name}: no weights yet</h3>'
    epoch = run.history[kept.index].epoch
    note = "" if kept.index == index else f" (nearest kept to epoch {run.history[index].epoch:.3g})"
    return f'<h3 class="mnist-look">Run {name}, first layer at epoch {epoch:.3g}{escape(note)}</h3>'


def best_sentence(name: str, history: Sequence[Metrics]) -> str:
    """Which epoch a run calls its best, and openly whether another one was more accurate."""
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


def is_cell(value: object) -> bool:
    """Whether a value from the page is the place of a cell: [matrix or run, row, column]."""
    return (
        isinstance(value, list | tuple)
        and len(value) == 3
        and all(isinstance(number, int) and not isinstance(number, bool) for number in value)
        and value[0] in (0, 1)
        and all(0 <= number < CLASSES for number in value[1:])
    )


def is_number(value: Any) -> bool:
    """Whether a value from the page is a number that can be compared with an epoch."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def whole_number(value: Any, low: int, high: int, default: int) -> int:
    """A value from the page as a whole number within bounds; NaN and what is no number become the default."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return default
    return round(min(max(value, low), high))
