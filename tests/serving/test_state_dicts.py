"""A stranger's network is found in the forms people keep it in, and read as it was meant, or with a warning."""

import io
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.learning import checkpoints, networks
from mnist_demo.serving import uploads


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 12), nn.Linear(12, 12), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1)))))
        return torch.as_tensor(self.fc3(hidden))


NET = Net()
WEIGHTS = {name: value.detach().clone() for name, value in NET.state_dict().items()}
OPTIMIZER = torch.optim.Adam(NET.parameters())
NET(torch.rand(4, 1, 28, 28)).sum().backward()
OPTIMIZER.step()
NET.load_state_dict(WEIGHTS)


def saved(thing: object, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer, **options)
    return buffer.getvalue()


def renamed(prefix: str) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in WEIGHTS.items()}


def cast(dtype: torch.dtype) -> dict[str, Tensor]:
    return {name: value.to(dtype) for name, value in WEIGHTS.items()}


def transposed() -> dict[str, Tensor]:
    return {name: value.t().contiguous() if value.dim() == 2 else value for name, value in WEIGHTS.items()}


def compressed(blob: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(blob)) as whole, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as again:
        for name in whole.namelist():
            again.writestr(name, whole.read(name))
    return buffer.getvalue()


FORMS: dict[str, Callable[[], bytes]] = {
    "plain": lambda: saved(OrderedDict(WEIGHTS)),
    "DataParallel": lambda: saved(renamed("module.")),
    "torch.compile": lambda: saved(renamed("_orig_mod.")),
    "a wrapper's": lambda: saved(renamed("model.")),
    "training checkpoint": lambda: saved(
        {"epoch": 3, "optimizer_state_dict": OPTIMIZER.state_dict(), "model_state_dict": WEIGHTS, "loss": 0.1}
    ),
    "Lightning's": lambda: saved(
        {
            "epoch": 3,
            "pytorch-lightning_version": "2.2.0",
            "state_dict": renamed("model."),
            "optimizer_states": [],
            "x": {},
        }
    ),
    "list": lambda: saved(list(WEIGHTS.values())),
    "parameters": lambda: saved(dict(NET.named_parameters())),
    "half": lambda: saved(cast(torch.float16)),
    "bfloat16": lambda: saved(cast(torch.bfloat16)),
    "double": lambda: saved(cast(torch.float64)),
    "reversed": lambda: saved(dict(reversed(WEIGHTS.items()))),
    "transposed": lambda: saved(transposed()),
    "transposed views": lambda: saved({k: v.t().contiguous().t() if v.dim() == 2 else v for k, v in WEIGHTS.items()}),
    "protocol 4": lambda: saved(WEIGHTS, pickle_protocol=4),
    "compressed": lambda: compressed(saved(WEIGHTS)),
    "safetensors": lambda: save_tensors(WEIGHTS, {"format": "pt"}),
    "safetensors, half": lambda: save_tensors(cast(torch.float16)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_network_is_found_in_every_form_people_keep_it_in(form: str) -> None:
    found = uploads.examine(FORMS[form]())
    image = torch.rand(5, 1, 28, 28)
    tolerance = 0.05 if any(word in form for word in ("half", "bfloat16")) else 1e-5
    assert torch.allclose(checkpoints.unpack(found.blob).model(image), NET(image), atol=tolerance)
    assert "784-12-12-10, biases" in found.words


def test_a_network_without_biases_has_biases_of_zero() -> None:
    found = uploads.examine(saved({name: value for name, value in WEIGHTS.items() if name.endswith("weight")}))
    assert "no biases" in found.words
    weights = checkpoints.unpack(found.blob).model.state_dict()
    assert not any(value.any() for name, value in weights.items() if name.endswith("bias"))


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (saved(NET), "Net"),
        (saved(WEIGHTS, _use_new_zipfile_serialization=False), "save"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "git lfs pull"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "Keras"),
        (saved({"epoch": 3}), "no state dict"),
        (saved({**WEIGHTS, "epoch": 3}), "besides tensors"),
        (saved({name: value for name, value in WEIGHTS.items() if name != "fc2.bias"}), "missing"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_learners_words(blob: bytes, reason: str) -> None:
    with pytest.raises(InvalidCheckpoint, match=reason) as refusal:
        uploads.examine(blob, Experiment.from_dict({"hidden_sizes": "12-12"}))
    assert not any(word in str(refusal.value) for word in ("BIN", "GLOBAL", "opcode"))


SCALES: dict[str, Callable[[Tensor], Tensor]] = {
    "pixels from 0 to 1": lambda x: x,
    "Normalize((0.1307,), (0.3081,))": lambda x: (x - 0.1307) / 0.3081,
    "pixels from -1 to 1": lambda x: (x - 0.5) / 0.5,
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("activation", ["ReLU", "Sigmoid", "Tanh"])
def test_activation_and_pixel_scale_are_found_by_trying(
    activation: str, scale: str, training_data: TrainingData, mnist_root: Path
) -> None:
    prepare, train, val = SCALES[scale], training_data.train.first(6_000), training_data.val
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), getattr(nn, activation)(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    pixels = prepare(train.images[:, None].float() / 255)
    for _ in range(4):
        for batch in torch.randperm(len(pixels), generator=generator).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(pixels[batch]), train.labels[batch]).backward()
            optimizer.step()

    def accuracy(network: nn.Module, images: Tensor) -> float:
        with torch.no_grad():
            return float((network(images).argmax(1) == val.labels).float().mean())

    found = uploads.examine(saved(model.state_dict()), None, mnist_root)
    read = checkpoints.unpack(found.blob)
    own = accuracy(model, prepare(val.images[:, None].float() / 255))
    assert abs(accuracy(read.model, normalize(val.images, read.experiment.normalize)) - own) < 0.01
    assert "the next best" in found.words


def test_where_nothing_fits_there_is_a_warning(mnist_root: Path) -> None:
    assert "Warning" in uploads.examine(saved(WEIGHTS), None, mnist_root).words  # never trained


@pytest.mark.parametrize("ending", [".pth", ".pt", ".safetensors"])
@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_our_own_file_is_read_scale_and_all(network: str, ending: str, tmp_path: Path, mnist_root: Path) -> None:
    experiment = Experiment.from_dict(
        {"network": network, "hidden_sizes": "4-8", "normalize": "raw", "activation": "tanh"}
    )
    weights = networks.build(experiment).state_dict()
    write = checkpoints.pack if ending == ".safetensors" else checkpoints.to_pth
    file = tmp_path / f"m{ending}"
    file.write_bytes(write(weights, experiment, {"val_accuracy": 0.5}))
    read = uploads.load(file, mnist_root)
    assert (read.experiment, read.scores) == (experiment, {"val_accuracy": 0.5})
    if ending != ".safetensors":
        networks.build(experiment).load_state_dict(torch.load(file, weights_only=True))  # as anybody's program does
