"""The losses of a batch that training lowers, and the measured loss and accuracy of a split.

Knows logits and labels. Does not change weights.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_demo.experiment.choices import Mistake
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import Split, normalize
from mnist_demo.learning import devices

EVALUATION_BATCH = 500  # nearly twice as fast as 1,000 on one core (2026-11): it fits the cache
ASKED_IMAGES, ASKED_TIMES, ASKED_TOGETHER = 250, 20, 50  # in all as many answers as one validation


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
    """The loss a step lowers, with label smoothing; measuring has none. Logits (N, 10) and labels (N,) -> a scalar."""
    return compute_loss(logits, labels, experiment.mistake, experiment.label_smoothing)


def uncertainty_loss(logits: Tensor) -> Tensor:
    """Cross-entropy to the uniform distribution: lowest if every digit is equally probable. (N, 10) -> a scalar.

    For pictures of no digit (Hendrycks et al., "Deep anomaly detection with outlier exposure", 2019).
    """
    return -F.log_softmax(logits, dim=1).mean()


def loss_and_accuracy(model: nn.Module, split: Split, experiment: Experiment) -> tuple[float, float]:
    """Mean loss and accuracy on a split, in the mode (train or eval) the model is in."""
    return score(logits_of(model, split, experiment), split.labels, experiment)


@torch.no_grad()
def logits_of(model: nn.Module, split: Split, experiment: Experiment) -> Tensor:
    """The network's answers to a split, in the mode the model is in: (N, 10), on the model's device."""
    batches = torch.split(split.images.to(devices.of(model)), EVALUATION_BATCH)
    return torch.cat([model(normalize(images, experiment.normalize)) for images in batches])


def score(logits: Tensor, labels: Tensor, experiment: Experiment) -> tuple[float, float]:
    """The experiment's mean loss, and the accuracy, of logits (N, 10) for labels (N,)."""
    batches = zip(torch.split(logits, EVALUATION_BATCH), torch.split(labels, EVALUATION_BATCH), strict=True)
    losses = [compute_loss(some, right, experiment.mistake).item() * len(right) for some, right in batches]
    return sum(losses) / len(labels), int((logits.argmax(dim=1) == labels).sum()) / len(labels)


@torch.no_grad()
def changed_answers(model: nn.Module, split: Split, experiment: Experiment, generator: torch.Generator) -> float:
    """Share of a split's first images that get more than one answer when asked 20 times, in the model's mode.

    Each time an image is in a different batch. In train mode dropout changes, and batch norm depends on the batch; in
    eval mode the share is 0. A copy is used, because batch norm in train mode would change the model. `generator`
    decides the batches; dropout uses the model's own generator.
    """
    model = copy.deepcopy(model, {id(generator): generator})  # keeps the same generator, if dropout uses it
    images = normalize(split.images[:ASKED_IMAGES].to(devices.of(model)), experiment.normalize)
    answers = torch.empty(ASKED_TIMES, len(images), dtype=torch.int64)
    for row in answers:
        order = torch.randperm(len(images), generator=generator)
        row[order] = torch.cat([model(images[some]).argmax(dim=1).cpu() for some in torch.split(order, ASKED_TOGETHER)])
    return (answers != answers[0]).any(dim=0).float().mean().item()
