"""The state of a run between two steps: everything that decides how it continues, as tensors and numbers.

Knows what is stored. Does not know how a step works (`step`), or how a state becomes bytes (`checkpoints`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.learning import networks
from mnist_demo.learning.devices import to_cpu

Weights = dict[str, Tensor]


class Status(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED_EARLY = "stopped_early"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class TrainState:
    """One run between two steps. Its tensors are on the processor and never changed in place: `advance` returns new."""

    experiment: Experiment
    step: int
    weights: Weights  # the model's state dict
    averages: Weights  # running average of the state dict; empty where the experiment averages nothing
    moments: Weights  # the optimizer's tensors, "<parameter index>.<name>"; "grad" if gradients add up
    order_rng: Tensor  # uint8, the batch-order generator before it drew this epoch's order
    noise_rng: Tensor  # uint8, the generator of dropout and augmentation
    loss_sum: float  # of the batch losses since the last point
    loss_count: int
    history: tuple[Metrics, ...]
    status: Status
    extra_sha256: str = ""  # of the extra digits (`TrainingData`); other digits would give another run

    @property
    def evaluated_weights(self) -> Weights:
        """The state dict that is measured: the running average if there is one."""
        return self.averages or self.weights

    @property
    def is_running(self) -> bool:
        return self.status is Status.RUNNING


def start(experiment: Experiment, extra_sha256: str = "") -> TrainState:
    """The state before the first step: initial weights and the three generators of the seed."""
    weights = copied(networks.build(experiment).state_dict())
    return TrainState(
        experiment=experiment,
        step=0,
        weights=weights,
        averages=copied(weights) if experiment.weight_averaging else {},
        moments={},
        order_rng=torch.Generator().manual_seed(experiment.seed + 1).get_state(),
        noise_rng=torch.Generator().manual_seed(experiment.seed + 2).get_state(),
        loss_sum=0.0,
        loss_count=0,
        history=(),
        status=Status.RUNNING,
        extra_sha256=extra_sha256,
    )


def copied(weights: Mapping[str, Tensor]) -> Weights:
    """A copy with its own memory, on the processor."""
    return {name: to_cpu(value) for name, value in weights.items()}
