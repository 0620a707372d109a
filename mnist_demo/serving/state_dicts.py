"""A state dict under any names: which MLP its tensors are, and how its inputs and activation were meant.

Knows shapes, and that neither the activation nor the scale of the pixels is written in a state dict: each combination
is tried on validation images. Does not know files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf, isfinite

import torch
from torch import Tensor
from torch.nn import functional

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.choices import Activation, Normalize
from mnist_demo.experiment.choices import words as words_of
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import CLASSES, SIDE, Split, normalize
from mnist_demo.learning import checkpoints
from mnist_demo.learning.checkpoints import Checkpoint

WORDS = {torch.float16: "half precision", torch.bfloat16: "bfloat16", torch.float64: "double precision"}
# What people's programs do to pixels of 0 to 1 before the first layer: x -> (x - mean) / deviation.
SCALES = {
    "pixels from 0 to 1": (0.0, 1.0),
    "pixels from -1 to 1": (0.5, 0.5),
    "Normalize((0.1307,), (0.3081,))": (0.1307, 0.3081),
    "pixels from 0 to 255": (0.0, 1 / 255),
}
FITS = 0.5  # of the validation images right: a network that gets fewer fits none of the combinations
CLEAR = 0.01  # of the images: a smaller lead over the next combination is no proof


@dataclass(frozen=True)
class FoundMLP:
    """An MLP found in a state dict: our name -> its name there, and how the file wrote it."""

    experiment: Experiment
    names: Mapping[str, str]  # the biases are missing where the network has none
    is_transposed: bool  # weights as (in, out), as Keras and NumPy keep them
    words: str  # "784-128-10, biases, float32"

    def weights(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors under our names, (out, in), float32; a missing bias is zero."""
        found: dict[str, Tensor] = {}
        for name, expected in checkpoints.expected_tensors(self.experiment).items():
            if name not in self.names:
                found[name] = torch.zeros(expected.shape)
                continue
            value = tensors[self.names[name]].float()
            found[name] = value.t() if self.is_transposed and value.dim() == 2 else value
        return found


def find_mlp(described: Mapping[str, Tensor]) -> FoundMLP | None:
    """Which MLP (784 inputs, 10 outputs) the tensors are, by shapes and order; None if they are none.

    The tensors may be without memory (meta). Names count only to pair a bias with its weights.
    """
    matrices = [name for name, tensor in described.items() if tensor.dim() == 2]
    vectors = [name for name, tensor in described.items() if tensor.dim() == 1]
    if not matrices or len(matrices) + len(vectors) != len(described) or len(vectors) not in (0, len(matrices)):
        return None
    for order in (matrices, matrices[::-1]):
        for is_transposed in (False, True):
            shapes = [tuple(described[name].shape)[:: 1 if is_transposed else -1] for name in order]  # (in, out)
            ends = (shapes[0][0], shapes[-1][1]) == (SIDE * SIDE, CLASSES)
            if not ends or any(a[1] != b[0] for a, b in pairwise(shapes)):
                continue
            biases = _biases(order, vectors, described, [shape[1] for shape in shapes])
            if biases is not None:
                return _found(order, biases, [shape[1] for shape in shapes[:-1]], is_transposed, described)
    return None


def _biases(
    order: Sequence[str], vectors: Sequence[str], described: Mapping[str, Tensor], widths: Sequence[int]
) -> list[str] | None:
    """The bias of each layer: by the stem of the names, else by order; None where the lengths do not fit."""
    stems = {name.rpartition(".")[0]: name for name in vectors}
    by_stem = [stems.get(name.rpartition(".")[0], "") for name in order]
    in_order = (
        list(vectors) if not vectors or list(described).index(order[0]) <= list(described).index(order[-1]) else []
    )
    for biases in (by_stem, in_order, list(reversed(vectors))):
        if not vectors:
            return []
        if set(biases) == set(vectors) and [len(described[name]) for name in biases] == list(widths):
            return biases
    return None


