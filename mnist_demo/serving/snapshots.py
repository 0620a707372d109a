"""Checkpoints put away for whoever looks back, in a file without a name: memory is for what is trained now.

The file goes when the server goes, however that ends. Knows bytes, and which go when there are too many. Does not know
runs.
"""

import functools
import os
import tempfile
import threading
import weakref
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import IO


@dataclass(eq=False, frozen=True)
class Held:
    """Bytes put away; their place is free again when nobody holds this any more."""

    read: Callable[[], bytes]
    size: int
    is_in_memory: bool = False


class SnapshotFile:
    """Puts bytes away. May be used from several threads."""

    def __init__(self) -> None:
        # Places are powers of two, each used again for its own size only; what of a place is not written takes no disk.
        self._free: defaultdict[int, deque[int]] = defaultdict(deque)  # size of the place -> where those are
        self._end = 0
        self._lock = threading.Lock()

    def hold(self, content: bytes) -> Held:
        """Writes to the file; where the disk is full or there is none, memory has to do."""
        place = 1 << (len(content) - 1).bit_length()
        try:
            start = self._free[place].pop()
        except IndexError:
            with self._lock:
                start, self._end = self._end, self._end + place
        try:
            if os.pwrite(self._file.fileno(), content, start) < len(content):
                raise OSError("the disk is full")
        except OSError:
            self._free[place].append(start)
            return Held(lambda: bytes(content), len(content), is_in_memory=True)
        held = Held(functools.partial(self._read, len(content), start), len(content))
        # An append takes no lock: the collector may come while this thread has one.
        weakref.finalize(held, self._free[place].append, start).atexit = False
        return held

    def _read(self, size: int, start: int) -> bytes:
        return os.pread(self._file.fileno(), size, start)

    @functools.cached_property
    def _file(self) -> IO[bytes]:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (it is open as long as this object is there)
        weakref.finalize(self, file.close)
        return file


class Snapshots(MutableMapping[int, bytes]):
    """Index of a point in the history -> its checkpoint, read whenever it is asked for."""

    def __init__(self, file: SnapshotFile, held: Mapping[int, Held] | None = None) -> None:
        self._file = file
        self._held = dict(held or {})
        self.size = sum(each.size for each in self._held.values())  # bytes
        self.size_in_memory = sum(each.size for each in self._held.values() if each.is_in_memory)  # for want of a disk

    def __getitem__(self, index: int) -> bytes:
        return self._held[index].read()

    def __setitem__(self, index: int, content: bytes) -> None:
        self.pop(index, None)
        held = self._held[index] = self._file.hold(content)
        self.size += held.size
        self.size_in_memory += held.size * held.is_in_memory

    def __delitem__(self, index: int) -> None:
        held = self._held.pop(index)
        self.size -= held.size
        self.size_in_memory -= held.size * held.is_in_memory

    def __iter__(self) -> Iterator[int]:
        return iter(self._held.copy())

    def __len__(self) -> int:
        return len(self._held)

    def copy(self, end: int | None = None) -> "Snapshots":
        """Those with an index below `end`, by default all. What a copy has stays, whatever happens to the original."""
        held = self._held.copy()
        return Snapshots(self._file, {index: each for index, each in held.items() if end is None or index < end})

    def thin(self, most_bytes: int, best: int | None) -> None:
        """Drops some from the middle until the rest fit, always keeping the first, the best and the last."""
        while self.size > most_bytes and len(self) > 3:
            kept = sorted(self)
            gaps = {
                index: after - before
                for before, index, after in zip(kept, kept[1:], kept[2:], strict=False)
                if index != best
            }
            del self[min(gaps, key=lambda index: gaps[index])]
