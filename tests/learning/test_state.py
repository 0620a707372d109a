"""The state before the first step: the seed's, and nobody else's."""

import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.learning import networks
from mnist_demo.learning.state import Status, copied, start


def test_a_run_starts_with_the_weights_and_generators_of_its_seed(tiny: Experiment) -> None:
    state, other = start(tiny), start(tiny.replace(seed=1))
    assert networks.weights_hash(state.weights) == networks.weights_hash(networks.build(tiny).state_dict())
    assert networks.weights_hash(state.weights) != networks.weights_hash(other.weights)
    assert not torch.equal(state.order_rng, state.noise_rng)
    assert torch.equal(state.noise_rng, torch.Generator().manual_seed(2).get_state())
    assert (state.step, state.status, state.is_running) == (0, Status.RUNNING, True)


def test_what_is_evaluated_is_the_average_where_there_is_one(tiny: Experiment) -> None:
    plain, averaged = start(tiny), start(tiny.replace(weight_averaging=0.9))
    assert plain.evaluated_weights is plain.weights
    assert averaged.evaluated_weights is averaged.averages


def test_a_copy_has_memory_of_its_own(tiny: Experiment) -> None:
    weights = start(tiny).weights
    copy = copied(weights)
    next(iter(copy.values())).zero_()
    assert next(iter(weights.values())).any()
