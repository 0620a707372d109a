"""Which networks a visitor can ask: the shipped ones, their own runs, and what they have uploaded.

Knows names and who owns what; what a network says of a drawing is `mnist_demo.inference.recognize`.
"""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mnist_demo.errors import InvalidDrawing, UnknownRun
from mnist_demo.learning.checkpoints import LEAST_CONFIDENCE, Checkpoint
from mnist_demo.serving.looks import Point, point_index
from mnist_demo.serving.runs import RunStore, nearest_index

TITLES = {
    "cnn": "CNN",
    "mlp-dropout": "MLP with dropout",
    "mlp-overfitted": "MLP, overfitted on 1,000 images",
}
DEFAULTS = ("shipped:cnn", "shipped:mlp-overfitted")
MAX_ASKED = 3  # at once, side by side
MAX_UPLOADS = 3  # a visitor; the oldest goes first
MAX_UPLOADS_IN_ALL = 60  # of 8 MB at most


@dataclass(frozen=True)
class _Upload:
    owner: str
    name: str
    checkpoint: Checkpoint


class ModelShelf:
    """Networks by key: "shipped:<name>", "upload:<id>", or "run:<id>:" and a Point: best, last, looked at."""

    def __init__(self, shipped: Mapping[str, Checkpoint], store: RunStore) -> None:
        self._shipped = shipped
        self._store = store
        self._uploads: dict[str, _Upload] = {}
        self._uploads_lock = threading.Lock()

    def choices(self, owner: str) -> list[tuple[str, str]]:
        """(label, key) of every network this visitor may ask, the shipped ones first."""
        found = [(TITLES.get(name, name), f"shipped:{name}") for name in self._shipped]
        found += [(each.name, f"upload:{key}") for key, each in self._uploads_of(owner)]
        for run in self._store.of_owner(owner):
            if run.best is None:
                continue
            for point in (Point.LOOKED_AT, Point.BEST, Point.LAST):
                index = point_index(run, point)
                if index is not None:
                    epoch = run.history[nearest_index(list(run.snapshots), index) or 0].epoch
                    found.append((f"Your run {run.name}, {point} (epoch {epoch:.3g})", f"run:{run.id}:{point}"))
        return found

    def default(self) -> list[str]:
        """The keys to start with."""
        available = [key for _, key in self.choices("")]
        return [key for key in DEFAULTS if key in available] or available[:1]

    def find(self, key: str, owner: str) -> Checkpoint:
        """The network of a key. Raises UnknownRun for a key that names none of this visitor's."""
        kind, _, name = key.partition(":")
        if kind == "shipped" and name in self._shipped:
            return self._shipped[name]
        uploads = dict(self._uploads_of(owner)) if kind == "upload" else {}
        if name in uploads:
            return uploads[name].checkpoint
        run_id, _, which = name.partition(":")
        if kind != "run" or which not in set(Point):
            raise UnknownRun("There is no such network; choose one from the list.")
        run = self._store.get(run_id, owner)
        index = point_index(run, Point(which))
        return self._store.checkpoint(run, len(run.history) - 1 if index is None else index)

    def describe(self, key: str, owner: str) -> tuple[str, str]:
        """(name, one line about it) of a key that `find` knows."""
        name = next((label for label, each in self.choices(owner) if each == key), key)
        scores = self.find(key, owner).scores
        words = []
        if "test_accuracy" in scores:
            words.append(f"{scores['test_accuracy']:.2%} of the test images")
        elif "val_accuracy" in scores:
            words.append(f"{scores['val_accuracy']:.1%} of the validation images")
        if words and key.startswith("upload:"):
            words.append("by its own account")
        if LEAST_CONFIDENCE not in scores:
            words.append('never says "not a digit"')
        return name, ", ".join(words)

    def add_upload(self, name: str, checkpoint: Checkpoint, owner: str) -> str:
        """Puts an uploaded network on this visitor's shelf; its key."""
        key = secrets.token_urlsafe(12)
        with self._uploads_lock:
            mine = [key for key, _ in self._uploads_of(owner)]
            for old in mine[: max(0, len(mine) + 1 - MAX_UPLOADS)]:
                del self._uploads[old]
            while len(self._uploads) >= MAX_UPLOADS_IN_ALL:
                del self._uploads[next(iter(self._uploads))]
            self._uploads[key] = _Upload(owner, name, checkpoint)
        return f"upload:{key}"

    def drop_owner(self, owner: str) -> None:
        """Forgets what a visitor who has left has uploaded."""
        with self._uploads_lock:
            for key, _ in self._uploads_of(owner):
                del self._uploads[key]

    def _uploads_of(self, owner: str) -> list[tuple[str, _Upload]]:
        """This visitor's uploads, oldest first; a caller without an id has none."""
        return [(key, each) for key, each in list(self._uploads.items()) if owner and each.owner == owner]


def checked_keys(keys: Any) -> list[str]:
    """One to three keys of networks to ask. Raises InvalidDrawing for anything else."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise InvalidDrawing("The networks to ask are a list of names.")
    if not 1 <= len(keys) <= MAX_ASKED:
        raise InvalidDrawing(f"Choose one to {MAX_ASKED} networks to read the drawing, not {len(keys)}.")
    return keys
