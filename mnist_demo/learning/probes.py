"""Evidence beside the curves: a network's layers, gradients, answers and last update at one point of a run.

Knows a model and its inputs. Does not draw conclusions. Does not change the model, its gradients or its random
numbers, so a run is the same with and without probes. A probe costs about a tenth of measuring loss and accuracy.
"""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Probe
from mnist_demo.images.data import CLASSES, SIDE, Split, normalize
from mnist_demo.images.own_digits import slanted
from mnist_demo.learning import devices
from mnist_demo.learning.losses import training_loss

PROBED_IMAGES = 128  # for layers and gradients
REMEMBERED = 512  # validation images for which each mistake is recorded
STUCK_SLOPE = 1e-3
SURE = 0.9
CHANGED_IMAGES, MOVED_BY = 256, 3  # validation images; pixels
DIGITS = 6  # of every number, few because each chunk of a run carries the history


@dataclass(frozen=True)
class Update:
    """What the training step measured of the last update before a point; fields of a Probe. None: no update."""

    size: float | None = None
    left_over: float | None = None
    label_changes: float | None = None


NO_UPDATE = Update()


def probe(
    model: nn.Module,
    experiment: Experiment,
    train: tuple[Split, Tensor, Tensor],
    val: tuple[Split, Tensor],
    last_update: Update = NO_UPDATE,
) -> Probe:
    """The evidence of one point, in the mode (train or eval) the model is in.

    `train` holds images, the labels that the run learns (N,) and the model's logits for them (N, 10); `val` images
    and logits.
    """
    if model.training:
        model = copy.deepcopy(model)  # else batch norm would change the model
    images, labels, logits = train
    log_probabilities = F.log_softmax(logits, dim=1)
    probabilities = log_probabilities.exp()
    right = labels.view(-1, 1)
    few = val[0].first(CHANGED_IMAGES)
    val_top, val_answers = torch.softmax(val[1], dim=1).max(dim=1)
    is_wrong = val_answers != val[0].labels
    with _watched(model) as (spreads, stuck):
        inputs = normalize(images.images[:PROBED_IMAGES].to(devices.of(model)), experiment.normalize)
        gradients = _gradient_norms(model, inputs, labels[:PROBED_IMAGES], experiment)
    return Probe(
        cross_entropy=_short(F.nll_loss(log_probabilities, labels).item()),
        probability_cross_entropy=_short(F.cross_entropy(probabilities, labels).item()),
        label_probability=_short(probabilities.gather(1, right).mean().item()),
        label_logit=_short(logits.gather(1, right).mean().item()),
        confidence=_short(val_top.mean().item()),
        sure_mistakes=_short((val_top[is_wrong] > SURE).float().mean().item()) if is_wrong.any() else 0.0,
        wrong=_bits(is_wrong[:REMEMBERED]),
        common_answer=val_answers.bincount(minlength=CLASSES).max().item() / len(val_answers),
        blank_loss=_short(_blank_loss(model, experiment, labels)),
        input_size=_short(inputs.abs().max().item()),
        weight_norm=_short(length(p.detach() for p in model.parameters())),
        spreads=tuple(map(_short, spreads)),
        stuck=tuple(map(_short, stuck)),
        gradients=tuple(map(_short, gradients)),
        update=last_update.size,
        left_over=last_update.left_over,
        label_changes=last_update.label_changes,
        moved_accuracy=_accuracy(model, experiment, _moved(few.images), few.labels),
        slanted_accuracy=_accuracy(model, experiment, slanted(few.images), few.labels),
    )


def length(tensors: Iterable[Tensor]) -> float:
    """The Euclidean length of all numbers in the tensors together."""
    return float(torch.stack([tensor.norm() for tensor in tensors] or [torch.zeros(())]).norm())


def last_update(model: nn.Module, before: Mapping[str, Tensor], found: float, labels: Tensor) -> Update:
    """The update that a step has just made.

    `before` are the parameters before it (empty: not kept). `found` is the length of the gradient that was there before
    backward(). `labels` (N,) are the epoch's labels in the order of its images.
    """
    moved = [(parameter - before[name]).detach() for name, parameter in model.named_parameters() if before]
    size = _share(length(moved), length(p.detach() for p in model.parameters()))
    changes = (labels[1:] != labels[:-1]).float().mean().item()
    return Update(_short(size) if before else None, _short(_share(found, gradient_length(model))), _short(changes))


def gradient_length(model: nn.Module) -> float:
    """The length of the stored gradients; 0 if none are stored."""
    return length(p.grad for p in model.parameters() if p.grad is not None)


def _gradient_norms(model: nn.Module, inputs: Tensor, labels: Tensor, experiment: Experiment) -> list[float]:
    weights = [p for p in model.parameters() if p.dim() > 1]  # one per layer; biases and scales are left out
    with torch.enable_grad():
        loss = training_loss(model(inputs), labels, experiment)
        return [gradient.norm().item() for gradient in torch.autograd.grad(loss, weights)]


def _share(part: float, whole: float) -> float:
    """`part / whole`; 0 where the part is 0, 1 where both are too large for a number."""
    if part == 0:
        return 0.0
    ratio = part / whole if whole else 1.0
    return 1.0 if math.isnan(ratio) else ratio


@torch.no_grad()
def _blank_loss(model: nn.Module, experiment: Experiment, labels: Tensor) -> float:
    blank = normalize(torch.zeros(1, SIDE, SIDE, device=labels.device), experiment.normalize)
    was_training = model.training
    model.eval()  # in train mode batch norm needs more than one image
    logits = model(blank)
    model.train(was_training)
    return F.cross_entropy(logits.expand(len(labels), -1), labels).item()


@torch.no_grad()
def _moved(images: Tensor) -> Tensor:
    return F.pad(images[..., :-MOVED_BY], (MOVED_BY, 0))


def _accuracy(model: nn.Module, experiment: Experiment, images: Tensor, labels: Tensor) -> float:
    answers: Tensor = model(normalize(images, experiment.normalize)).argmax(dim=1)
    return (answers == labels).float().mean().item()


@contextmanager
def _watched(model: nn.Module) -> Iterator[tuple[list[float], list[float]]]:
    """Two lists that a forward pass fills, one number per hidden layer: spread and share of stuck units."""
    spreads: list[float] = []
    stuck: list[float] = []

    def look(module: nn.Module, _inputs: Sequence[Tensor], output: Tensor) -> None:
        values = output.detach()  # (N, units) or (N, channels, H, W)
        spreads.append(values.std(dim=0).mean().item())
        is_flat = _slope(module, values) < STUCK_SLOPE
        stuck.append(is_flat.transpose(0, 1).flatten(1).all(dim=1).float().mean().item())

    hidden = [module for module in model.modules() if isinstance(module, nn.ReLU | nn.Sigmoid | nn.Tanh | nn.Identity)]
    handles = [module.register_forward_hook(look) for module in hidden]
    try:
        yield spreads, stuck
    finally:
        for handle in handles:
            handle.remove()


def _slope(module: nn.Module, output: Tensor) -> Tensor:
    """The slope of an activation function at the point where its output was `output`."""
    if isinstance(module, nn.ReLU):
        return (output > 0).float()
    if isinstance(module, nn.Sigmoid):
        return output * (1 - output)
    return 1 - output**2 if isinstance(module, nn.Tanh) else torch.ones_like(output)


def _bits(flags: Tensor) -> str:
    return f"{sum(1 << index for index in flags.nonzero().flatten().tolist()):x}"


def _short(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