def _found(
    order: Sequence[str],
    biases: Sequence[str],
    hidden_sizes: Sequence[int],
    is_transposed: bool,
    described: Mapping[str, Tensor],
) -> FoundMLP | None:
    sizes = "-".join(map(str, hidden_sizes)) or "none"
    try:
        experiment = Experiment.from_dict({"network": "mlp", "hidden_sizes": sizes})
    except InvalidExperiment:  # larger or deeper than ours may be
        return None
    ours = list(checkpoints.expected_tensors(experiment))
    theirs = [name for pair in zip(order, biases or order, strict=True) for name in pair]
    names = {our: their for our, their in zip(ours, theirs, strict=True) if biases or our.endswith("weight")}
    dtype = described[order[0]].dtype
    words = [
        "-".join(map(str, [SIDE * SIDE, *hidden_sizes, CLASSES])),
        "biases" if biases else "no biases",
        WORDS.get(dtype, str(dtype).removeprefix("torch.")),
    ]
    return FoundMLP(experiment, names, is_transposed, ", ".join(words))


@dataclass(frozen=True)
class Reading:
    """One way to read an MLP: its weights for pixels of 0 to 1, and the share of validation images it gets right."""

    checkpoint: Checkpoint
    words: str  # "ReLU, pixels from 0 to 1"
    accuracy: float
    loss: float  # cross-entropy


def readings(weights: Mapping[str, Tensor], experiment: Experiment, val: Split) -> list[Reading]:
    """Every activation with every scale of the pixels, the best first: most images right, of nearly equal the surest.

    A scale is moved into the first layer: W (x - m) / s + b = (W / s) x + (b - m / s W 1).
    """
    activations = list(Activation) if experiment.hidden_sizes else [Activation.NONE]
    found = []
    for scale, (mean, deviation) in SCALES.items():
        first, bias = list(weights)[:2]
        scaled = {**weights, first: weights[first] / deviation}
        scaled[bias] = weights[bias] - scaled[first].sum(dim=1) * mean
        for activation in activations:
            meant = experiment.replace(activation=activation, normalize=Normalize.UNIT)
            checkpoint = Checkpoint(checkpoints.fit(scaled, meant), meant, {})
            said = f"{words_of(activation)}, {scale}" if experiment.hidden_sizes else scale
            found.append(Reading(checkpoint, said, *_scores(checkpoint, val)))
    most = max(reading.accuracy for reading in found)
    best = min((each for each in found if each.accuracy > most - CLEAR), key=lambda each: each.loss)
    others = sorted((each for each in found if each is not best), key=lambda each: -each.accuracy)
    return [replace(best, checkpoint=replace(best.checkpoint, scores={"val_accuracy": best.accuracy})), *others]


@torch.inference_mode()
def _scores(checkpoint: Checkpoint, val: Split) -> tuple[float, float]:
    """Accuracy and cross-entropy; a loss that is no number counts as the worst."""
    logits = checkpoint.model(normalize(val.images, checkpoint.experiment.normalize))  # (N, 10)
    loss = float(functional.cross_entropy(logits, val.labels))
    return float((logits.argmax(dim=1) == val.labels).float().mean()), loss if isfinite(loss) else inf


def told(found: Sequence[Reading], images: int) -> str:
    """What the trials showed, in words: the best way to read the network, and by how much."""
    best, others = found[0], found[1:]
    if best.accuracy < FITS:
        return (
            f"Warning: no activation and pixel scale fits this network. The best, {best.words}, gets only "
            f"{best.accuracy:.1%} of {images:,} validation images right: its inputs were prepared in another way."
        )
    if not others:
        return f"It gets {best.accuracy:.1%} of {images:,} validation images right."
    lead = best.accuracy - others[0].accuracy
    close = " The two are close; the first is surer of the right digits." if lead < CLEAR else ""
    return (
        f"A state dict does not store activation and pixel scale, so all were tried on {images:,} validation images: "
        f"with {best.words} it gets {best.accuracy:.1%} right, with {others[0].words}, the next best, "
        f"{others[0].accuracy:.1%}.{close}"
    )
