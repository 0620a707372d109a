"""Networks and runs as bytes: one safetensors file with the experiment and its scores, never a pickle.

Knows two formats: a checkpoint to keep, and a training state to send between processes. Knows what may be wrong with
such bytes. Does not know where they are stored.
"""

import io
import json
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from mnist_demo.errors import InvalidCheckpoint, InvalidExperiment
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics, Probe
from mnist_demo.learning import networks
from mnist_demo.learning.state import Status, TrainState, Weights

MAX_BYTES = 8_000_000
MAX_HEADER_BYTES = 64_000
PTH_ENDINGS = (".pth", ".pt", ".bin", ".ckpt")  # usual endings of files that torch.save writes
FORMAT = "mnist-lab-1"
_PACKAGE = Path(__file__).parents[1]
# Inside the package if it is installed, else at the top of the repository.
_PLACES = (_PACKAGE / "checkpoints", _PACKAGE.parent / "checkpoints")
SHIPPED = next((place for place in _PLACES if place.is_dir()), _PLACES[0])
TEMPERATURE = "temperature"  # in a checkpoint's scores: its logits are divided by it; 1 if absent
LEAST_CONFIDENCE = "least_confidence"  # also there: below it a drawing counts as no digit; 0 if absent
HELD_OUT_FOLD = "held_out_fold"  # also there: the group of writers it has not learned from (`pens`)
_BOUNDS = {TEMPERATURE: (0.05, 20), LEAST_CONFIDENCE: (0, 1)}


@dataclass(frozen=True, eq=False)  # equal only if they are the same object
class Checkpoint:
    """A trained network (eval mode), its experiment, and its scores."""

    model: nn.Module
    experiment: Experiment
    scores: Mapping[str, float]  # for example test_accuracy, val_loss, epoch


def pack(weights: Mapping[str, Tensor], experiment: Experiment, scores: Mapping[str, float]) -> bytes:
    """A checkpoint as the bytes of one safetensors file, its experiment and scores in the metadata."""
    metadata = {
        "format": FORMAT,
        "experiment": json.dumps(experiment.to_dict()),
        "scores": json.dumps(dict(scores)),
    }
    return save_tensors(_contiguous(weights), metadata)


def packed_with(weights: Mapping[str, Tensor], said: Mapping[str, str]) -> bytes:
    """Weights with the given metadata, to be read by `unpack`, which checks all of it."""
    return save_tensors(_contiguous(weights), {"scores": "{}", **said})


def unpack(blob: bytes) -> Checkpoint:
    """Reads what `pack` wrote. Raises InvalidCheckpoint with the reason for anything else."""
    metadata = _metadata(blob)
    try:
        experiment = Experiment.from_dict(json.loads(metadata["experiment"]))
        scores = {str(name): float(score) for name, score in json.loads(metadata["scores"]).items()}
    except InvalidExperiment as error:
        raise InvalidCheckpoint(f"The checkpoint's experiment is not valid: {error}") from error
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidCheckpoint("The checkpoint does not say which experiment and scores it has.") from error
    for name, score in scores.items():
        low, high = _BOUNDS.get(name, (0, 1) if name.endswith("accuracy") else (-math.inf, math.inf))
        if not (math.isfinite(score) and low <= score <= high):
            raise InvalidCheckpoint(f"The checkpoint's score {_shown(name)} is {score:g}, which is impossible.")
    try:
        weights = load_tensors(blob)
    except (SafetensorError, ValueError, KeyError, TypeError, AssertionError, OverflowError, RuntimeError) as error:
        raise InvalidCheckpoint(f"The checkpoint's tensors cannot be read: {_shown(str(error))}.") from error
    return Checkpoint(fit(weights, experiment), experiment, scores)


def weights_of(blob: bytes) -> Weights:
    """The tensors of a checkpoint of our own, by name; they are not finite if the run diverged."""
    return load_tensors(blob)


def fit(weights: Mapping[str, Tensor], experiment: Experiment) -> nn.Module:
    """The experiment's network with these weights, in eval mode.

    Raises InvalidCheckpoint naming what differs (as `check_fit`), or the first value that is not finite.
    """
    check_fit(weights, experiment)
    for name, value in weights.items():
        if not torch.isfinite(value).all():
            raise InvalidCheckpoint(f"The weights hold a value that is not finite, in {name}.")
    model = networks.empty(experiment)
    model.load_state_dict(dict(weights))
    return model.eval()


def check_fit(weights: Mapping[str, Tensor], experiment: Experiment) -> None:
    """Compares names, shapes and dtypes with the experiment's network; tensors without memory (meta) are enough.

    Raises InvalidCheckpoint naming the tensors that differ: a state dict fits only the architecture it
    was saved from.
    """
    expected = expected_tensors(experiment)
    differences = []
    for name, value in expected.items():
        if name in weights and (weights[name].shape, weights[name].dtype) != (value.shape, value.dtype):
            found = weights[name]
            differences.append(
                f"{name} is {_kind(found)} but the network's is {_kind(value)}",
            )
    differences += [f"{name} is missing" for name in expected if name not in weights]
    differences += [f"{_shown(name)} is not in the network" for name in weights if name not in expected]
    if differences:
        more = f" and {len(differences) - 5:,} more" if len(differences) > 5 else ""
        raise InvalidCheckpoint(f"The weights do not fit the network: {'; '.join(differences[:5])}{more}.")


def expected_tensors(experiment: Experiment) -> dict[str, Tensor]:
    """The state dict of the experiment's network as names, shapes and dtypes, without memory (meta)."""
    return dict(networks.outline(experiment).state_dict())  # a file may describe a network far larger than itself


