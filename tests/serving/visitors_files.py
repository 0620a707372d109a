"""Networks as files that a visitor may bring, and the sentence with which one is refused."""

import io
import time

import pytest
import torch
from torch import Tensor

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning import networks
from mnist_demo.serving import uploads

TINY = Experiment.from_dict({"hidden_sizes": "8-4"})


def weights_of(experiment: Experiment = TINY) -> dict[str, Tensor]:
    return {name: value.contiguous() for name, value in networks.build(experiment).state_dict().items()}


def saved(thing: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def refused(blob: bytes, experiment: Experiment | None = TINY) -> str:
    """The sentence with which an upload is refused; soon, on one line, with no warning."""
    before = time.process_time()
    with pytest.raises(InvalidCheckpoint) as refusal:
        uploads.accept(blob, experiment)
    assert time.process_time() - before < 5
    sentence = str(refusal.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 600
    return sentence
