"""What a run may cost on a machine that visitors share, estimated before it starts.

Knows an experiment's work and the limits. Does not know who asks, or how a run goes on.
"""

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import VALIDATION_IMAGES, Experiment
from mnist_demo.learning import cost, schedule, training

# Ten minutes of one core: 1e10 multiply-adds a second, measured 2026-11-23 for an mlp and a cnn alike.
MULTIPLY_ADDS_PER_SECOND = 1e10
MEASURING_COST = 0.25  # of an image measured, against one trained on: 4.4e10 multiply-adds a second, of a deep_cnn
MAX_RUN_SECONDS = 600
MAX_WEIGHTS = 1_900_000  # float32: just under the 8 MB a checkpoint may have


def estimated_seconds(experiment: Experiment) -> float:
    """How long the run takes on one core, from the multiplications of its network: training and measuring."""
    points = 1 + experiment.epochs * schedule.points_per_epoch(experiment)
    measured = points * (VALIDATION_IMAGES + min(experiment.train_size, training.TRAIN_SLICE))
    images = experiment.epochs * experiment.train_size + MEASURING_COST * measured
    return images * cost.multiply_adds(experiment) / MULTIPLY_ADDS_PER_SECOND


def check_affordable(experiment: Experiment) -> None:
    """Raises RunError for a run too large for a machine that visitors share."""
    weights = cost.weight_count(experiment)
    if weights > MAX_WEIGHTS:
        raise RunError(
            f"This network has {weights:,} weights; {MAX_WEIGHTS:,} is the most here: use smaller hidden sizes."
        )
    seconds = estimated_seconds(experiment)
    if seconds > MAX_RUN_SECONDS:
        raise RunError(
            f"This run would take about {seconds / 60:.0f} minutes; {MAX_RUN_SECONDS // 60} is the most here: "
            "use fewer epochs, fewer training images or smaller hidden sizes."
        )
