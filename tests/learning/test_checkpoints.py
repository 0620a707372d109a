"""Checkpoints come back as they went, and a file made to do harm is refused at once in one sentence."""

import io
import json
import pickle
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.learning import checkpoints, networks
from mnist_demo.learning.checkpoints import MAX_HEADER_BYTES, Checkpoint, pack, unpack

EXPERIMENT = Experiment(hidden_sizes=(8,))
SCORES = {"test_accuracy": 0.5, "val_loss": 1.25, "epoch": 3.0}
Header = dict[str, Any]


def weights_of(experiment: Experiment) -> dict[str, Tensor]:
    return dict(networks.build(experiment).state_dict())


BLOB = pack(weights_of(EXPERIMENT), EXPERIMENT, SCORES)
LENGTH = int.from_bytes(BLOB[:8], "little")
HEADER: Header = json.loads(BLOB[8 : 8 + LENGTH])
DATA = BLOB[8 + LENGTH :]
TENSORS = {name: entry for name, entry in HEADER.items() if name != "__metadata__"}


def file_of(header: Header | bytes, data: bytes = DATA, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def with_metadata(**metadata: Any) -> bytes:
    return file_of({**HEADER, "__metadata__": {**HEADER["__metadata__"], **metadata}})


def with_entry(name: str, **entry: Any) -> bytes:
    return file_of({**HEADER, name: {**HEADER.get(name, {}), **entry}})


def refusal_of(blob: bytes) -> str:
    before = time.process_time()
    with pytest.raises(InvalidCheckpoint) as refusal:
        unpack(blob)
    assert time.process_time() - before < 1
    sentence = str(refusal.value)
    assert sentence.isprintable()
    assert sentence.endswith(".")
    assert len(sentence) < 700
    return sentence


# --- round trips ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"hidden_sizes": []},
        {"network": "cnn", "dropout": 0.5},
        {"network": "deep_cnn", "hidden_sizes": [4, 6]},
        {"normalize": "raw", "learning_rate": 0.1 + 0.2, "seed": 2**31 - 1, "mistake": "no_eval"},
    ],
    ids=str,
)
def test_a_checkpoint_comes_back_bit_for_bit(knobs: dict[str, object], tiny_data: TrainingData) -> None:
    experiment = Experiment.from_dict(knobs)
    weights = weights_of(experiment.replace(seed=7))
    found = unpack(pack(weights, experiment, SCORES))
    assert found.experiment == experiment
    assert found.scores == SCORES
    assert not found.model.training
    assert networks.weights_hash(found.model.state_dict()) == networks.weights_hash(weights)
    model = networks.build(experiment)
    model.load_state_dict(weights)
    images = normalize(tiny_data.val.images[:5], experiment.normalize)
    assert torch.equal(found.model(images), model.eval()(images))


def test_packing_takes_no_hold_of_the_weights() -> None:
    weights = weights_of(EXPERIMENT)
    found = unpack(pack(weights, EXPERIMENT, {}))
    weights["1.weight"].zero_()
    assert found.model.state_dict()["1.weight"].abs().sum() > 0
    found.model.state_dict()["1.weight"].zero_()  # and is writable


def test_the_file_is_plain_safetensors() -> None:
    assert set(TENSORS) == set(weights_of(EXPERIMENT))
    assert {entry["dtype"] for entry in TENSORS.values()} == {"F32"}
    assert json.loads(HEADER["__metadata__"]["experiment"])["hidden_sizes"] == [8]


def test_a_pth_is_the_plain_state_dict(tmp_path: Path) -> None:
    weights = weights_of(Experiment.from_dict({"network": "cnn"}))
    (tmp_path / "checkpoint.pth").write_bytes(checkpoints.to_pth(weights))
    found = torch.load(tmp_path / "checkpoint.pth", weights_only=True)
    assert list(found) == list(weights)
    assert networks.weights_hash(found) == networks.weights_hash(weights)


