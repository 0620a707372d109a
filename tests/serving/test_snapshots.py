"""Checkpoints put away and read again: what is held stays as it was, what nobody holds gives its place back."""

import gc
import os
import random
import threading

import pytest

from mnist_demo.serving.snapshots import BLOCK, SnapshotFile, Snapshots


def some_bytes(rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice([1, 100, 4096, 4097, 5000, 70_000]))


def test_whatever_comes_and_goes_it_holds_what_a_dict_would() -> None:
    rng, file = random.Random(0), SnapshotFile()
    kept, expected = Snapshots(file), dict[int, bytes]()
    copies: list[tuple[Snapshots, dict[int, bytes]]] = []
    for _ in range(2_000):
        index = rng.randrange(20)
        match rng.randrange(4):
            case 0 if index in expected:
                del kept[index], expected[index]
            case 1:
                end = rng.choice([None, index])
                copies.append((kept.copy(end), {i: each for i, each in expected.items() if end is None or i < end}))
                copies = copies[-5:]
            case _:
                kept[index] = expected[index] = some_bytes(rng)
        assert kept.size == sum(map(len, expected.values()))
        assert kept.keys() == expected.keys()
    assert kept == expected
    assert all(copy == held for copy, held in copies)
    assert kept.size_in_memory == 0


def test_the_file_is_as_large_as_the_most_it_ever_held() -> None:
    file = SnapshotFile()
    kept = Snapshots(file)
    for size in (5_000, 600_000, 70_000, 200_000):
        for number in range(100):
            kept[number % 10] = bytes([number]) * size
        kept.clear()
        gc.collect()
    assert os.fstat(file._descriptor()).st_size <= 11 * 10 * BLOCK, "ten of the largest, and one more to come"
    kept[0] = b"old" * 1_000
    copy = kept.copy()
    del kept[0]
    kept[1] = b"new" * 1_000
    assert copy[0] == b"old" * 1_000


def test_what_is_being_read_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Snapshots(SnapshotFile())
    kept[0] = b"a" * 1_000

    def slow(descriptor: int, parts: list[memoryview], start: int) -> int:
        monkeypatch.undo()
        del kept[0]
        kept[1] = b"b" * 1_000
        return os.preadv(descriptor, parts, start)

    monkeypatch.setattr("mnist_demo.serving.snapshots.os.preadv", slow)
    assert kept[0] == b"a" * 1_000
    assert kept[1] == b"b" * 1_000


def test_threads_write_and_read_side_by_side() -> None:
    file, wrong = SnapshotFile(), list[int]()
    start = threading.Barrier(3)

    def write_and_read(number: int) -> None:
        kept = Snapshots(file)
        start.wait()
        for step in range(1_500):
            kept[step % 7] = bytes([number, step % 251]) * 3_000
            if any(content[0] != number or content != content[:2] * 3_000 for content in kept.copy().values()):
                wrong.append(step)

    threads = [threading.Thread(target=write_and_read, args=[number]) for number in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []
