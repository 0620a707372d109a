"""What a visitor has on the server, in one record with one life.

Keyed by a page's session, wherever a page gets that from. A page that is loaded again has another session, but may
bring the key of the record that it had. Knows which runs, networks and images are meant; the runs themselves are kept
by `runs`. Does not know the page.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.images.own_digits import OwnDigits
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.learning.step_by_step import Press
from mnist_demo.serving.looks import nearest_point
from mnist_demo.serving.runs import Run, RunStore

KEPT_SECONDS = 15 * 60.0  # after the page went: a reload, a closed lid or a blink of the network loses nothing
MAX_VISITORS = 1_000  # records; those that hold nothing go first
NO_PAIR = "There are no curves yet: train a pair first."

Cell = tuple[int, int, int]  # of a confusion matrix: run (0 for A, 1 for B), row, column


class Guess(NamedTuple):
    """What a visitor said before a lesson's training began."""

    place: int | None  # among the lesson's guesses; None: nothing was chosen
    is_certain: bool = False


@dataclass(frozen=True)
class Upload:
    """A network that a visitor has brought."""

    name: str
    checkpoint: Checkpoint
    number: int  # counts all uploads: the lowest is the oldest


@dataclass
class Visitor:
    """One visitor's record. Handlers read it and write to it."""

    id: str  # the session of its first page
    store: RunStore
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))  # known to its page alone
    page: str = ""  # the session of its present page
    pair_ids: tuple[str, ...] = ()  # of runs A and B on the page
    overlay_ids: tuple[str, ...] = ()  # of earlier runs laid over their curves
    epoch: float | None = None  # that is looked at; None follows the last
    cursors: dict[str, int] = field(default_factory=dict)  # run -> index of the point last looked at
    cell: Cell | None = None  # whose images are shown
    choices: dict[str, tuple[int, ...]] = field(default_factory=dict)  # list on the page -> places of its images
    glanced_at: float = 0.0  # when the strip of a training was last asked for, in seconds of time.monotonic
    strip: Future[dict[Any, Any]] | None = None  # what was asked for, until it is shown
    slug: str = ""  # of the lesson on the page
    is_locked: bool = False  # the link that opened the page keeps the knobs as they are
    deleted: Run | None = None  # the run deleted last, which can come back
    drawing: bytes = b""  # the PNG that lies on the canvas
    asked: tuple[str, ...] | None = None  # keys of the networks that read the drawing; None: the shelf's defaults
    own_digits: OwnDigits | None = None  # to learn from, sent with the click that asked for it
    uploads: dict[str, Upload] = field(default_factory=dict)
    tests_asked: int = 0  # how often the test images were asked
    guesses: dict[str, Guess] = field(default_factory=dict)  # lesson -> the first guess, which counts
    bench: Experiment = field(default_factory=Experiment)  # that is taken apart step by step
    presses: tuple[Press, ...] = ()
    clicks: int = 0  # on Train, each of which started a pair; the page sends how many it knows of
    is_training: bool = False  # a click on Train or Resume is being served
    left_at: float | None = None  # when its page went, in seconds on the clock of `Visitors`; None while it is there
    has_news: bool = False  # a training has ended, and the page has not shown it yet
    was_cut: bool = False  # it ended because its page or its connection went

    @property
    def runs(self) -> list[Run]:
        """All runs of this visitor, oldest first."""
        return self.store.of_owner(self.id)

    @property
    def pair(self) -> list[Run]:
        """Runs A and B on the page; empty before the first training, or if one of them is gone."""
        found = self._found(self.pair_ids)
        return found if len(found) == 2 else []

    @property
    def measured_pair(self) -> list[Run]:
        """Runs A and B, if both have at least one point."""
        return self.pair if all(run.history for run in self.pair) else []

    @property
    def overlay(self) -> list[Run]:
        """The earlier runs laid over the curves, in the order chosen."""
        return [run for run in self._found(self.overlay_ids) if run.id not in self.pair_ids and run.history]

    @property
    def on_page(self) -> list[Run]:
        """Every run whose curve is drawn, A and B first. Raises RunError where there are none."""
        if not self.pair:
            raise RunError(NO_PAIR)
        return [*self.pair, *self.overlay]

    @property
    def holds_nothing(self) -> bool:
        """Whether nothing would be missed with this record."""
        return not self.uploads and not self.runs

    def run(self, run_id: str) -> Run:
        """This visitor's run of that id. Raises UnknownRun."""
        return self.store.get(run_id, self.id)

    def start(self, pair: Pair) -> list[Run]:
        """Runs A and B before their first step, now on the page. Raises RunError if one of them is too large."""
        created = self.store.create_pair(pair, self.id, self.own_digits)
        self.pair_ids = tuple(run.id for run in created)
        self.look_at(None)
        return created

    def stop(self) -> None:
        """Ends the training of the pair on the page at its last finished chunk."""
        for run in self.pair:
            self.store.stop(run)

    def look_at(self, epoch: float | None) -> None:
        """The epoch that curves, weights and answers are shown at; None follows the last."""
        self.epoch = epoch
        if epoch is None:
            self.cell = None
            self.cursors = {run_id: index for run_id, index in self.cursors.items() if run_id not in self.pair_ids}
            return
        for run in self.measured_pair:
            self.cursors[run.id] = nearest_point(run, epoch)

    def _found(self, ids: Iterable[str]) -> list[Run]:
        mine = {run.id: run for run in self.runs}
        found = [mine[run_id] for run_id in ids if run_id in mine]
        self.store.touch(found)
        return found


