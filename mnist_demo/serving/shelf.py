"""Which networks a visitor can ask: the shipped ones, their own runs, and what they have uploaded.

Knows names and who owns what. Does not know what a network answers: that is `mnist_demo.inference.recognize`.
"""

import itertools
import secrets
import threading
from collections.abc import Mapping

from mnist_demo.errors import UnknownRun
from mnist_demo.learning.checkpoints import LEAST_CONFIDENCE, Checkpoint
from mnist_demo.serving.looks import Point, point_index
from mnist_demo.serving.runs import nearest_index
from mnist_demo.serving.visitors import Upload, Visitor, Visitors

TITLES = {
    "cnn": "CNN",
    "mlp-dropout": "MLP with dropout",
    "mlp-overfitted": "MLP, overfitted on 1,000 images",
}
DEFAULTS = ("shipped:cnn", "shipped:mlp-overfitted")
MAX_ASKED = 3  # at once, side by side
TOO_MANY = f"At most {MAX_ASKED} networks read a drawing at once: the first {MAX_ASKED} answer until you take one out."
MAX_UPLOADS = 3  # a visitor; the oldest goes first
MAX_UPLOADS_IN_ALL = 60  # of 8 MB at most


class ModelShelf:
    """Networks by key: "shipped:<name>", "upload:<id>", or "run:<id>:" and a Point: best, last, looked at."""

    def __init__(self, shipped: Mapping[str, Checkpoint], visitors: Visitors) -> None:
        self._shipped = shipped
        self._visitors = visitors
        self._numbers = itertools.count()
        self._uploads_lock = threading.Lock()

    def choices(self, visitor: Visitor | None = None) -> list[tuple[str, str]]:
        """(label, key) of every network this visitor may ask, the shipped ones first."""
        found = [(TITLES.get(name, name), f"shipped:{name}") for name in self._shipped]
        if visitor is None:
            return found
        found += [(each.name, f"upload:{key}") for key, each in list(visitor.uploads.items())]
        for run in visitor.runs:
            if run.best is None:
                continue
            for point in (Point.LOOKED_AT, Point.BEST, Point.LAST):
                index = point_index(run, point, visitor.cursors.get(run.id))
                if index is not None:
                    epoch = run.history[nearest_index(list(run.snapshots), index) or 0].epoch
                    found.append((f"Your run {run.name}, {point} (epoch {epoch:.3g})", f"run:{run.id}:{point}"))
        return found

    def default(self) -> list[str]:
        """The keys to start with."""
        available = [key for _, key in self.choices()]
        return [key for key in DEFAULTS if key in available] or available[:1]

    def asked_by(self, visitor: Visitor) -> list[str]:
        """The keys of the networks that read this visitor's drawings: as chosen, as far as they are still there."""
        if visitor.asked is None:
            return self.default()
        known = {key for _, key in self.choices(visitor)}
        kept = [key for key in visitor.asked if key in known]
        return kept if kept or not visitor.asked else self.default()

    def find(self, key: str, visitor: Visitor) -> Checkpoint:
        """The network of a key. Raises UnknownRun if this visitor has no network with that key."""
        kind, _, name = key.partition(":")
        if kind == "shipped" and name in self._shipped:
            return self._shipped[name]
        if kind == "upload" and name in visitor.uploads:
            return visitor.uploads[name].checkpoint
        run_id, _, which = name.partition(":")
        if kind != "run" or which not in set(Point):
            raise UnknownRun("There is no such network; choose one from the list.")
        run = visitor.run(run_id)
        index = point_index(run, Point(which), visitor.cursors.get(run.id))
        return visitor.store.checkpoint(run, len(run.history) - 1 if index is None else index)

    def describe(self, key: str, visitor: Visitor) -> tuple[str, str]:
        """(name, one line about it) of a key that `find` knows."""
        name = next((label for label, each in self.choices(visitor) if each == key), key)
        scores = self.find(key, visitor).scores
        words = []
        if "test_accuracy" in scores:
            words.append(f"{scores['test_accuracy']:.2%} of the test images")
        elif "val_accuracy" in scores:
            words.append(f"{scores['val_accuracy']:.1%} of the validation images")
        if words and key.startswith("upload:"):
            words.append("according to its file")
        if LEAST_CONFIDENCE not in scores:
            words.append('never says "not a digit"')
        return name, ", ".join(words)

    def add_upload(self, name: str, checkpoint: Checkpoint, visitor: Visitor) -> str:
        """Adds an uploaded network for this visitor; returns its key. Over either limit, the oldest uploads go."""
        key = secrets.token_urlsafe(12)
        with self._uploads_lock:
            while len(visitor.uploads) >= MAX_UPLOADS:
                del visitor.uploads[next(iter(visitor.uploads))]
            held = [(each.number, owner, old) for owner in self._visitors.all() for old, each in owner.uploads.items()]
            too_many = max(0, len(held) + 1 - MAX_UPLOADS_IN_ALL)
            for _, owner, old in sorted(held, key=lambda entry: entry[0])[:too_many]:
                del owner.uploads[old]
            visitor.uploads[key] = Upload(name, checkpoint, next(self._numbers))
        return f"upload:{key}"
