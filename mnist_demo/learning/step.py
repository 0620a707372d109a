"""One training step: the usual lines of a training loop. `advance` runs many; `step_by_step` shows the parts of one.

Knows a model, its optimizer and its batches. Does not know when a run is measured or ends.
"""

from dataclasses import replace

from torch import Generator, Tensor, nn

from mnist_demo.experiment.choices import Mistake
from mnist_demo.images.data import Split
from mnist_demo.learning import networks, probes
from mnist_demo.learning.batches import Batch, Batches
from mnist_demo.learning.devices import to_cpu
from mnist_demo.learning.losses import training_loss, uncertainty_loss
from mnist_demo.learning.optimizers import average_weights, build_optimizer, load_moments, moments
from mnist_demo.learning.schedule import learning_rate_at
from mnist_demo.learning.state import TrainState, Weights, copied

NON_DIGIT_WEIGHT = 0.5  # of their loss, added to the digits' loss; from the paper in `uncertainty_loss`


class Learner:
    """A TrainState unpacked into the objects of a training loop: `model`, `optimizer`, `batches`."""

    def __init__(
        self,
        state: TrainState,
        train: Split,
        extra: Split | None = None,
        device: str = "cpu",
        own: Split | None = None,
    ) -> None:
        self._state = state
        self._device = device
        self.experiment = experiment = state.experiment
        self.step = state.step  # updates so far
        self.model = self._network(state.weights)
        self.averaged = self._network(state.averages) if state.averages else None
        self.optimizer = build_optimizer(experiment, self.model)
        load_moments(self.optimizer, state.moments)
        order_rng, self.noise_rng = Generator(), Generator()  # on the processor: the same numbers for every device
        order_rng.set_state(state.order_rng)
        self.noise_rng.set_state(state.noise_rng)
        for model in (self.model, self.averaged):
            if model:
                networks.draw_from(model, self.noise_rng)
        self.batches = Batches(experiment, train, state.step, order_rng, self.noise_rng, extra, device, own)
        self.left_over = 0.0  # length of the gradient just before the last backward()
        self.weights_before: Weights = {}  # before the last update, if it was watched

    def _network(self, weights: Weights) -> nn.Module:
        model = networks.empty(self.experiment)
        model.load_state_dict(weights)
        return model.to(self._device).train()

    @property
    def evaluated(self) -> nn.Module:
        """The network that is measured and saved: the running average if there is one."""
        return self.averaged or self.model

    def train_step(self, *, is_watched: bool = False) -> float:
        """One update, as the notes teach it; returns its loss. If watched, keeps the weights from before it."""
        batch = self.batches.next_batch()
        has_forgotten_zero_grad = self.experiment.mistake is Mistake.NO_ZERO_GRAD
        if not has_forgotten_zero_grad:
            self.optimizer.zero_grad()
        loss = self.loss(self.forward(batch), batch)
        # Only a forgotten zero_grad leaves anything; to look at every other step, too, takes a twentieth of its time.
        self.left_over = probes.gradient_length(self.model) if is_watched or has_forgotten_zero_grad else 0.0
        self.weights_before = self._parameters() if is_watched else {}
        loss.backward()  # type: ignore[no-untyped-call]
        self.update()
        return loss.item()

    def forward(self, batch: Batch) -> Tensor:
        """The network's answers: logits (B + others, 10)."""
        logits: Tensor = self.model(batch.images)
        return logits

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """The loss that the step lowers: the digits' mean loss, plus half the non-digits' loss if there are any."""
        count = len(batch.labels)
        loss = training_loss(logits[:count], batch.labels, self.experiment)
        if len(logits) > count:
            loss = loss + NON_DIGIT_WEIGHT * uncertainty_loss(logits[count:])
        return loss

    def update(self) -> None:
        """Updates the weights with the learning rate of this step, then updates their running average."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.experiment, self.step)
        self.optimizer.step()
        self.step += 1
        if self.averaged:
            average_weights(self.averaged, self.model, self.experiment.weight_averaging, self.step)

    def to_state(self) -> TrainState:
        """The current state, to continue from later."""
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
        """The gradients that the next step adds to, if zero_grad is forgotten; otherwise they are not needed."""
        if self.experiment.mistake is not Mistake.NO_ZERO_GRAD:
            return {}
        parameters = enumerate(self.model.parameters())
        return {f"{index}.grad": to_cpu(p.grad) for index, p in parameters if p.grad is not None}

    def _parameters(self) -> Weights:
        return {name: parameter.detach().clone() for name, parameter in self.model.named_parameters()}
