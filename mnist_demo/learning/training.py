"""Training as a pure function: `advance(state, max_steps, data) -> (state, metrics)`.

Everything that decides the next step is inside the state (weights, optimizer moments, random
states, position in the epoch), so any way of cutting a run into chunks gives the same run, bit for
bit. Knows one run; does not know processes, visitors or files.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import torch
from torch import Tensor, nn

from mnist_demo.experiment.choices import Mistake
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics, is_finite, stopping_index
from mnist_demo.images import nondigits
from mnist_demo.images.data import NO_DIGIT, TrainingData, augment, noisy_labels, normalize
from mnist_demo.learning import networks, probes
from mnist_demo.learning.losses import changed_answers, compute_loss, logits_of, score, uncertainty_loss
from mnist_demo.learning.optimizers import average_weights, build_optimizer, load_moments, moments
from mnist_demo.learning.schedule import is_evaluation_step, learning_rate_at, steps_per_epoch, total_steps

Weights = dict[str, Tensor]
OnEvaluation = Callable[[Metrics, nn.Module], None]

TRAIN_SLICE = 2_000  # training images behind the eval-mode training loss
NON_DIGIT_WEIGHT = 0.5  # of their loss beside the digits', as in the paper that `uncertainty_loss` names


class Status(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED_EARLY = "stopped_early"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class TrainState:
    """One run between two steps. Tensors are never changed in place: `advance` returns new ones."""

    experiment: Experiment
    step: int
    weights: Weights  # the model's state dict
    averages: Weights  # running average of the state dict; empty where the experiment averages nothing
    moments: Weights  # the optimizer's tensors, "<parameter index>.<name>"; "grad" where gradients pile up
    order_rng: Tensor  # uint8, the batch-order generator before it drew this epoch's order
    noise_rng: Tensor  # uint8, the generator of dropout and augmentation
    loss_sum: float  # of the batch losses since the last point
    loss_count: int
    history: tuple[Metrics, ...]
    status: Status

    @property
    def evaluated_weights(self) -> Weights:
        """The state dict that the history was measured with: the average where there is one."""
        return self.averages or self.weights

    @property
    def is_running(self) -> bool:
        return self.status is Status.RUNNING


def start(experiment: Experiment) -> TrainState:
    """The state before the first step: initial weights and the three generators of the seed."""
    weights = _copy(networks.build(experiment).state_dict())
    return TrainState(
        experiment=experiment,
        step=0,
        weights=weights,
        averages=_copy(weights) if experiment.weight_averaging else {},
        moments={},
        order_rng=torch.Generator().manual_seed(experiment.seed + 1).get_state(),
        noise_rng=torch.Generator().manual_seed(experiment.seed + 2).get_state(),
        loss_sum=0.0,
        loss_count=0,
        history=(),
        status=Status.RUNNING,
    )


def advance(
    state: TrainState,
    max_steps: int,
    data: TrainingData,
    *,
    threads: int = 1,
    on_evaluation: OnEvaluation | None = None,
) -> tuple[TrainState, list[Metrics]]:
    """Trains for at most `max_steps` updates; the new state and the points measured on the way.

    Depends on its arguments alone and leaves them as they are. Stops before `max_steps` where the
    run ends: its last epoch is done, its patience is spent, or its loss is no longer a number.
    `on_evaluation(metrics, model)` is called at each point, with the model to look at, not to keep.
    More than one thread is faster for a large network and no longer bit-identical between machines.
    """
    if not state.is_running:
        return state, []
    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            learner = _Learner(state, data, on_evaluation or (lambda _metrics, _model: None))
            learner.run(max_steps)
            return learner.to_state(), learner.measured
    finally:
        torch.set_num_threads(threads_before)


class _Learner:
    """A TrainState unpacked into live torch objects for the length of one `advance`."""

    def __init__(self, state: TrainState, data: TrainingData, on_evaluation: OnEvaluation) -> None:
        self.state = state
        self.experiment = experiment = state.experiment
        self.val = data.val
        self.train = data.train.first(experiment.train_size)
        self.labels = noisy_labels(self.train.labels, experiment.label_noise, experiment.seed)
        self.model = networks.build(experiment)
        self.model.load_state_dict(state.weights)
        self.model.train()
        self.averaged = networks.build(experiment) if state.averages else None
        if self.averaged:
            self.averaged.load_state_dict(state.averages)
        self.optimizer = build_optimizer(experiment, self.model)
        load_moments(self.optimizer, state.moments)
        self.order_rng = torch.Generator()
        self.order_rng.set_state(state.order_rng)
        self.order_rng_at_epoch = state.order_rng
        torch.set_rng_state(state.noise_rng)
        self.step, self.status = state.step, state.status
        self.loss_sum, self.loss_count = state.loss_sum, state.loss_count
        self.measured: list[Metrics] = []
        self.on_evaluation = on_evaluation
        self.left_over: float = 0.0  # length of the gradient that the last backward() found
        self.weights_before: Weights = {}  # of the last update, where a point follows it
        self.order = torch.empty(0, dtype=torch.int64)
        if self.step % steps_per_epoch(experiment):
            self.order = self._draw_order()

    def run(self, max_steps: int) -> None:
        if not self.state.history:
            self._measure()
        for _ in range(max_steps):
            if self.status is not Status.RUNNING:
                break
            has_broken = not self._train_step()
            if has_broken:
                self.status = Status.DIVERGED
            if has_broken or is_evaluation_step(self.experiment, self.step):
                self._measure()

    def _train_step(self) -> bool:
        """One update, as the notes teach it; whether its loss is still a number."""
        experiment = self.experiment
        position = self.step % steps_per_epoch(experiment)
        if position == 0:
            self.order_rng_at_epoch = self.order_rng.get_state()
            self.order = self._draw_order()
        batch = self.order[position * experiment.batch_size :][: experiment.batch_size]
        images = self._draw_images(batch)  # (B or more, 28, 28)
        logits = self.model(normalize(images, experiment.normalize))
        digit_logits, other_logits = logits[: len(batch)], logits[len(batch) :]  # (B, 10), (non-digits, 10)
        loss = compute_loss(digit_logits, self.labels[batch], experiment.mistake, experiment.label_smoothing)
        if len(other_logits):
            loss = loss + NON_DIGIT_WEIGHT * uncertainty_loss(other_logits)
        if experiment.mistake is not Mistake.NO_ZERO_GRAD:
            self.optimizer.zero_grad()
        self.left_over = probes.gradient_length(self.model)
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(experiment, self.step)
        is_measured = is_evaluation_step(experiment, self.step + 1)
        self.weights_before = _copy(dict(self.model.named_parameters())) if is_measured else {}
        self.optimizer.step()
        self.step += 1
        if self.averaged:
            average_weights(self.averaged, self.model, experiment.weight_averaging, self.step)
        batch_loss = loss.item()
        self.loss_sum += batch_loss
        self.loss_count += 1
        return math.isfinite(batch_loss)

    def _draw_images(self, batch: Tensor) -> Tensor:
        """The batch's images, augmented; behind them the experiment's share of non-digits."""
        experiment = self.experiment
        images, labels = self.train.images[batch], self.train.labels[batch]
        if count := round(experiment.non_digits * len(batch)):
            others = nondigits.training_batch(images, labels, count, experiment.seed)
            images = torch.cat([images, others])
            labels = torch.cat([labels, labels.new_full((count,), NO_DIGIT)])
        return augment(images, experiment.augmentation, labels)

    def _draw_order(self) -> Tensor:
        order = torch.randperm(len(self.train), generator=self.order_rng)
        if self.experiment.mistake is Mistake.NO_SHUFFLE:
            return self.train.labels.argsort(stable=True)
        return order

    def _measure(self) -> None:
        experiment = self.experiment
        has_forgotten_eval = experiment.mistake is Mistake.NO_EVAL
        model = self.averaged or self.model
        model.train(has_forgotten_eval)
        train_slice, labels = self.train.first(TRAIN_SLICE), self.labels[:TRAIN_SLICE]
        with torch.random.fork_rng(devices=[]):  # measuring with dropout on must not change the training
            train_logits = logits_of(model, train_slice, experiment)
            val_logits = logits_of(model, self.val, experiment)
            changed = changed_answers(model, self.val, experiment) if model.training else 0.0
            answers = ((train_slice, labels, train_logits), (self.val, val_logits))
            ordered = self.labels[self.order]
            update = probes.last_update(self.model, self.weights_before, self.left_over, ordered)
            evidence = probes.probe(model, experiment, *answers, update if self.step else probes.NO_UPDATE)
        train_loss, train_accuracy = score(train_logits, labels, experiment)
        val_loss, val_accuracy = score(val_logits, self.val.labels, experiment)
        metrics = Metrics(
            step=self.step,
            epoch=self.step / steps_per_epoch(experiment),
            examples_seen=self._examples_seen(),
            running_loss=self.loss_sum / self.loss_count if self.loss_count else math.nan,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            changed_answers=changed,
            probe=evidence,
        )
        self.loss_sum, self.loss_count = 0.0, 0
        self.measured.append(metrics)
        self.on_evaluation(metrics, model)
        self.model.train()
        if self.status is Status.RUNNING and not is_finite(metrics):  # broken by the very last step
            self.status = Status.DIVERGED
        elif self.status is Status.RUNNING and self.step >= total_steps(experiment):
            self.status = Status.FINISHED
        elif self.status is Status.RUNNING and self._is_patience_spent():
            self.status = Status.STOPPED_EARLY

    def _is_patience_spent(self) -> bool:
        history = (*self.state.history, *self.measured)
        return stopping_index(history, self.experiment.patience) is not None

    def _examples_seen(self) -> int:
        epochs, position = divmod(self.step, steps_per_epoch(self.experiment))
        in_epoch = min(position * self.experiment.batch_size, self.experiment.train_size)
        return epochs * self.experiment.train_size + in_epoch

    def _gradients(self) -> Weights:
        """The gradients that the next step will add to, where zero_grad is forgotten; else they are of no use."""
        if self.experiment.mistake is not Mistake.NO_ZERO_GRAD:
            return {}
        parameters = enumerate(self.model.parameters())
        return {f"{index}.grad": p.grad.detach().clone() for index, p in parameters if p.grad is not None}

    def to_state(self) -> TrainState:
        return replace(
            self.state,
            step=self.step,
            weights=_copy(self.model.state_dict()),
            averages=_copy(self.averaged.state_dict()) if self.averaged else {},
            moments=moments(self.optimizer) | self._gradients(),
            order_rng=self.order_rng_at_epoch
            if self.step % steps_per_epoch(self.experiment)
            else self.order_rng.get_state(),
            noise_rng=torch.get_rng_state(),
            loss_sum=self.loss_sum,
            loss_count=self.loss_count,
            history=(*self.state.history, *self.measured),
            status=self.status,
        )


def _copy(weights: Weights) -> Weights:
    return {name: value.detach().clone() for name, value in weights.items()}
