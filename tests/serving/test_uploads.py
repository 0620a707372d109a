"""Uploaded checkpoints: ours come back as they were; every hostile one is refused in a plain sentence, quickly."""

import json
import random
import struct
from typing import Any

import pytest
import torch
from safetensors.torch import save as save_tensors
from torch import Tensor

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning import checkpoints, networks
from mnist_demo.serving import uploads
from tests.serving.visitors_files import TINY, refused, saved, weights_of

TINY_CNN = Experiment.from_dict({"network": "cnn", "hidden_sizes": "4-8"})


def packed(weights: dict[str, Tensor] | None = None, experiment: Experiment = TINY) -> bytes:
    return checkpoints.pack(weights or weights_of(experiment), experiment, {"val_accuracy": 0.5})


@pytest.mark.parametrize("experiment", [TINY, TINY_CNN], ids=["mlp", "cnn"])
def test_our_own_checkpoints_come_back_as_they_were(experiment: Experiment) -> None:
    weights = weights_of(experiment)
    accepted = checkpoints.unpack(uploads.accept(packed(weights, experiment)))
    assert accepted.experiment == experiment
    assert accepted.scores == {"val_accuracy": 0.5}
    assert all(torch.equal(value, weights[name]) for name, value in accepted.model.state_dict().items())


@pytest.mark.parametrize("experiment", [TINY, TINY_CNN], ids=["mlp", "cnn"])
def test_a_state_dict_is_accepted_as_the_network_that_is_chosen(experiment: Experiment) -> None:
    model = networks.build(experiment)
    blobs = [
        saved(model.state_dict()),
        checkpoints.to_pth(weights_of(experiment)),
        save_tensors(weights_of(experiment)),
    ]
    for blob in blobs:
        accepted = checkpoints.unpack(uploads.accept(blob, experiment))
        assert accepted.experiment == experiment
        assert all(torch.equal(v, accepted.model.state_dict()[k]) for k, v in model.state_dict().items())


def test_other_names_for_the_same_layers_are_ours_by_their_order() -> None:
    plain = torch.nn.Sequential(
        torch.nn.Linear(784, 8), torch.nn.ReLU(), torch.nn.Linear(8, 4), torch.nn.ReLU(), torch.nn.Linear(4, 10)
    )
    accepted = checkpoints.unpack(uploads.accept(saved(plain.state_dict()), TINY))
    image = torch.rand(3, 1, 28, 28)
    assert torch.allclose(accepted.model(image), plain(image.flatten(1)))
    found = uploads.examine(saved(plain.state_dict()), Experiment.from_dict({"hidden_sizes": "8-5"}))
    assert checkpoints.unpack(found.blob).experiment.hidden_sizes == (8, 4)  # the shapes say so, whatever was chosen
    assert "784-8-4-10, biases, float32" in found.words


@pytest.mark.parametrize(
    "blob", [saved(weights_of(TINY_CNN)), save_tensors(weights_of(TINY_CNN))], ids=["pth", "safetensors"]
)
def test_a_bare_state_dict_needs_a_network_to_be_chosen(blob: bytes) -> None:
    assert "choose the network" in refused(blob, None)


def test_another_architecture_is_refused_by_naming_keys_and_shapes() -> None:
    other = Experiment.from_dict({"network": "cnn", "hidden_sizes": "4-9"})
    sentence = refused(saved(weights_of(other)), TINY_CNN)
    assert "(9, 4, 3, 3)" in sentence
    assert "(8, 4, 3, 3)" in sentence
    assert "4.weight" in sentence


def test_too_many_keys_are_refused() -> None:
    header = json.dumps(
        {str(n): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(200_000)}
    ).encode()
    refused((struct.pack("<Q", len(header)) + header)[:7_900_000])
    header = json.dumps({str(n): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(900)}).encode()
    refused(struct.pack("<Q", len(header)) + header)


