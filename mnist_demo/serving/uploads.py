"""A checkpoint from a stranger's hands, checked before anything in it is believed: bytes in, our own bytes out.

Knows both formats people bring (.safetensors, and the zip that `torch.save` writes) and what may hide in
them. Meant to run in a worker with a deadline. The order of the checks is the point: size, container,
the keys, shapes and dtypes of one of our networks, and only then the numbers.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor

from mnist_demo.errors import InvalidCheckpoint, InvalidExperiment
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning import checkpoints
from mnist_demo.learning.checkpoints import MAX_BYTES, MAX_HEADER_BYTES
from mnist_demo.serving import pth_files
from mnist_demo.serving.pth_files import MAX_TENSORS

_DTYPES = {"F32": torch.float32, "I64": torch.int64}  # safetensors' names; batch norm's counters are integers


def accept(blob: bytes, experiment: Experiment | None = None) -> bytes:
    """The upload as a checkpoint of ours (what `checkpoints.pack` writes), every number in it finite.

    `experiment` says which network a bare state dict belongs to; a checkpoint of ours says so itself.
    Raises InvalidCheckpoint, in one plain sentence, for everything else.
    """
    if len(blob) > MAX_BYTES:
        raise InvalidCheckpoint(f"The file has {len(blob):,} bytes; a checkpoint of ours has at most {MAX_BYTES:,}.")
    if blob[:4] == b"PK\x03\x04":
        return _accept_pth(blob, experiment)
    if blob[:1] == b"\x80":
        raise InvalidCheckpoint(
            "This is a bare pickle, which can run any program: save with torch.save as it is today."
        )
    return _accept_safetensors(blob, experiment)


def _accept_safetensors(blob: bytes, experiment: Experiment | None) -> bytes:
    header = _safetensors_header(blob)
    metadata = header.pop("__metadata__", {})
    scores: Mapping[str, float] = {}
    if isinstance(metadata, dict) and "experiment" in metadata:
        experiment = _experiment(metadata["experiment"])
    if experiment is None:
        raise InvalidCheckpoint("The file does not say which network it is of: choose the network and load it again.")
    checkpoints.check_fit({name: _described(name, entry) for name, entry in header.items()}, experiment)
    if isinstance(metadata, dict) and "scores" in metadata:
        loaded = checkpoints.unpack(blob)
        return checkpoints.pack(loaded.model.state_dict(), loaded.experiment, loaded.scores)
    try:
        weights = load_tensors(blob)
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise InvalidCheckpoint("The file's tensors do not lie where its header says.") from error
    return _packed(weights, experiment, scores)


def _safetensors_header(blob: bytes) -> dict[str, Any]:
    length = int.from_bytes(blob[:8], "little")
    if len(blob) < 8 or length > min(MAX_HEADER_BYTES, len(blob) - 8):
        raise InvalidCheckpoint(
            "This is neither a .safetensors file nor a .pth file, or it is cut off: its header does not fit into it."
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
        raise InvalidCheckpoint(f"The tensor {name[:40]!a} is not float32, as our networks' weights are.")
    return _meta(name, shape, _DTYPES[dtype])


def _meta(name: str, shape: object, dtype: torch.dtype) -> Tensor:
    if not (
        isinstance(shape, list | tuple)
        and len(shape) <= 4
        and all(type(length) is int and 0 < length <= MAX_BYTES for length in shape)
        and math.prod(shape) <= MAX_BYTES
    ):
        raise InvalidCheckpoint(f"The tensor {name[:40]!a} has a shape that no network of ours has.")
    return torch.empty(tuple(shape), dtype=dtype, device="meta")


def _experiment(text: object) -> Experiment:
    try:
        return Experiment.from_dict(json.loads(text if isinstance(text, str) else ""))
    except (InvalidExperiment, ValueError, TypeError, RecursionError) as error:
        raise InvalidCheckpoint("The file names an experiment that is not one of ours.") from error


def _accept_pth(blob: bytes, experiment: Experiment | None) -> bytes:
    if experiment is None:
        raise InvalidCheckpoint(
            "A .pth file does not say which network it is of: choose the network and load it again."
        )
    file = pth_files.read(blob)
    described = {name: _meta(name, t.shape, t.dtype) for name, t in file.tensors.items()}
    names = _our_names(described, experiment)
    checkpoints.check_fit({names.get(name, name): tensor for name, tensor in described.items()}, experiment)
    return _packed({names.get(name, name): tensor for name, tensor in file.load().items()}, experiment, {})


def _our_names(described: Mapping[str, Tensor], experiment: Experiment) -> dict[str, str]:
    """Another program's names for the same layers -> ours, where shapes and order are the network's; else nothing."""
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