def test_load_and_shipped(tmp_path: Path) -> None:
    (tmp_path / "b.safetensors").write_bytes(BLOB)
    (tmp_path / "a.safetensors").write_bytes(BLOB)
    (tmp_path / "README.md").write_text("a card")
    found = checkpoints.shipped(tmp_path)
    assert list(found) == ["a", "b"]
    assert found["a"].experiment == EXPERIMENT
    assert checkpoints.load(tmp_path / "b.safetensors").scores == SCORES


def test_a_missing_or_huge_file_is_refused_unread(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone"):
        with pytest.raises(InvalidCheckpoint, match="There is no checkpoint"):
            checkpoints.load(path)
    huge = tmp_path / "huge.safetensors"
    with huge.open("wb") as file:
        file.truncate(2**40)  # holds no bytes on the disk, and must not be read
    with pytest.raises(InvalidCheckpoint, match="8 MB"):
        checkpoints.load(huge)


# --- damage ----------------------------------------------------------------------------------------


def test_truncated_anywhere() -> None:
    for length in [*range(0, 8 + LENGTH, 5), *range(8 + LENGTH, len(BLOB), 997), len(BLOB) - 1]:
        refusal_of(BLOB[:length])
    refusal_of(BLOB + b"\0")


def test_any_eight_bytes_flipped() -> None:
    rng = np.random.default_rng(0)
    for attempt in range(600):
        damaged = bytearray(BLOB)
        end = 8 + LENGTH if attempt % 3 else len(BLOB)  # mostly the header
        for position in rng.integers(0, end, 8):
            damaged[position] ^= int(rng.integers(1, 256))
        try:
            found = unpack(bytes(damaged))
        except InvalidCheckpoint as refusal:
            assert str(refusal).isprintable()  # noqa: PT017
        else:  # other numbers than were packed, but a network all the same
            assert found.model(torch.zeros(1, 1, 28, 28)).shape == (1, 10)


def test_one_letter_of_the_header_changed() -> None:
    for position in range(8, 8 + LENGTH):
        damaged = bytearray(BLOB)
        damaged[position] ^= 1
        try:
            assert isinstance(unpack(bytes(damaged)), Checkpoint)
        except InvalidCheckpoint as refusal:
            assert str(refusal).isprintable()  # noqa: PT017


# --- what is no safetensors file -------------------------------------------------------------------


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was run",))


def _pth(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


NESTED = {depth: b'{"__metadata__":' + b"[" * depth + b"]" * depth + b"}" for depth in (1_000, 30_000)}


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\0" * 8,
        b"\0" * 100,
        b"\xff" * 100,
        b"PNG" * 100,
        pickle.dumps(Bomb()),
        pickle.dumps(bytearray(10)),
        _pth(Bomb()),
        _pth(weights_of(EXPERIMENT)),
        _pth(torch.zeros(1).expand(10**5, 10**5)),
        file_of(HEADER, length=2**60),
        file_of(HEADER, length=2**64 - 1),
        file_of(HEADER, length=0),
        file_of(HEADER, length=LENGTH - 1),
        file_of(b""),
        file_of(b"{}"),
        file_of(b"[]"),
        file_of(b"null"),
        file_of(b"5"),
        file_of(b'"__metadata__"'),
        file_of(b'{"__metadata__": null}'),
        file_of(b'{"__metadata__": []}'),
        file_of(b'{"__metadata__": {}}'),
        file_of(b'{"__metadata__": {"experiment": 5, "scores": 5}}'),
        file_of(b"\xff\xfe" + json.dumps(HEADER).encode("utf-16-le")),
        file_of(json.dumps(HEADER).encode("utf-32")),
        file_of(b"\xed\xa0\x80"),
        file_of(b"9" * 5_000),
        file_of(b'{"__metadata__": ' + b"9" * 5_000 + b"}"),
        file_of(NESTED[1_000]),
        file_of(NESTED[30_000]),
        file_of(json.dumps(HEADER).encode() + b" " * MAX_HEADER_BYTES),
    ],
    ids=lambda blob: repr(blob[:24]),
)
def test_what_is_no_checkpoint(blob: bytes) -> None:
    refusal_of(blob)


