"""A training saved on disk, to continue later. Writing is tested before the work; the file is complete at all times.

Knows files and what may be wrong with them. Does not know how a state becomes bytes: `checkpoints` does that.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors

from mnist_demo.errors import InvalidCheckpoint, MnistLabError, RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning import checkpoints

FORMAT = "mnist-lab-training-1"


class ClaimedFile:
    """A file that only this process writes for now, once or many times.

    Raises OSError, naming the file, if it cannot be written, and RunError if another process is writing it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._beside = path.with_name(f"{path.name}.part")
        try:
            if path.exists() and not path.is_file():  # else a device, for example, would be replaced
                raise OSError(errno.EINVAL, "It is no regular file")
            self._claim()
        except BlockingIOError as error:
            raise RunError(f"{path} is being written by another training: name another file.") from error
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error

    def _claim(self) -> None:
        self._handle = self._beside.open("ab", buffering=0)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._handle.close()
            raise

    def write(self, content: bytes) -> None:
        """Replaces the content of the file. The old content is kept until the new file is complete."""
        try:
            self._handle.truncate(0)
            left = memoryview(content)
            while left:
                left = left[self._handle.write(left) or 0 :]
            os.fsync(self._handle.fileno())
            self._beside.replace(self.path)
        except OSError as error:  # a full disk, for example
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        self._handle.close()
        self._claim()

    def __enter__(self) -> "ClaimedFile":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._beside.unlink()
        self._handle.close()


@dataclass(frozen=True)
class Training:
    """How far a training is."""

    state: bytes  # to continue from, as `checkpoints.state_to_bytes` packs it
    best: bytes = b""  # the checkpoint with the lowest validation loss so far; empty before the first point

    def to_bytes(self) -> bytes:
        """The bytes of one safetensors file, with a checksum of its content."""
        parts = {"state": self.state, "best": self.best}
        tensors = {name: torch.from_numpy(np.frombuffer(part, np.uint8).copy()) for name, part in parts.items()}
        return save_tensors(tensors, {"format": FORMAT, "sha256": self.sum()})

    def sum(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.state + self.best).hexdigest()


def read_training(path: Path, experiment: Experiment) -> Training | None:
    """The training saved in a file; None if there is no file. Raises InvalidCheckpoint for any other file."""
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            training = Training(*(file.get_tensor(name).numpy().tobytes() for name in ("state", "best")))
        is_whole = metadata.get("format") == FORMAT and metadata.get("sha256") == training.sum()
        found = checkpoints.state_from_bytes(training.state).experiment if is_whole else None
    except (SafetensorError, MnistLabError, LookupError, ValueError, TypeError) as error:
        raise _not_ours(path) from error
    if found is None:
        raise _not_ours(path)
    if found != experiment:
        raise InvalidCheckpoint(f"{path} holds another experiment's run: name another file, or remove it.")
    return training


def _not_ours(path: Path) -> InvalidCheckpoint:
    return InvalidCheckpoint(f"{path} is damaged or holds no training of MNIST Lab: name another file, or remove it.")