class Visitors:
    """The records of all visitors. May be asked from several threads."""

    def __init__(self, store: RunStore, clock: Callable[[], float] = time.monotonic) -> None:
        self.store = store
        self._clock = clock
        self._records: OrderedDict[str, Visitor] = OrderedDict()
        self._moved: dict[str, str] = {}  # session of a page that came back -> id of its record
        self._lock = threading.Lock()

    def of(self, session: str) -> Visitor:
        """The record of a page's session, made if there is none; a caller without one gets an empty one, not kept."""
        if not session:
            return Visitor("", self.store)
        self._forget_those_long_gone()
        with self._lock:
            visitor_id = self._moved.get(session, session)
            if visitor_id not in self._records:
                self._records[visitor_id] = Visitor(visitor_id, self.store, page=session)
                self._make_room(visitor_id)
            self._records.move_to_end(visitor_id)
            found = self._records[visitor_id]
            found.left_at = None
            return found

    def leave(self, session: str) -> None:
        """Notes that a page is gone; it may come back, for so long its runs and uploads rest."""
        with self._lock:
            found = self._records.get(self._moved.get(session, session))
            if found and found.page == session:
                found.left_at = self._clock()
        self._forget_those_long_gone()

    def has(self, key: str) -> bool:
        """Whether there is a record of that key."""
        return any(each.key == key for each in self.all())

    def return_to(self, session: str, key: str) -> Visitor | None:
        """The record of that key, from now on of that page. None if there is none, or if its own page is still open."""
        self._forget_those_long_gone()
        with self._lock:
            found = next((each for each in self._records.values() if each.key == key), None)
            newcomer = self._records.get(session)
            if found is None or found.left_at is None or (newcomer and not newcomer.holds_nothing):
                return None
            self._records.pop(session, None)
            self._moved.pop(found.page, None)
            self._moved[session] = found.id
            found.page, found.left_at = session, None
            return found

    def forget(self, visitor: Visitor) -> None:
        """Forgets a visitor, with runs and uploads."""
        self.store.drop_owner(visitor.id)
        with self._lock:
            self._drop(visitor)

    def _forget_those_long_gone(self) -> None:
        limit = self._clock() - KEPT_SECONDS
        for each in self.all():
            if each.left_at is not None and each.left_at < limit:
                self.forget(each)

    def all(self) -> list[Visitor]:
        """Every record, the one used least recently first."""
        with self._lock:
            return list(self._records.values())

    def _make_room(self, newest: str) -> None:
        """Forgets the record used least recently, one that holds nothing if there is any."""
        if len(self._records) <= MAX_VISITORS:
            return
        others = [each for each in self._records.values() if each.id != newest]
        self._drop(next((each for each in others if each.holds_nothing), others[0]))

    def _drop(self, visitor: Visitor) -> None:
        self._records.pop(visitor.id, None)
        self._moved.pop(visitor.page, None)
