"""When things happen in a run: its length, the steps it is evaluated at, the learning rate of each step.

Knows an Experiment. Does not train: these are pure functions.
"""

import math

from mnist_demo.experiment.choices import Schedule
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning.cost import multiply_adds

# One point on the curve for about every half second of one core, measured 2026-11-23: 42,000 images/s at 0.24
# million multiply-adds per image. Below the lower bound, evaluating would cost as much as training.
MULTIPLY_ADDS_PER_POINT = 5e9
EXAMPLES_PER_POINT = (5_000, 20_000)
# From here on an epoch takes minutes in any case, so the network is evaluated only once per epoch.
HEAVY_MULTIPLY_ADDS = 5_000_000
WARM_UP_STEPS = 500  # of the schedule `trapezoid`


def steps_per_epoch(experiment: Experiment) -> int:
    """Optimizer updates in one pass over the training images; the last batch may be smaller."""
    return math.ceil(experiment.train_size / experiment.batch_size)


def total_steps(experiment: Experiment) -> int:
    """Optimizer updates of the whole run, unless it stops early or diverges."""
    return experiment.epochs * steps_per_epoch(experiment)


def images_per_step(experiment: Experiment) -> float:
    """Training images in one optimizer update, on average over an epoch."""
    return experiment.train_size / steps_per_epoch(experiment)


def points_per_epoch(experiment: Experiment) -> int:
    """Evaluations in one epoch: one, or more where an epoch takes longer than about half a second."""
    if multiply_adds(experiment) > HEAVY_MULTIPLY_ADDS:
        return 1
    low, high = EXAMPLES_PER_POINT
    spacing = min(high, max(low, MULTIPLY_ADDS_PER_POINT / multiply_adds(experiment)))
    return min(steps_per_epoch(experiment), math.ceil(experiment.train_size / spacing))


def is_evaluation_step(experiment: Experiment, step: int) -> bool:
    """Whether the run is evaluated once `step` updates are done: evenly spaced, and at every epoch's end."""
    if step == 0:
        return True
    length, points = steps_per_epoch(experiment), points_per_epoch(experiment)
    position = (step - 1) % length + 1  # 1 .. length
    return position * points // length > (position - 1) * points // length


def steps_to_point(experiment: Experiment, step: int, steps: int) -> int:
    """About `steps` further steps from `step` on, but so that they end at an evaluation.

    That is the last one within them; without one, the first one after them, unless that takes more than twice as many.
    """
    length, points = steps_per_epoch(experiment), points_per_epoch(experiment)
    epochs, position = divmod(step + steps, length)
    passed = position * points // length
    last, following = (epochs * length + -(-point * length // points) for point in (passed, passed + 1))
    if last > step:
        return last - step
    return following - step if following - step <= 2 * steps else steps


def parts_of_epoch(experiment: Experiment) -> list[tuple[int, int]]:
    """The steps of an epoch between its evaluations: (first, last), first included and counted from 0."""
    length = steps_per_epoch(experiment)
    ends = [step for step in range(1, length + 1) if is_evaluation_step(experiment, step)]
    return list(zip([0, *ends], ends, strict=False))


def learning_rate_at(experiment: Experiment, step: int) -> float:
    """Learning rate of the update that follows `step` updates.

    `one_cycle` rises linearly over the first quarter and falls to zero along a half cosine (after
    Smith and Topin, "Super-convergence", 2018).

    `trapezoid` rises over 500 steps (or a tenth of a short run), stays constant, and falls linearly to zero over
    the last two fifths. Before it falls, the run does not depend on its length (after Hägele et al.,
    "Scaling laws and compute-optimal training beyond fixed training durations", 2024).
    """
    if experiment.schedule is Schedule.CONSTANT:
        return experiment.learning_rate
    total = total_steps(experiment)
    progress = (step + 1) / total
    if experiment.schedule is Schedule.TRAPEZOID:
        rise = (step + 1) / min(WARM_UP_STEPS, max(1, total // 10))
        return experiment.learning_rate * min(1.0, rise, (1 - progress) / 0.4 + 1 / total)
    if progress < 0.25:
        return experiment.learning_rate * progress / 0.25
    return experiment.learning_rate * 0.5 * (1 + math.cos(math.pi * (progress - 0.25) / 0.75))
