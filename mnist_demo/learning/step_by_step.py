"""One training step in single parts: batch, zero_grad, forward, loss, backward, step, each a button to press.

A bench is computed again from the list of presses, which is its only state. The presses are the lines of `step`. In
the right order they give the same run as `training.advance`, bit for bit. A wrong order has the same effect as in
PyTorch, and the row says what happened. Does not know the page.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.learning import networks
from mnist_demo.learning.arithmetic import set_for_training
from mnist_demo.learning.batches import Batch
from mnist_demo.learning.state import start
from mnist_demo.learning.step import Learner

MAX_PRESSES = 120


class Press(StrEnum):
    """The buttons, in the order of a training loop."""

    BATCH = "batch"
    ZERO_GRAD = "zero_grad"
    FORWARD = "forward"
    LOSS = "loss"
    BACKWARD = "backward"
    STEP = "step"


CODE = {
    Press.BATCH: "images, labels = next(batches)",
    Press.ZERO_GRAD: "optimizer.zero_grad()",
    Press.FORWARD: "logits = model(images)",
    Press.LOSS: "loss = criterion(logits, labels)",
    Press.BACKWARD: "loss.backward()",
    Press.STEP: "optimizer.step()",
}


@dataclass(frozen=True)
class Row:
    """The values after one press. None: there is no such number (not yet, or no longer)."""

    press: Press
    is_refused: bool  # if so, Python or PyTorch raises an error, and nothing has changed
    said: str  # what the press did, in one or two sentences
    loss: float | None  # of the last `loss` press
    gradient_norms: tuple[float | None, ...]  # of each layer with weights: the length of all its gradients
    weight: float
    gradient: float | None  # of that weight


@dataclass(frozen=True)
class Bench:
    """A bench after some presses: the rows, and the names of what their columns show."""

    rows: tuple[Row, ...]
    layers: tuple[str, ...]  # the layers with weights, as "0 Linear 784→256"
    weight_name: str  # the one weight that is followed, as "1.weight[12, 406]"
    start: float  # that weight's initial value


def replay(experiment: Experiment, presses: Sequence[Press], data: TrainingData) -> Bench:
    """The bench after these presses, starting from the initial weights. Raises RunError after too many presses."""
    if len(presses) > MAX_PRESSES:
        raise RunError(f"That was the {MAX_PRESSES}th press; start again to go on.")
    with set_for_training():
        bench = _Bench(experiment, data)
        first = bench.weight.item()
        rows = tuple(bench.press(press) for press in presses)
        return Bench(rows, tuple(bench.layers), bench.weight_name, first)


class _Refused(Exception):
    """What Python or PyTorch would have raised, in plain words."""


class _Bench:
    """A `Learner`, and the other variables of a learner's program: batch, logits, loss."""

    def __init__(self, experiment: Experiment, data: TrainingData) -> None:
        self.learner = Learner(start(experiment), data.train)
        self.model = self.learner.model
        self.batch_number = 0
        self.backwards_since_clear = 0
        self.batch: Batch | None = None
        self.logits: Tensor | None = None
        self.loss: Tensor | None = None
        self.modules = {
            name: module for name, module in self.model.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)
        }
        self.layers = [_layer_name(name, module) for name, module in self.modules.items()]
        self.parameter, self.place, self.weight_name = self._weight_to_follow(experiment, data)
        self.actions: dict[Press, Callable[[], str]] = {
            Press.BATCH: self._next_batch,
            Press.ZERO_GRAD: self._zero_grad,
            Press.FORWARD: self._forward,
            Press.LOSS: self._loss,
            Press.BACKWARD: self._backward,
            Press.STEP: self._step,
        }

    @property
    def weight(self) -> Tensor:
        return self.parameter.detach()[self.place]

    def press(self, press: Press) -> Row:
        try:
            said, is_refused = self.actions[press](), False
        except _Refused as refusal:
            said, is_refused = str(refusal), True
        gradient = self.parameter.grad
        return Row(
            press=press,
            is_refused=is_refused,
            said=said,
            loss=None if self.loss is None else self.loss.item(),
            gradient_norms=tuple(_gradient_norm(module) for module in self.modules.values()),
            weight=self.weight.item(),
            gradient=None if gradient is None else gradient[self.place].item(),
        )

    def _next_batch(self) -> str:
        self.batch = self.learner.batches.next_batch()
        self.batch_number += 1
        count, others = len(self.batch.labels), len(self.batch.images) - len(self.batch.labels)
        more = f" Behind them {others} pictures of no digit." if others else ""
        return f"Batch {self.batch_number}: {count} images and their labels.{more} Nothing is computed yet."

    def _forward(self) -> str:
        if self.batch is None:
            raise _Refused("NameError: images is not defined. Fetch a batch first.")
        self.logits = self.learner.forward(self.batch)
        labels = self.batch.labels
        share = self.logits[: len(labels)].argmax(dim=1).eq(labels).float().mean().item()
        return f"{len(self.logits)} × 10 logits; {share:.0%} of this batch is answered right. No weight has changed."

    def _loss(self) -> str:
        if self.logits is None or self.batch is None:
            raise _Refused("NameError: logits is not defined. Run forward first.")
        if len(self.logits) != len(self.batch.images):
            raise _Refused("ValueError: the logits are of the batch before, of another size. Run forward first.")
        self.loss = self.learner.loss(self.logits, self.batch)
        labels = self.batch.labels
        truth = F.cross_entropy(self.logits[: len(labels)].detach(), labels).item()
        about = " About ln 10 = 2.303, as when guessing." if abs(truth - math.log(10)) < 0.15 else ""
        return f"One number for the whole batch: {self.loss.item():.4f}.{about}"

    def _backward(self) -> str:
        if self.loss is None:
            raise _Refused("NameError: loss is not defined. Run forward and loss first.")
        try:
            self.loss.backward()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise _Refused(_why_backward_failed(error)) from error
        self.backwards_since_clear += 1
        if self.backwards_since_clear == 1:
            return "Every weight now has a gradient: how the loss changes if that weight grows. No weight has moved."
        return (
            f"The new gradients were added to the old ones: the sum of {self.backwards_since_clear} backward passes. "
            "zero_grad was not called between them."
        )

    def _step(self) -> str:
        if all(parameter.grad is None for parameter in self.model.parameters()):
            return "Nothing happened: there are no gradients. step before backward leaves every weight as it is."
        before = self.weight.item()
        self.learner.update()
        with torch.no_grad():  # tells autograd of the change, as the plain step does; the fused one does not
            for parameter in self.model.parameters():
                parameter.mul_(1)
        moved = f"The weight moved by {self.weight.item() - before:+.2e}"
        if self.backwards_since_clear > 1:
            return f"{moved}, led by the sum of {self.backwards_since_clear} backward passes."
        return f"{moved}, against its gradient. The gradients are still there: another step would use them again."

    def _zero_grad(self) -> str:
        had_gradients = any(parameter.grad is not None for parameter in self.model.parameters())
        self.learner.optimizer.zero_grad()
        self.backwards_since_clear = 0
        return "The gradients are gone; the weights stay." if had_gradients else "There was no gradient to clear."

    def _weight_to_follow(self, experiment: Experiment, data: TrainingData) -> tuple[Tensor, tuple[int, ...], str]:
        """The weight of the first layer with the largest gradient on the first images, so that it is not zero."""
        name, first = next(iter(self.modules.items()))
        probe = networks.build(experiment).eval()
        images = normalize(data.train.images[:64], experiment.normalize)
        F.cross_entropy(probe(images), data.train.labels[:64]).backward()  # type: ignore[no-untyped-call]
        gradient = probe.get_submodule(name).weight.grad
        assert isinstance(gradient, Tensor)
        place = tuple(int(index) for index in torch.unravel_index(gradient.abs().argmax(), gradient.shape))
        assert isinstance(first.weight, Tensor)
        return first.weight, place, f"{name}.weight[{', '.join(map(str, place))}]"


def _why_backward_failed(error: RuntimeError) -> str:
    if "second time" in str(error):
        return (
            "RuntimeError: trying to backward through the graph a second time. PyTorch forgets the graph after "
            "backward: run forward and loss again, then backward adds its gradients to the old ones."
        )
    if "inplace" in str(error):
        return (
            "RuntimeError: a weight needed for the gradient has been changed since, by step. "
            "This loss belongs to the weights of before: run forward and loss again."
        )
    return f"RuntimeError: {error}"


def _layer_name(name: str, module: nn.Module) -> str:
    if isinstance(module, nn.Linear):
        return f"{name} Linear {module.in_features}→{module.out_features}"
    assert isinstance(module, nn.Conv2d)
    return f"{name} Conv {module.in_channels}→{module.out_channels}"


def _gradient_norm(module: nn.Module) -> float | None:
    gradients = [parameter.grad.flatten() for parameter in module.parameters() if parameter.grad is not None]
    return torch.cat(gradients).norm().item() if gradients else None