def scores_of(point: Metrics) -> dict[str, float]:
    """The scores that a checkpoint keeps: the measurements at its point."""
    names = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
    return {name: getattr(point, name) for name in names}


def to_pth(
    weights: Mapping[str, Tensor], experiment: Experiment | None = None, scores: Mapping[str, float] | None = None
) -> bytes:
    """The state dict as `torch.save(model.state_dict(), "checkpoint.pth")` writes it.

    The experiment and its scores are stored in the state dict's metadata, where PyTorch keeps versions of layers.
    PyTorch ignores other entries there, so a plain `load_state_dict` reads the file. Our own readers use them to
    find the scale of the pixels.
    """
    state_dict = OrderedDict(_contiguous(weights))
    if experiment is not None:
        said = {"experiment": json.dumps(experiment.to_dict()), "scores": json.dumps(dict(scores or {}))}
        state_dict.__dict__["_metadata"] = OrderedDict({"": {"version": 1}, FORMAT: said})
    buffer = io.BytesIO()
    torch.save(state_dict, buffer)
    return buffer.getvalue()


def load(path: Path) -> Checkpoint:
    """Reads a checkpoint file. Raises InvalidCheckpoint if it is missing or not one."""
    if not path.is_file():
        raise InvalidCheckpoint(f"There is no checkpoint {path}.")
    if path.stat().st_size > MAX_BYTES:
        raise InvalidCheckpoint(
            f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB: not a checkpoint of MNIST Lab."
        )
    return unpack(path.read_bytes())


def shipped(folder: Path = SHIPPED) -> dict[str, Checkpoint]:
    """The checkpoints that come with the app, by file name without ending, in alphabetical order."""
    return {path.stem: load(path) for path in sorted(folder.glob("*.safetensors"))}


def state_to_bytes(state: TrainState) -> bytes:
    """A training state as the bytes of one safetensors file, to send to another process."""
    tensors = {f"weights.{name}": value for name, value in state.weights.items()}
    tensors |= {f"averages.{name}": value for name, value in state.averages.items()}
    tensors |= {f"moments.{name}": value for name, value in state.moments.items()}
    tensors |= {"order_rng": state.order_rng, "noise_rng": state.noise_rng}
    progress = {
        "step": state.step,
        "loss_sum": state.loss_sum,
        "loss_count": state.loss_count,
        "history": [asdict(point) for point in state.history],
        "status": state.status,
        "extra_sha256": state.extra_sha256,
    }
    metadata = {"experiment": json.dumps(state.experiment.to_dict()), "progress": json.dumps(progress)}
    return save_tensors(_contiguous(tensors), metadata)


def state_from_bytes(blob: bytes) -> TrainState:
    """Reads what `state_to_bytes` wrote; meant for bytes of our own, not for uploads."""
    metadata = _metadata(blob, max_header_bytes=len(blob))  # a long history makes a long header
    tensors = load_tensors(blob)
    progress: dict[str, Any] = json.loads(metadata["progress"])
    return TrainState(
        experiment=Experiment.from_dict(json.loads(metadata["experiment"])),
        step=progress["step"],
        weights=_with_prefix(tensors, "weights."),
        averages=_with_prefix(tensors, "averages."),
        moments=_with_prefix(tensors, "moments."),
        order_rng=tensors["order_rng"],
        noise_rng=tensors["noise_rng"],
        loss_sum=progress["loss_sum"],
        loss_count=progress["loss_count"],
        history=tuple(_point(**point) for point in progress["history"]),
        status=Status(progress["status"]),
        extra_sha256=progress["extra_sha256"],
    )


def _point(probe: dict[str, Any] | None = None, **numbers: Any) -> Metrics:
    layers = {name: tuple(value) for name, value in (probe or {}).items() if isinstance(value, list)}
    return Metrics(**numbers, probe=Probe(**(probe | layers)) if probe else None)


@dataclass(frozen=True)
class Progress:
    """How far a packed training state is, without its tensors."""

    step: int
    status: Status


def progress_of(blob: bytes) -> Progress:
    """Reads only the header of what `state_to_bytes` wrote."""
    progress = json.loads(_metadata(blob, max_header_bytes=len(blob))["progress"])
    return Progress(progress["step"], Status(progress["status"]))


def _metadata(blob: bytes, max_header_bytes: int = MAX_HEADER_BYTES) -> dict[str, str]:
    """The metadata in a safetensors header: 8 bytes of length, then that much JSON."""
    length = int.from_bytes(blob[:8], "little")
    if len(blob) < 8 or length > min(max_header_bytes, len(blob) - 8):
        raise InvalidCheckpoint("This is not a safetensors file: its header would be longer than the file.")
    try:
        metadata = json.loads(blob[8 : 8 + length])["__metadata__"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidCheckpoint("This is not a checkpoint of MNIST Lab: its header has no metadata.") from error
    if not isinstance(metadata, dict):
        raise InvalidCheckpoint("This is not a checkpoint of MNIST Lab: its metadata is not a table.")
    return metadata


def _contiguous(tensors: Mapping[str, Tensor]) -> Weights:
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> Weights:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _shown(text: str) -> str:
    """Text from a file, made short and printable on one line, so that a message can repeat it."""
    return ascii(text[:80])[1:-1]


def _kind(tensor: Tensor) -> str:
    return f"{_shown(str(tuple(tensor.shape)))} {str(tensor.dtype).removeprefix('torch.')}"
