"""The zip that torch.save writes: read as it was saved; what hides in it neither runs nor takes memory, but is told."""

import io
import json
import os
import pickle
import struct
import warnings
import zipfile
from collections import OrderedDict
from typing import Any

import pytest
import torch

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.learning import checkpoints, networks
from mnist_demo.serving import pth_files, uploads
from tests.serving.visitors_files import TINY, refused, saved, weights_of


class Runs:
    """Asks its unpickler to run a command."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def pth_with_table(table: bytes, **members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", table)
        archive.writestr("archive/version", b"3\n")
        for name, content in members.items():
            archive.writestr(f"archive/data/{name.strip('_')}", content)
    return buffer.getvalue()


def test_no_program_in_a_pickle_runs(tmp_path: Any) -> None:
    trace = tmp_path / "was-here"
    evil = Runs(os.system, f"touch {trace}")
    assert "system" in refused(pth_with_table(pickle.dumps(evil, 2)))
    assert "bare pickle" in refused(pickle.dumps(evil))
    refused(pth_with_table(pickle.dumps({"1.weight": evil}, 4)))
    assert not trace.exists()


def test_a_whole_model_is_refused_by_name() -> None:
    assert "mnist_demo.learning.networks" in refused(saved(networks.build(TINY)))


def test_nothing_reserves_memory_by_a_number_in_a_pickle() -> None:
    assert "bytearray" in refused(pth_with_table(pickle.dumps(Runs(bytearray, 2 * 10**9), 2)))
    refused(pth_with_table(b"\x80\x05\x96" + struct.pack("<Q", 2 * 10**9) + b"."))  # BYTEARRAY8
    refused(pth_with_table(b"\x80\x02}r\xff\xff\xff\x7f."))  # a memo of two thousand million places
    refused(pth_with_table(b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"."))  # a frame


TUPLES = b"K\x01" + b"q\x00h\x00\x86" * 60  # a pair of a pair of a pair ...: its hash takes 2**60 steps


@pytest.mark.parametrize(
    "table",
    [
        b"\x80\x02}" + TUPLES + b"Ns.",
        b"\x80\x02}(" + TUPLES + b"Nu.",
        b"\x80\x02}(X\x01\x00\x00\x00aN" + TUPLES + b"Nu.",
        b"\x80\x02ccollections\nOrderedDict\n" + TUPLES + b"N\x86\x85\x85R.",
        pickle.dumps({1: 2}, 2),
        pickle.dumps({None: 2, "a": 1}, 2),
    ],
    ids=["one key", "many keys", "a later key", "ordered", "number", "none"],
)
def test_keys_are_text(table: bytes) -> None:
    assert "table" in refused(pth_with_table(table))


def test_a_view_larger_than_its_numbers_is_refused() -> None:
    expanded = weights_of() | {"1.weight": torch.zeros(1).expand(100_000, 100_000)}
    refused(saved(expanded))
    refused(saved(weights_of() | {"1.weight": torch.zeros(1).expand(8, 784)}))


def test_every_byte_of_a_pth_is_accounted_for() -> None:
    original = zipfile.ZipFile(io.BytesIO(saved(weights_of())))
    members = {entry.filename: original.read(entry) for entry in original.infolist()}
    folder = next(iter(members)).partition("/")[0]

    def stored(changed: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in (members | changed).items():
                archive.writestr(name, content)
        return buffer.getvalue()

    uploads.accept(stored({}), TINY)
    assert "data/77" in refused(stored({f"{folder}/data/77": bytes(1000)}))
    assert "evil.py" in refused(stored({f"{folder}/evil.py": b"print()"}))
    for content in (members[f"{folder}/data/0"] + bytes(4), members[f"{folder}/data/0"][:-4]):
        assert "are not where" in refused(stored({f"{folder}/data/0": content}))


def test_compressed_members_are_refused_before_they_are_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("archive/data.pkl", bytes(400_000_000))
    assert "compressed" in refused(buffer.getvalue())


def test_a_key_named_twice_or_an_unpickled_state_cannot_change_ours() -> None:
    table = OrderedDict(weights_of())
    table.__dict__["_metadata"] = {"": {"version": 1}}
    assert checkpoints.unpack(uploads.accept(saved(table), TINY)).experiment == TINY
    twice = io.BytesIO(saved(weights_of()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(twice, "a") as archive:
            archive.writestr("archive/data.pkl", b"\x80\x02}.")
    refused(twice.getvalue())


def test_too_many_keys_are_refused() -> None:
    refused(pth_with_table(pickle.dumps({str(number): None for number in range(100_000)}, 2)))
    refused(pth_with_table(pickle.dumps({str(number): None for number in range(2_000)}, 2)))


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64], ids=lambda dtype: str(dtype)
)
def test_tensors_come_back_as_they_were_saved_views_too(dtype: torch.dtype) -> None:
    whole = torch.arange(60).reshape(6, 10).to(dtype)
    given = {"whole": whole, "turned": whole.t(), "part": whole[2:, 3:5], "one": whole[5, 9], "none": whole[:0]}
    read = pth_files.read(saved(given))
    assert {name: each.dtype for name, each in read.tensors.items()} == dict.fromkeys(given, dtype)
    found = read.load()
    assert all(torch.equal(found[name], value) for name, value in given.items())
    assert list(found) == list(given)


def test_weights_are_found_in_a_training_checkpoint_and_in_a_list() -> None:
    model = networks.build(TINY)
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    whole = {"epoch": 3, "optimizer": optimizer.state_dict(), "state_dict": model.state_dict(), "loss": 0.5}
    assert list(pth_files.read(saved(whole)).tensors) == list(model.state_dict())
    assert list(pth_files.read(saved(list(model.parameters()))).tensors) == ["0", "1", "2", "3", "4", "5"]


def test_what_a_file_of_ours_says_of_itself_is_read_and_a_strangers_says_nothing() -> None:
    said = pth_files.read(checkpoints.to_pth(weights_of(), TINY, {"val_accuracy": 0.5})).said
    assert (json.loads(said["experiment"]), said["scores"]) == (TINY.to_dict(), '{"val_accuracy": 0.5}')
    assert pth_files.read(saved(weights_of())).said == {}
    boasting = OrderedDict(weights_of())
    boasting.__dict__["_metadata"] = {checkpoints.FORMAT: {"experiment": 7, "scores": ["{}"], "more": "text"}}
    assert pth_files.read(saved(boasting)).said == {"more": "text"}, "what is no text is not taken over"


@pytest.mark.parametrize("tensors", [pth_files.MAX_TENSORS, pth_files.MAX_TENSORS + 1])
def test_a_hundred_tensors_are_read_and_one_more_is_not(tensors: int) -> None:
    blob = saved({str(number): torch.zeros(1) for number in range(tensors)})
    if tensors <= 100:
        assert len(pth_files.read(blob).load()) == tensors
    else:
        with pytest.raises(InvalidCheckpoint, match=r"no state dict of at most 100 tensors: save model\.state_dict"):
            pth_files.read(blob)
