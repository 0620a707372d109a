"""What a network is asked to lower, and how it is measured: losses of a batch, loss and accuracy of a split.

Knows logits and labels; nothing here changes a weight.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_demo.experiment.choices import Mistake
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import Split, normalize

EVALUATION_BATCH = 500  # on one core of 2026-11 nearly twice as fast as 1,000: it stays in the cache
ASKED_IMAGES, ASKED_TIMES = 250, 20  # together as many answers as one validation needs


def compute_loss(logits: Tensor, labels: Tensor, mistake: Mistake, smoothing: float = 0) -> Tensor:
    """The loss a learner would have written: cross-entropy, or one of its mistaken forms.

    Logits (N, 10) and labels int64 (N,) -> a scalar.
    """
    if mistake is Mistake.SOFTMAX_CROSS_ENTROPY:
        logits = F.softmax(logits, dim=1)
    elif mistake is Mistake.LOG_SOFTMAX_CROSS_ENTROPY:
        logits = F.log_softmax(logits, dim=1)
    elif mistake is Mistake.NLL_PROBABILITIES:
        return F.nll_loss(F.softmax(logits, dim=1), labels)
    elif mistake is Mistake.NLL_LOGITS:
        return F.nll_loss(logits, labels)
    return F.cross_entropy(logits, labels, label_smoothing=smoothing)


def uncertainty_loss(logits: Tensor) -> Tensor:
    """Cross-entropy to the uniform answer: least where every digit is equally probable. (N, 10) -> a scalar.

    For pictures of no digit (Hendrycks et al., "Deep anomaly detection with outlier exposure", 2019).
    """
    return -F.log_softmax(logits, dim=1).mean()


@torch.no_grad()
def loss_and_accuracy(
    model: nn.Module, split: Split, experiment: Experiment, labels: Tensor | None = None
) -> tuple[float, float]:
    """Mean loss and accuracy on a split, in the mode (train or eval) the model is in."""
    labels = split.labels if labels is None else labels
    loss_sum, correct = 0.0, 0
    for images, batch_labels in zip(
        torch.split(split.images, EVALUATION_BATCH), torch.split(labels, EVALUATION_BATCH), strict=True
    ):
        logits = model(normalize(images, experiment.normalize))  # (B, 10)
        loss = compute_loss(logits, batch_labels, experiment.mistake)
        loss_sum += loss.item() * len(batch_labels)
        correct += int((logits.argmax(dim=1) == batch_labels).sum())
    return loss_sum / len(labels), correct / len(labels)


@torch.no_grad()
def changed_answers(model: nn.Module, split: Split, experiment: Experiment) -> float:
    """Share of a split's first images that get more than one answer when asked 20 times, in the model's mode.

    In eval mode it is 0. The model is left as it was: batch norm would learn from being asked in train mode.
    """
    model = copy.deepcopy(model)
    images = normalize(split.images[:ASKED_IMAGES], experiment.normalize)
    answers = torch.stack([model(images).argmax(dim=1) for _ in range(ASKED_TIMES)])  # (20, N)
    return (answers != answers[0]).any(dim=0).float().mean().item()
