"""Weights put away for whoever looks back or goes on, in a file without a name: memory is for what trains right now.

The file goes when the server goes, however that ends. Knows bytes, and which go when there are too many. Does not know
runs.
"""

import functools
import itertools
import os
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import IO

from mnist_demo.cluster.engine import Parcel

BLOCK = 65_536  # bytes: any block that is free serves anything, so the file is as large as the most it ever held


@dataclass(eq=False, frozen=True)
class Held:
    """Bytes put away; their blocks are free again when nobody holds this any more."""

    read: Callable[[], bytes]
    size: int
    is_in_memory: bool = False


class SnapshotFile:
    """Puts bytes away. May be used from several threads."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._free = deque[int]()  # used without the lock: the collector may come while this thread has it
        self._new = itertools.count()
        self._lock = threading.Lock()
        self._scratch, self._reading = bytearray(), threading.Lock()

    def hold(self, content: bytes) -> Held:
        """Writes to the file; where the disk is full or there is none, memory has to do."""
        blocks = [self._block() for _ in range(0, len(content), BLOCK)]
        try:
            descriptor = self._descriptor()
            for at, block in enumerate(blocks):
                part = memoryview(content)[at * BLOCK : (at + 1) * BLOCK]
                if os.pwrite(descriptor, part, block * BLOCK) < len(part):
                    raise OSError("the disk is full")
        except OSError:
            self._free.extend(blocks)
            return Held(lambda: content, len(content), is_in_memory=True)
        held = Held(functools.partial(self._read, blocks, len(content)), len(content))
        weakref.finalize(held, self._free.extend, blocks).atexit = False
        return held

    def _block(self) -> int:
        try:
            return self._free.pop()  # the one written last: the system need not write it twice
        except IndexError:
            return next(self._new)

    def _descriptor(self) -> int:
        with self._lock:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (open as long as this object is there)
                weakref.finalize(self, self._file.close)
            return self._file.fileno()

    def _read(self, blocks: Sequence[int], size: int) -> bytes:
        descriptor = self._descriptor()
        with self._reading:
            if len(self._scratch) < size:
                self._scratch = bytearray(size)  # kept, because fresh memory takes longer than the reading
            whole = memoryview(self._scratch)[:size]
            parts = (([whole[at * BLOCK : (at + 1) * BLOCK]], block * BLOCK) for at, block in enumerate(blocks))
            if sum(os.preadv(descriptor, *part) for part in parts) < size:
                raise OSError("the file of snapshots was cut short")
            return Parcel(whole)  # most of what is read is sent to a worker


class Snapshots(MutableMapping[int, bytes]):
    """Index of a point in the history -> its checkpoint, read whenever it is asked for."""

    def __init__(self, file: SnapshotFile, held: Mapping[int, Held] | None = None) -> None:
        self.file = file
        self._held = dict(held or {})
        self.size = sum(each.size for each in self._held.values())  # bytes
        self.size_in_memory = sum(each.size for each in self._held.values() if each.is_in_memory)  # for want of a disk

    def __getitem__(self, index: int) -> bytes:
        held = self._held[index]  # until it is read, its blocks are not given to others
        return held.read()

    def __setitem__(self, index: int, content: bytes) -> None:
        held = self.file.hold(content)
        if index in self._held:
            del self[index]
        self._held[index] = held
        self.size += held.size
        self.size_in_memory += held.size * held.is_in_memory

    def __delitem__(self, index: int) -> None:
        held = self._held.pop(index)
        self.size -= held.size
        self.size_in_memory -= held.size * held.is_in_memory

    def __contains__(self, index: object) -> bool:
        return index in self._held

    def __iter__(self) -> Iterator[int]:
        return iter(self._held.copy())

    def __len__(self) -> int:
        return len(self._held)

    def copy(self, end: int | None = None) -> "Snapshots":
        """Those with an index below `end`, by default all. What a copy has stays, whatever happens to the original."""
        held = self._held.copy()
        return Snapshots(self.file, {index: each for index, each in held.items() if end is None or index < end})

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