def test_a_header_of_500_000_keys_is_refused_at_once() -> None:
    entries = b"".join(b', "%d": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}' % i for i in range(500_000))
    refusal_of(file_of(json.dumps(HEADER).encode()[:-1] + entries + b"}"))


def test_as_many_keys_as_fit_the_header_are_counted_not_listed() -> None:
    room = MAX_HEADER_BYTES - LENGTH - 100
    extra = {f"k{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(room // 70)}
    assert "more" in refusal_of(file_of({**HEADER, **extra}))


# --- metadata ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["experiment", "scores"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "5",
        "[]",
        '"x"',
        "{",
        "[" * 20_000,
        "[" * 1_000 + "]" * 1_000,
        "9" * 5_000,
        '{"epoch": 1' + "0" * 400 + "}",
        '{"epoch": NaN}',
        '{"epoch": -Infinity}',
        '{"epoch": 1e999}',
        '{"epoch": null}',
        '{"epoch": []}',
        '{"epoch": "five"}',
        '{"epochs": NaN}',
        '{"epochs": true}',
        '{"dropout": 1e308}',
        '{"hidden_sizes": [1000000]}',
        '{"hidden_sizes": [1, 1, 1, 1, 1]}',
        '{"network": "transformer"}',
        '{"__class__": 1}',
    ],
    ids=lambda text: text[:20],
)
def test_metadata_that_is_not_ours(name: str, text: str) -> None:
    if name == "scores" and text.startswith(('{"dropout', '{"epochs": true', '{"__class')):
        assert unpack(with_metadata(scores=text)).scores  # any finite number may be a score
    else:
        refusal_of(with_metadata(**{name: text}))


@pytest.mark.parametrize("value", [5, None, [], {"hidden_sizes": [8]}, True])
def test_metadata_that_is_no_text(value: object) -> None:
    refusal_of(with_metadata(experiment=value))
    refusal_of(with_metadata(scores=value))


