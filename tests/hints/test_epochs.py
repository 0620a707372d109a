"""Which epoch is best, and where early stopping would have ended a run: told from histories counted by hand."""

import math

from mnist_demo.experiment.history import Metrics
from mnist_demo.hints.epochs import best_sentence, stopping_sentence


def point(epoch: float, val_loss: float, val_accuracy: float) -> Metrics:
    return Metrics(int(epoch), epoch, int(epoch), 1.0, 1.0, 0.5, val_loss, val_accuracy)


HISTORY = [point(e, loss, acc) for e, loss, acc in [(0, 2.3, 0.1), (1, 0.6, 0.8), (2, 0.5, 0.84), (3, 0.6, 0.85)]]
HISTORY += [point(4, 0.7, 0.86), point(5, 0.45, 0.855)]


def test_another_epoch_with_better_accuracy_is_named() -> None:
    text = best_sentence("A", HISTORY[:5])
    assert "lowest validation loss 0.500 at epoch 2 with accuracy 84.0%" in text
    assert "epoch 4 was more accurate, 86.0%" in text
    assert "highest too" in best_sentence("A", HISTORY[:3])
    assert "never" in best_sentence("A", [point(0, math.nan, 0.1)])


def test_early_stopping_is_told_from_the_history() -> None:
    impatient = stopping_sentence("A", HISTORY, 2, 5)
    assert "stopped at epoch 4 and kept epoch 2: validation loss 0.500, accuracy 84.0%" in impatient
    assert "instead of 0.450 and 85.5% at epoch 5" in impatient
    assert "missed epoch 5 with loss 0.450" in impatient
    assert "missed" not in stopping_sentence("A", HISTORY[:5], 2, 5)
    assert "would not have been stopped" in stopping_sentence("A", HISTORY, 3, 5)
    assert "ended at epoch 5, before a patience of 3 could decide" in stopping_sentence("A", HISTORY, 3, 40)
    assert "no finite" in stopping_sentence("A", [point(0, math.nan, 0.1)], 3, 5)
