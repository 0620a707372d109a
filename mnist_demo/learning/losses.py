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
ASKED_IMAGES, ASKED_TIMES, ASKED_TOGETHER = 250, 20, 50  # together as many answers as one validation needs


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


def training_loss(logits: Tensor, labels: Tensor, experiment: Experiment) -> Tensor:
    """What a step lowers; measuring leaves label smoothing out. Logits (N, 10) and labels (N,) -> a scalar."""
    return compute_loss(logits, labels, experiment.mistake, experiment.label_smoothing)


def uncertainty_loss(logits: Tensor) -> Tensor:
    """Cross-entropy to the uniform answer: least where every digit is equally probable. (N, 10) -> a scalar.

    For pictures of no digit (Hendrycks et al., "Deep anomaly detection with outlier exposure", 2019).
    """
    return -F.log_softmax(logits, dim=1).mean()


def loss_and_accuracy(model: nn.Module, split: Split, experiment: Experiment) -> tuple[float, float]:
    """Mean loss and accuracy on a split, in the mode (train or eval) the model is in."""
    return score(logits_of(model, split, experiment), split.labels, experiment)


@torch.no_grad()
def logits_of(model: nn.Module, split: Split, experiment: Experiment) -> Tensor:
    """The network's answers to a split, in the mode the model is in: (N, 10)."""
    batches = torch.split(split.images, EVALUATION_BATCH)
    return torch.cat([model(normalize(images, experiment.normalize)) for images in batches])


def score(logits: Tensor, labels: Tensor, experiment: Experiment) -> tuple[float, float]:
    """The experiment's mean loss, and the accuracy, of logits (N, 10) for labels (N,)."""
    batches = zip(torch.split(logits, EVALUATION_BATCH), torch.split(labels, EVALUATION_BATCH), strict=True)
    losses = [compute_loss(some, right, experiment.mistake).item() * len(right) for some, right in batches]
    return sum(losses) / len(labels), int((logits.argmax(dim=1) == labels).sum()) / len(labels)


@torch.no_grad()
def changed_answers(model: nn.Module, split: Split, experiment: Experiment, generator: torch.Generator) -> float:
    """Share of a split's first images that get more than one answer when asked 20 times, in the model's mode.

    Each time in other company: dropout draws anew, and batch norm answers by the batch. In eval mode it is 0. The
    model is left as it was: batch norm would learn from being asked in train mode. The company is drawn from
    `generator`, and dropout from the model's own.
    """
    model = copy.deepcopy(model, {id(generator): generator})  # if dropout draws from the same one, it still does
    images = normalize(split.images[:ASKED_IMAGES], experiment.normalize)
    answers = torch.empty(ASKED_TIMES, len(images), dtype=torch.int64)
    for row in answers:
        order = torch.randperm(len(images), generator=generator)
        row[order] = torch.cat([model(images[some]).argmax(dim=1) for some in torch.split(order, ASKED_TOGETHER)])
    return (answers != answers[0]).any(dim=0).float().mean().item()
