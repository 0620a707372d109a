"""One training step: the lines of every training loop, once. `advance` takes many, `step_by_step` takes one apart.

Knows a model, its optimizer and its batches. Does not know when a run is measured or ends.
"""

from dataclasses import replace

from torch import Generator, Tensor, nn

from mnist_demo.experiment.choices import Mistake
from mnist_demo.images.data import Split
from mnist_demo.learning import networks, probes
from mnist_demo.learning.batches import Batch, Batches
from mnist_demo.learning.losses import training_loss, uncertainty_loss
from mnist_demo.learning.optimizers import average_weights, build_optimizer, load_moments, moments
from mnist_demo.learning.schedule import learning_rate_at
from mnist_demo.learning.state import TrainState, Weights, copied

NON_DIGIT_WEIGHT = 0.5  # of their loss beside the digits', as in the paper that `uncertainty_loss` names


class Learner:
    """A TrainState unpacked into the objects of a training loop: `model`, `optimizer`, `batches`."""

    def __init__(self, state: TrainState, train: Split, extra: Split | None = None) -> None:
        self._state = state
        self.experiment = experiment = state.experiment
        self.step = state.step  # updates so far
        self.model = self._network(state.weights)
        self.averaged = self._network(state.averages) if state.averages else None
        self.optimizer = build_optimizer(experiment, self.model)
        load_moments(self.optimizer, state.moments)
        order_rng, self.noise_rng = Generator(), Generator()
        order_rng.set_state(state.order_rng)
        self.noise_rng.set_state(state.noise_rng)
        for model in (self.model, self.averaged):
            if model:
                networks.draw_from(model, self.noise_rng)
        self.batches = Batches(experiment, train, state.step, order_rng, self.noise_rng, extra)
        self.left_over = 0.0  # length of the gradient that the last backward() found
        self.weights_before: Weights = {}  # of the last update, if it was watched

    def _network(self, weights: Weights) -> nn.Module:
        model = networks.empty(self.experiment)
        model.load_state_dict(weights)
        return model.train()

    @property
    def evaluated(self) -> nn.Module:
        """The network that is measured and kept: the average where there is one."""
        return self.averaged or self.model

    def train_step(self, *, is_watched: bool = False) -> float:
        """One update, as the notes teach it; its loss. If watched, the weights before it are kept."""
        batch = self.batches.next_batch()
        if self.experiment.mistake is not Mistake.NO_ZERO_GRAD:
            self.optimizer.zero_grad()
        loss = self.loss(self.forward(batch), batch)
        self.left_over = probes.gradient_length(self.model)
        self.weights_before = copied(dict(self.model.named_parameters())) if is_watched else {}
        loss.backward()  # type: ignore[no-untyped-call]
        self.update()
        return loss.item()

    def forward(self, batch: Batch) -> Tensor:
        """The network's answers: logits (B + others, 10)."""
        logits: Tensor = self.model(batch.images)
        return logits

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """What the step lowers: the digits' mean loss, and half of the non-digits' where there are some."""
        count = len(batch.labels)
        loss = training_loss(logits[:count], batch.labels, self.experiment)
        if len(logits) > count:
            loss = loss + NON_DIGIT_WEIGHT * uncertainty_loss(logits[count:])
        return loss

    def update(self) -> None:
        """Moves the weights against their gradients by the learning rate of this step; their average follows."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.experiment, self.step)
        self.optimizer.step()
        self.step += 1
        if self.averaged:
            average_weights(self.averaged, self.model, self.experiment.weight_averaging, self.step)

    def to_state(self) -> TrainState:
        """The state it was made from, with all that steps have changed since."""
        return replace(
            self._state,
            step=self.step,
            weights=copied(self.model.state_dict()),
            averages=copied(self.averaged.state_dict()) if self.averaged else {},
            moments=moments(self.optimizer) | self._gradients(),
            order_rng=self.batches.order_state,
            noise_rng=self.noise_rng.get_state(),
        )

    def _gradients(self) -> Weights:
        """The gradients that the next step will add to, where zero_grad is forgotten; else they are of no use."""
        if self.experiment.mistake is not Mistake.NO_ZERO_GRAD:
            return {}
        parameters = enumerate(self.model.parameters())
        return {f"{index}.grad": p.grad.detach().clone() for index, p in parameters if p.grad is not None}
