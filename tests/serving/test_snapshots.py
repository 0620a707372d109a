"""Checkpoints put away and read again: what is held stays as it was, what nobody holds gives its place back."""

import gc
import os
import random
import threading

from mnist_demo.serving.snapshots import SnapshotFile, Snapshots


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


def test_a_place_is_used_again_when_nobody_holds_it() -> None:
    file = SnapshotFile()
    kept = Snapshots(file)
    for number in range(1_000):
        kept[number % 10] = bytes([number % 256]) * 5_000
    gc.collect()
    assert os.fstat(file._file.fileno()).st_size <= 12 * 8192, "ten places, and one for what comes before another goes"
    copy = kept.copy()
    kept.clear()
    kept[0] = b"new" * 1_000
    assert copy[9] == bytes([999 % 256]) * 5_000


def test_threads_read_what_was_written_while_others_come_and_go() -> None:
    file, wrong, is_over = SnapshotFile(), [], threading.Event()
    kept = Snapshots(file, {})

    def look() -> None:
        while not is_over.is_set():
            for index, content in kept.copy().items():
                if content != bytes([content[0]]) * 3_000 or content[0] % 7 != index:
                    wrong.append(index)

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(3_000):
        kept[number % 7] = bytes([number % 7 + 7 * (number % 30)]) * 3_000
    is_over.set()
    for reader in readers:
        reader.join()
    assert wrong == []
