"""Training as a pure function: `advance(state, max_steps, data) -> (state, metrics)`.

Everything that decides the next step is inside the state (weights, optimizer moments, random states, position in
the epoch), so a run in chunks of any lengths is the same, bit for bit. Knows when a run is measured and when it ends.
Does not know what a step does (`step`), nor processes, visitors or files.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from torch import nn

from mnist_demo.errors import DataError
from mnist_demo.experiment.choices import Mistake
from mnist_demo.experiment.history import Metrics, is_finite, stopping_index
from mnist_demo.images.data import Split, TrainingData
from mnist_demo.learning import devices, probes
from mnist_demo.learning.arithmetic import set_for_training
from mnist_demo.learning.losses import changed_answers, logits_of, score
from mnist_demo.learning.schedule import is_evaluation_step, steps_per_epoch, total_steps
from mnist_demo.learning.state import Status, TrainState, Weights, start
from mnist_demo.learning.step import Learner

__all__ = ["TRAIN_SLICE", "OnEvaluation", "Status", "TrainState", "Weights", "advance", "start"]

OnEvaluation = Callable[[Metrics, nn.Module], None]

OTHER_OWN_DIGITS = "This run learns from other own digits than these: give it the set that its knob names."
TRAIN_SLICE = 2_000  # training images on which the eval-mode training loss is measured


def advance(
    state: TrainState,
    max_steps: int,
    data: TrainingData,
    *,
    threads: int = 1,
    device: str = "cpu",
    on_evaluation: OnEvaluation | None = None,
) -> tuple[TrainState, list[Metrics]]:
    """Trains for at most `max_steps` updates; returns the new state and the points measured meanwhile.

    Depends only on its arguments and does not change them. Stops before `max_steps` if the
    run ends: its last epoch is done, its patience is spent, or its loss is no longer a number.
    `on_evaluation(metrics, model)` is called at each point. It may read the model but not keep it.
    With more than one thread a large network is faster, but not bit-identical between machines. On a `device` like
    "cuda" the batches are the same, but the sums are not, bit for bit; the state comes back to the processor.
    Raises DataError if the data has other extra or own digits than the run.
    """
    if not state.is_running:
        return state, []
    if state.extra_sha256 != data.extra_sha256:
        raise DataError("This run was started with a different file of extra digits: give it that file again.")
    if state.experiment.own_digits != data.own_digest:
        raise DataError(OTHER_OWN_DIGITS)
    with set_for_training(threads):
        run = _Run(state, data, device, on_evaluation or (lambda _metrics, _model: None))
        run.advance(max_steps)
        return run.to_state(), run.measured


class _Run:
    """A run during one `advance`: its learner, and what has been measured."""

    def __init__(self, state: TrainState, data: TrainingData, device: str, on_evaluation: OnEvaluation) -> None:
        self.state = state
        self.experiment = state.experiment
        self.learner = Learner(state, data.train, data.extra, device, data.own)
        self.val = Split(data.val.images.to(device), data.val.labels.to(device))
        self.status = state.status
        self.loss_sum, self.loss_count = state.loss_sum, state.loss_count
        self.measured: list[Metrics] = []
        self.on_evaluation = on_evaluation

    def advance(self, max_steps: int) -> None:
        if not self.state.history:
            self._measure()
        for _ in range(max_steps):
            if self.status is not Status.RUNNING:
                break
            is_point = is_evaluation_step(self.experiment, self.learner.step + 1)
            loss = self.learner.train_step(is_watched=is_point)
            self.loss_sum += loss
            self.loss_count += 1
            if not math.isfinite(loss):
                self.status = Status.DIVERGED
            if is_point or self.status is Status.DIVERGED:
                self._measure()

    def _measure(self) -> None:
        experiment, learner = self.experiment, self.learner
        step, model = learner.step, learner.evaluated
        has_forgotten_eval = experiment.mistake is Mistake.NO_EVAL
        train = learner.batches.train.first(TRAIN_SLICE)
        labels = learner.batches.labels[:TRAIN_SLICE].to(devices.of(model))
        model.train(has_forgotten_eval)
        rng_before = learner.noise_rng.get_state()
        train_logits = logits_of(model, train, experiment)
        val_logits = logits_of(model, self.val, experiment)
        changed = changed_answers(model, self.val, experiment, learner.noise_rng) if has_forgotten_eval else 0.0
        evidence = probes.probe(
            model, experiment, (train, labels, train_logits), (self.val, val_logits), self._last_update()
        )
        learner.noise_rng.set_state(rng_before)  # measuring with dropout on must not change the training
        train_loss, train_accuracy = score(train_logits, labels, experiment)
        val_loss, val_accuracy = score(val_logits, self.val.labels, experiment)
        metrics = Metrics(
            step=step,
            epoch=step / steps_per_epoch(experiment),
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
        learner.model.train()
        if self.status is Status.RUNNING:
            self.status = self._status_after(metrics)

    def _last_update(self) -> probes.Update:
        learner = self.learner
        if learner.step == 0:
            return probes.NO_UPDATE
        ordered = learner.batches.labels[learner.batches.order]
        return probes.last_update(learner.model, learner.weights_before, learner.left_over, ordered)

    def _status_after(self, point: Metrics) -> Status:
        """Whether a run continues after a point."""
        history = (*self.state.history, *self.measured)
        if not is_finite(point):  # the last step made a loss infinite or NaN
            return Status.DIVERGED
        if point.step >= total_steps(self.experiment):
            return Status.FINISHED
        if stopping_index(history, self.experiment.patience) is not None:
            return Status.STOPPED_EARLY
        return Status.RUNNING

    def _examples_seen(self) -> int:
        epochs, position = divmod(self.learner.step, steps_per_epoch(self.experiment))
        in_epoch = min(position * self.experiment.batch_size, self.experiment.train_size)
        return epochs * self.experiment.train_size + in_epoch

    def to_state(self) -> TrainState:
        return replace(
            self.learner.to_state(),
            loss_sum=self.loss_sum,
            loss_count=self.loss_count,
            history=(*self.state.history, *self.measured),
            status=self.status,
        )
