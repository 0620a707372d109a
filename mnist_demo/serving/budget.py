"""What a run may cost on a machine that visitors share: estimated before it starts, measured while it goes on.

Knows an experiment's work and the limits. Does not know who asks, or how a run goes on.
"""

from collections import OrderedDict

from mnist_demo.errors import RunError
from mnist_demo.experiment.choices import Augmentation
from mnist_demo.experiment.config import VALIDATION_IMAGES, Experiment
from mnist_demo.learning import cost, schedule, training
from mnist_demo.learning.losses import EVALUATION_BATCH

# Ten minutes of one core: 1e10 multiply-adds a second, measured 2026-11-23 for an mlp and a cnn alike.
MULTIPLY_ADDS_PER_SECOND = 1e10
MEASURING_COST = 0.25  # of an image measured, against one trained on: 4.4e10 multiply-adds a second, of a deep_cnn
# What a step costs beside that, measured 2026-11-26 with batches of one image: calls, and the optimizer's own work.
SECONDS_PER_STEP = 3e-4
SECONDS_PER_WEIGHT = 3e-9
# (seconds a step, seconds an image), measured 2026-11-26.
AUGMENTATION_SECONDS = {
    Augmentation.NONE: (0.0, 0.0),
    Augmentation.SHIFT: (1e-4, 4e-6),
    Augmentation.AFFINE: (1e-4, 1e-5),
    Augmentation.HANDWRITING: (1e-3, 3e-5),
}
MAX_RUN_SECONDS = 600  # of one core, estimated
MAX_CPU_SECONDS = 900  # measured: a busy core does less in a second than the quiet one of the estimate
MAX_RUN_BYTES = 1_500_000_000  # beside the 0.75 GB of a warm worker, estimated
MAX_PEAK_BYTES = 3_500_000_000  # of a whole worker, measured; at 4 GiB it would be restarted
MAX_WEIGHTS = 1_900_000  # float32: just under the 8 MB a checkpoint may have
KEPT = 0.9  # of all earlier chunks in the price of a step, at each new one
MAX_PRICES = 500  # that are remembered
TAKE_IT_HOME = "To finish it, run its PyTorch script (under Downloads) on your own computer."


def estimated_seconds(experiment: Experiment) -> float:
    """How long the run takes on one quiet core: training, augmenting and measuring."""
    points = 1 + experiment.epochs * schedule.points_per_epoch(experiment)
    measured = points * (VALIDATION_IMAGES + min(experiment.train_size, training.TRAIN_SLICE))
    steps, images = schedule.total_steps(experiment), experiment.epochs * experiment.train_size
    per_step, per_image = AUGMENTATION_SECONDS[experiment.augmentation]
    per_step += SECONDS_PER_STEP + SECONDS_PER_WEIGHT * cost.weight_count(experiment)
    products = (images + MEASURING_COST * measured) * cost.multiply_adds(experiment)
    return products / MULTIPLY_ADDS_PER_SECOND + steps * per_step + images * per_image


def estimated_bytes(experiment: Experiment) -> int:
    """The memory that the run needs at once: what its largest batch leaves in all layers, and its gradients.

    Measuring keeps two layers of a batch at a time, training all of them and a third more.
    """
    batch = min(experiment.batch_size, experiment.train_size)
    trained = batch * cost.activation_count(experiment) * 4 // 3
    measured = 2 * EVALUATION_BATCH * cost.largest_layer(experiment)
    return 4 * (max(trained, measured) + 4 * cost.weight_count(experiment))


def check_affordable(experiment: Experiment) -> None:
    """Raises RunError for a run too large for a machine that visitors share."""
    weights = cost.weight_count(experiment)
    if weights > MAX_WEIGHTS:
        raise RunError(
            f"This network has {weights:,} weights; {MAX_WEIGHTS:,} is the most here: use smaller hidden sizes."
        )
    needed = estimated_bytes(experiment)
    if needed > MAX_RUN_BYTES:
        raise RunError(
            f"This run would need {needed / 1e9:.1f} GB of memory; {MAX_RUN_BYTES / 1e9:g} GB is the most here: "
            "use smaller batches or smaller hidden sizes."
        )
    seconds = estimated_seconds(experiment)
    if seconds > MAX_RUN_SECONDS:
        raise RunError(
            f"This run would take about {seconds / 60:,.0f} minutes; {MAX_RUN_SECONDS // 60} is the most here: "
            "use fewer epochs, fewer training images, larger batches or smaller hidden sizes."
        )


def limit_reached(cpu_seconds: float, peak_bytes: int) -> str:
    """A sentence for a run that has cost as much as it may, by measurement; empty for any other."""
    if cpu_seconds > MAX_CPU_SECONDS:
        return f"This run has used all of its {MAX_CPU_SECONDS // 60} minutes of one core. {TAKE_IT_HOME}"
    if peak_bytes > MAX_PEAK_BYTES:
        return f"This run needs {peak_bytes / 1e9:.1f} GB of memory, more than a worker here may have. {TAKE_IT_HOME}"
    return ""


class Prices:
    """What a step costs, in CPU-seconds: one price for all trainings that differ in their seed alone.

    On a busy machine one and the same chunk may be measured at half or twice of another time. Whoever was unlucky
    would train less than the neighbour who asked for the same.
    """

    def __init__(self) -> None:
        self._sums: OrderedDict[Experiment, tuple[float, float]] = OrderedDict()  # used last at the end

    def charge(self, experiment: Experiment, steps: int, cpu_seconds: float, is_first: bool) -> float:
        """CPU-seconds to charge for a chunk of so many steps that was measured at `cpu_seconds`.

        The first chunk of a training has one evaluation more, and says little of the others.
        """
        if is_first:
            return cpu_seconds
        kind = experiment.model_copy(update={"seed": 0})
        spent, taken = self._sums.pop(kind, (0.0, 0.0))  # CPU-seconds, steps
        spent, taken = KEPT * spent + cpu_seconds, KEPT * taken + steps
        self._sums[kind] = spent, taken
        if len(self._sums) > MAX_PRICES:
            self._sums.popitem(last=False)
        return steps * spent / taken
