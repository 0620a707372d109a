"""Checks an uploaded checkpoint before using anything in it: takes its bytes, returns a checkpoint of our own format.

Knows both formats people bring (.safetensors, and the zip that `torch.save` writes) and what can be wrong with them.
Meant to run in a worker with a deadline. The order of the checks matters: size, container, then the keys, shapes and
dtypes of one of our networks or the shapes of an MLP, and only then the numbers.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor

from mnist_demo.errors import InvalidCheckpoint, InvalidExperiment
from mnist_demo.experiment.choices import Network
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import load_validation_data
from mnist_demo.learning import checkpoints
from mnist_demo.learning.checkpoints import MAX_BYTES, MAX_HEADER_BYTES, Checkpoint
from mnist_demo.serving import pth_files
from mnist_demo.serving.pth_files import MAX_TENSORS
from mnist_demo.serving.state_dicts import FoundMLP, find_mlp, readings, told

_DTYPES = {  # safetensors' names; batch norm's counters are integers
    "F32": torch.float32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F64": torch.float64,
}
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")  # of wrappers around a model
TRIED_IMAGES = 1_000  # validation images on which ways to read a network are tried
_CHOOSE = "The file does not say what kind of network it holds: choose the network and load the file again."


@dataclass(frozen=True)
class Accepted:
    """An upload as a checkpoint of ours (what `checkpoints.pack` writes), and what was found in the file."""

    blob: bytes
    words: str  # sentences for a person


def accept(blob: bytes, experiment: Experiment | None = None, root: Path | None = None) -> bytes:
    """As `examine`, the checkpoint alone."""
    return examine(blob, experiment, root).blob


def examine(blob: bytes, experiment: Experiment | None = None, root: Path | None = None) -> Accepted:
    """The upload as a checkpoint of ours, every number in it finite, and what was found in it.

    `experiment` says which network a bare state dict belongs to, if it is not an MLP. Our own checkpoints say it
    themselves. The validation images in `root` decide between the ways to read an MLP; without them it is read as
    the experiment says. Raises InvalidCheckpoint, in one plain sentence, for everything else.
    """
    if len(blob) > MAX_BYTES:
        raise InvalidCheckpoint(f"The file has {len(blob):,} bytes; a checkpoint may have at most {MAX_BYTES:,}.")
    if blob[:4] == b"PK\x03\x04":
        file = pth_files.read(blob)
        described = {name: _meta(name, t.shape, t.dtype) for name, t in file.tensors.items()}
        if "experiment" not in file.said:
            return _state_dict(described, file.load, experiment, root)
        checkpoints.check_fit(described, _experiment(file.said["experiment"]))
        return _ours(checkpoints.packed_with(file.load(), file.said))
    _refuse_other_files(blob)
    header = _safetensors_header(blob)
    metadata = header.pop("__metadata__", {})
    described = {name: _described(name, entry) for name, entry in header.items()}
    if not (isinstance(metadata, dict) and "experiment" in metadata):
        return _state_dict(described, lambda: _loaded(blob), experiment, root)
    checkpoints.check_fit(described, _experiment(metadata["experiment"]))
    return _ours(blob)


def load(path: Path, root: Path) -> Checkpoint:
    """Reads a checkpoint file of ours, or a state dict of an MLP (.pth, .pt, .bin, .ckpt). Raises InvalidCheckpoint."""
    if path.suffix.lower() not in checkpoints.PTH_ENDINGS:
        return checkpoints.load(path)
    if not path.is_file():
        raise InvalidCheckpoint(f"There is no checkpoint {path}.")
    with path.open("rb") as file:
        return checkpoints.unpack(accept(file.read(MAX_BYTES + 1), root=root))


def _ours(blob: bytes) -> Accepted:
    loaded = checkpoints.unpack(blob)
    packed = checkpoints.pack(loaded.model.state_dict(), loaded.experiment, loaded.scores)
    return Accepted(packed, "It is a checkpoint of MNIST Lab, with its experiment.")


def _refuse_other_files(blob: bytes) -> None:
    if blob[:1] == b"\x80":
        raise InvalidCheckpoint(
            "This is a bare pickle, which can run any program, or torch.save's format before 2020: save "
            "model.state_dict() again with torch.save as it is today."
        )
    start = blob[:200].lstrip().lower()
    others = {
        "a web page, not a network: download the file itself": start.startswith((b"<!doctype", b"<html")),
        "a Git LFS pointer, not the file itself: fetch the file with `git lfs pull`": start.startswith(
            b"version https://git-lfs"
        ),
        "a Keras or HDF5 file: load it in its own program, and save the weights as safetensors": blob[:4] == b"\x89HDF",
        "an ONNX file: save model.state_dict() of the PyTorch model instead": blob[:1] == b"\x08" and b"torch" in start,
    }
    for words, is_it in others.items():
        if is_it:
            raise InvalidCheckpoint(f"This is {words}.")


def _loaded(blob: bytes) -> dict[str, Tensor]:
    try:
        return load_tensors(blob)
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise InvalidCheckpoint("The file's tensors do not lie where its header says.") from error


def _state_dict(
    described: Mapping[str, Tensor],
    load: Callable[[], Mapping[str, Tensor]],
    experiment: Experiment | None,
    root: Path | None,
) -> Accepted:
    """A state dict of one of our networks, with our names or other names, or of any MLP within our bounds."""
    if experiment is None or experiment.network is Network.MLP:
        found = find_mlp(described)
        if found is not None:
            return _mlp(found, load(), experiment, root)
    if experiment is None:
        raise InvalidCheckpoint(_CHOOSE)
    bare = {name: _bare(name) for name in described}
    as_float = {bare[name]: _as_float32(tensor) for name, tensor in described.items()}
    names = _our_names(as_float, experiment)
    checkpoints.check_fit({names.get(name, name): tensor for name, tensor in as_float.items()}, experiment)
    weights = {names.get(bare[name], bare[name]): _as_float32(tensor) for name, tensor in load().items()}
    return Accepted(_packed(weights, experiment, {}), f"Its weights fit the network chosen, {experiment.network}.")


def _mlp(found: FoundMLP, tensors: Mapping[str, Tensor], chosen: Experiment | None, root: Path | None) -> Accepted:
    weights = found.weights(tensors)
    checkpoints.fit(weights, found.experiment)  # all finite
    said = f"The file holds an MLP: {found.words}."
    if root is None:
        experiment = found.experiment
        if chosen is not None and chosen.hidden_sizes == experiment.hidden_sizes:
            experiment = chosen
        return Accepted(_packed(weights, experiment, {}), said)
    tried = readings(weights, found.experiment, load_validation_data(root).first(TRIED_IMAGES))
    best = tried[0].checkpoint
    blob = checkpoints.pack(best.model.state_dict(), best.experiment, best.scores)
    return Accepted(blob, f"{said} {told(tried, TRIED_IMAGES)}")


def _bare(name: str) -> str:
    """A name without what DataParallel, torch.compile and people's own wrappers put in front of it."""
    while name.startswith(_PREFIXES):
        name = name.partition(".")[2]
    return name


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _safetensors_header(blob: bytes) -> dict[str, Any]:
    length = int.from_bytes(blob[:8], "little")
    if len(blob) < 8 or length > min(MAX_HEADER_BYTES, len(blob) - 8):
        raise InvalidCheckpoint(
            "This is neither a .safetensors file nor a .pth file, or it is cut off: its header would be longer "
            "than the file."
        )
    try:
        header = json.loads(blob[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise InvalidCheckpoint(
            "This is neither a .safetensors file nor a .pth file: its header is not JSON."
        ) from error
    if not isinstance(header, dict) or len(header) > MAX_TENSORS + 1:
        raise InvalidCheckpoint(f"The header is not a table of at most {MAX_TENSORS} tensors.")
    return header


def _described(name: str, entry: object) -> Tensor:
    """A tensor without memory, of the shape and dtype that a safetensors header tells."""
    shape = entry.get("shape") if isinstance(entry, dict) else None
    dtype = entry.get("dtype") if isinstance(entry, dict) else None
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise InvalidCheckpoint(f"The tensor {name[:40]!a} must hold floating-point numbers, as weights do.")
    return _meta(name, shape, _DTYPES[dtype])


def _meta(name: str, shape: object, dtype: torch.dtype) -> Tensor:
    if not (
        isinstance(shape, list | tuple)
        and len(shape) <= 4
        and all(type(length) is int and 0 < length <= MAX_BYTES for length in shape)
        and math.prod(shape) <= MAX_BYTES
    ):
        raise InvalidCheckpoint(f"The tensor {name[:40]!a} has a shape that no network here has.")
    return torch.empty(tuple(shape), dtype=dtype, device="meta")


def _experiment(text: object) -> Experiment:
    try:
        return Experiment.from_dict(json.loads(text if isinstance(text, str) else ""))
    except (InvalidExperiment, ValueError, TypeError, RecursionError) as error:
        raise InvalidCheckpoint("The file names an experiment that is not valid here.") from error


def _our_names(described: Mapping[str, Tensor], experiment: Experiment) -> dict[str, str]:
    """Another program's names -> our names for the same layers. Empty unless shapes and order match the network."""
    ours = checkpoints.expected_tensors(experiment)
    theirs = [(tensor.shape, tensor.dtype) for tensor in described.values()]
    if theirs != [(tensor.shape, tensor.dtype) for tensor in ours.values()]:
        return {}
    return dict(zip(described, ours, strict=True))


def _packed(weights: Mapping[str, Tensor], experiment: Experiment, scores: Mapping[str, float]) -> bytes:
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InvalidCheckpoint("The file does not hold a state dict.")
    model = checkpoints.fit(weights, experiment)
    return checkpoints.pack(model.state_dict(), experiment, scores)