@pytest.mark.parametrize("network", ["mlp", "cnn", "deep_cnn"])
def test_a_small_file_cannot_ask_for_a_huge_network(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    largest = []
    uniform_ = torch.Tensor.uniform_

    def noting(tensor: Tensor, *arguments: Any, **keywords: Any) -> Tensor:
        largest.append(0 if tensor.is_meta else tensor.numel())
        return uniform_(tensor, *arguments, **keywords)

    monkeypatch.setattr(torch.Tensor, "uniform_", noting)
    experiment = json.dumps({"network": network, "hidden_sizes": [1024] * 4})
    assert "do not fit" in refusal_of(with_metadata(experiment=experiment))
    assert max(largest, default=0) == 0


# --- tensors -------------------------------------------------------------------------------------------

NAME = "1.weight"
START, END = TENSORS[NAME]["data_offsets"]


@pytest.mark.parametrize(
    "blob",
    [
        with_entry(NAME, shape=[784, 8]),
        with_entry(NAME, shape=[8 * 784]),
        with_entry(NAME, shape=[8, 785]),
        with_entry(NAME, shape=[]),
        with_entry(NAME, shape=[-8, -784]),
        with_entry(NAME, shape=[2**32, 2**32]),
        with_entry(NAME, shape=[2**64, 8]),
        with_entry(NAME, shape=[8.0, 784.0]),
        with_entry(NAME, shape="8"),
        with_entry(NAME, shape=[8, 784, *[1] * 1_000]),
        *[
            with_entry(NAME, dtype=dtype)
            for dtype in ("I32", "U32", "F16", "BF16", "F64", "C64", "BOOL", "F8_E4M3", "X", 5)
        ],
        with_entry(NAME, dtype="BF16", shape=[16, 784]),
        with_entry(NAME, dtype="I32"),
        with_entry(NAME, dtype="F4", shape=[64, 784]),
        with_entry(NAME, dtype="F8_E8M0", shape=[32, 784]),
        with_entry(NAME, dtype="F6_E2M3"),
        with_entry(NAME, data_offsets=[START, END - 4]),
        with_entry(NAME, data_offsets=[START + 4, END + 4]),
        with_entry(NAME, data_offsets=[0, END - START]),
        with_entry(NAME, data_offsets=[END, START]),
        with_entry(NAME, data_offsets=[-4, END]),
        with_entry(NAME, data_offsets=[2**63, 2**64 - 1]),
        with_entry(NAME, data_offsets=[]),
        with_entry("extra", dtype="F32", shape=[0], data_offsets=[0, 0]),
        with_entry("extra", dtype="F32", shape=[0, 2**62, 2**62], data_offsets=[0, 0]),
        with_entry("extra", dtype="F32", shape=[0, 2**63], data_offsets=[0, 0]),
        with_entry("extra", dtype="C64", shape=[0], data_offsets=[0, 0]),
        with_entry("x" * 20_000, dtype="F32", shape=[0], data_offsets=[0, 0]),
        with_entry("<b>\n\x00\u202e\ud800", dtype="F32", shape=[0], data_offsets=[0, 0]),
        with_entry("", dtype="F32", shape=[0], data_offsets=[0, 0]),
        with_entry("alias", **TENSORS[NAME]),  # overlap
        file_of({name: entry for name, entry in HEADER.items() if name != NAME}),  # hole
        file_of({"__metadata__": HEADER["__metadata__"]}),
        file_of({"__metadata__": HEADER["__metadata__"]}, b""),
        file_of(HEADER, DATA + b"\0" * 4),
    ],
    ids=range(44),
)
def test_tensors_that_are_not_what_they_should_be(blob: bytes) -> None:
    refusal_of(blob)


def changed(**changes: Tensor | None) -> bytes:
    weights: dict[str, Any] = {**weights_of(EXPERIMENT), **{name.replace("_", "."): v for name, v in changes.items()}}
    return pack({name: value for name, value in weights.items() if value is not None}, EXPERIMENT, SCORES)


WEIGHT = weights_of(EXPERIMENT)[NAME]


@pytest.mark.parametrize(
    ("blob", "named"),
    [
        (changed(**{"1_weight": None}), "1.weight is missing"),
        (changed(extra=torch.zeros(1)), "extra is not in the network"),
        (changed(**{"1_weight": WEIGHT.T}), "1.weight is (784, 8) float32 but the network's is (8, 784) float32"),
        (changed(**{"1_weight": WEIGHT.double()}), "1.weight is (8, 784) float64"),
        (changed(**{"1_weight": WEIGHT.bool()}), "1.weight is (8, 784) bool"),
        (changed(**{"1_weight": WEIGHT.to(torch.complex64)}), "1.weight is (8, 784) complex64"),
        (changed(**{"1_weight": WEIGHT * float("nan")}), "not finite, in 1.weight"),
        (changed(**{"4_bias": torch.tensor([0.0] * 9 + [float("inf")])}), "not finite, in 4.bias"),
        (
            pack(weights_of(EXPERIMENT), Experiment(hidden_sizes=(9,)), {}),
            "(8, 784) float32 but the network's is (9, 784)",
        ),
        (pack(weights_of(EXPERIMENT), Experiment.from_dict({"network": "cnn"}), {}), "and"),
    ],
    ids=range(10),
)
def test_weights_of_another_network_are_named(blob: bytes, named: str) -> None:
    assert named in refusal_of(blob)


def test_duplicate_keys_are_refused_or_one_of_them_counts() -> None:
    entry = json.dumps({NAME: {**TENSORS[NAME], "shape": [1, 1]}})[1:-1].encode()
    refusal_of(file_of(json.dumps(HEADER).encode()[:-1] + b", " + entry + b"}"))


def test_a_training_state_is_no_checkpoint(tiny: Experiment) -> None:
    from mnist_demo.learning.training import start

    refusal_of(checkpoints.state_to_bytes(start(tiny)))
