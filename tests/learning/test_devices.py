"""Where a network computes: what can be asked for, and that a run leaves nothing behind on the processor.

No machine of these tests has a GPU. In its place stands a device that computes with the processor's own kernels.
"""

import json
import os
import subprocess
import sys

import pytest
import torch

from mnist_demo.errors import NoSuchDevice
from mnist_demo.learning import devices
from mnist_demo.learning.devices import Device

LAYERS = "train_size=200&epochs=2&hidden_sizes=16"
EQUAL = (
    f"{LAYERS}&dropout=0.5&optimizer=adamw&weight_averaging=0.9",
    f"{LAYERS}&mistake=no_zero_grad&optimizer=momentum&augmentation=shift&label_noise=0.2",
    f"{LAYERS}&mistake=no_eval&dropout=0.5&non_digits=0.3",
)
NEARLY = "train_size=200&epochs=1&network=cnn&hidden_sizes=4-6&augmentation=affine"  # other memory, so other sums


def test_a_run_on_another_device_is_the_same_run() -> None:
    """Equal bits, as its kernels are the processor's: the batches, the dropout and the points are the same."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.learning.other_device", *EQUAL, NEARLY]
    # On some processors the order of a sum depends on where in memory its numbers lie, but for this setting of MKL.
    alike = os.environ | {"MKL_CBWR": "COMPATIBLE"}
    ended = subprocess.run(command, env=alike, capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(told) == 2 * len((*EQUAL, NEARLY))
    for here, there in zip(told[0:-2:2], told[1:-2:2], strict=True):
        assert here == there
    here, there = told[-2:]
    assert there["loss"] == pytest.approx(here["loss"], rel=1e-3)
    assert there["first"] == pytest.approx(here["first"], abs=1e-2)


def test_auto_is_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert (devices.find(Device.AUTO), devices.find(Device.CPU)) == ("cpu", "cpu")
    with pytest.raises(NoSuchDevice, match="'mps'"):
        devices.find(Device.MPS)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert (devices.find(Device.AUTO), devices.find(Device.CUDA)) == ("cuda", "cuda")


def test_a_copy_has_its_own_memory() -> None:
    tensor = torch.zeros(3)
    copy = devices.to_cpu(tensor)
    tensor += 1
    assert copy.tolist() == [0, 0, 0]