@pytest.mark.parametrize(
    "value",
    [
        torch.zeros(8, 784).to_sparse(),
        torch.zeros(8, 784, dtype=torch.complex64),
        torch.zeros(8, 784, dtype=torch.bool),
        torch.zeros(8, 784, device="meta"),
        torch.zeros(8, 783),
        torch.zeros(0, 784),
        torch.full((8, 784), float("nan")),
        torch.full((8, 784), float("inf")),
        torch.nn.Parameter(torch.zeros(8, 783)),
        "not a tensor",
        [1, 2],
    ],
    ids=lambda value: f"{getattr(value, 'dtype', type(value).__name__)}-{getattr(value, 'shape', '')}",
)
def test_what_is_no_finite_float32_tensor_of_the_right_shape_is_refused(value: object) -> None:
    refused(saved(weights_of() | {"1.weight": value}))
    if isinstance(value, Tensor) and value.layout is torch.strided and value.device.type == "cpu":
        refused(save_tensors(weights_of() | {"1.weight": value.detach()}))


def test_missing_and_extra_keys_are_named() -> None:
    short = weights_of()
    del short["1.bias"]
    assert "1.bias is missing" in refused(saved(short))
    assert "1.bias is missing" in refused(save_tensors(short))
    long = weights_of() | {"9.weight": torch.zeros(2)}
    assert "9.weight" in refused(saved(long))
    assert "9.weight" in refused(save_tensors(long))


@pytest.mark.parametrize("length", [2**60, 2**64 - 1, 0, 1, 10**6])
def test_lengths_of_headers_are_not_believed(length: int) -> None:
    refused(struct.pack("<Q", length) + packed()[8:])


def header_of(blob: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(blob[:8], "little")
    return json.loads(blob[8 : 8 + length]), blob[8 + length :]


@pytest.mark.parametrize("offsets", [[0, 10**12], [-4, 28], [4, 36], [0, 28], "x", None, [0]])
def test_overlaps_holes_and_wrong_places_are_refused(offsets: object) -> None:
    table, numbers = header_of(packed())
    table["4.bias"]["data_offsets"] = offsets
    header = json.dumps(table).encode()
    refused(struct.pack("<Q", len(header)) + header + numbers)


@pytest.mark.parametrize(
    "metadata",
    [
        {"experiment": "{}", "scores": "[]"},
        {"experiment": "nonsense", "scores": "{}"},
        {"experiment": '{"hidden_sizes": [1024, 1024, 1024, 1024], "network": "deep_cnn"}', "scores": "{}"},
        {"experiment": "[" * 20_000, "scores": "{}"},
        {"experiment": '{"dropout": NaN}', "scores": "{}"},
        {"experiment": json.dumps(TINY.to_dict()), "scores": '{"val_accuracy": NaN}'},
        {"experiment": json.dumps(TINY.to_dict()), "scores": '{"test_accuracy": 1.5}'},
        {"experiment": json.dumps(TINY.to_dict()), "scores": '{"temperature": 0}'},
        {"experiment": json.dumps(TINY.to_dict()), "scores": '{"temperature": 1e-9}'},
        {"experiment": json.dumps(TINY.to_dict()), "scores": '{"temperature": -1}'},
        {"experiment": json.dumps(TINY.to_dict()), "scores": '{"least_confidence": 2}'},
    ],
)
def test_what_a_checkpoint_says_of_itself_is_not_believed(metadata: dict[str, str]) -> None:
    refused(save_tensors(weights_of(), metadata), None)


def test_every_cut_is_refused() -> None:
    for blob in (packed(), saved(weights_of())):
        for end in sorted(random.Random(0).sample(range(len(blob)), 40)):
            refused(blob[:end])


@pytest.mark.parametrize("blob", [packed(), saved(weights_of())], ids=["safetensors", "pth"])
def test_any_eight_bytes_flipped_give_a_checkpoint_or_a_sentence(blob: bytes) -> None:
    rng = random.Random(1)
    outcomes = set()
    for _ in range(150):
        start = rng.randrange(len(blob) - 8) if rng.random() < 0.5 else rng.randrange(1_000)
        flipped = blob[:start] + bytes(byte ^ 255 for byte in blob[start : start + 8]) + blob[start + 8 :]
        try:
            accepted = uploads.accept(flipped, TINY)
        except InvalidCheckpoint:
            outcomes.add("refused")
        else:
            outcomes.add("accepted")
            assert checkpoints.unpack(accepted).experiment == TINY
    assert "refused" in outcomes


def test_files_of_other_kinds_are_refused() -> None:
    for blob in (b"", b"x", b"hello" * 100, b"PK\x03\x04", bytes(1_000), b"\x89PNG\r\n", bytes(8_000_001)):
        refused(blob)
    assert "8,000,001" in refused(bytes(8_000_001))
