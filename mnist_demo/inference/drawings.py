"""Measures how well a network reads drawings: accuracy for each way of drawing, calibration, and non-digits.

Makes the table of `python -m mnist_demo drawings`, for imitated handwriting and for real pen strokes. Knows
`penmanship` and `inference`. Does not train, and never opens the test images.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from mnist_demo.images import sketch
from mnist_demo.images.data import Split
from mnist_demo.images.ink import Ink
from mnist_demo.images.penmanship import NON_DIGITS, Condition, Drawing, Hand, Written
from mnist_demo.inference import recognize
from mnist_demo.inference.evaluation import calibration_bins, calibration_error
from mnist_demo.inference.recognize import Prediction
from mnist_demo.learning.checkpoints import LEAST_CONFIDENCE, TEMPERATURE, Checkpoint

CALIBRATION_SEED = 1  # calibration uses other drawings than the table, which has seed 0
ECE_BINS = 15
SURE = 0.9
ENLARGED_SIDE = 280  # pixels
BLANK_SIDES = (28, 280, 400, 1024)
UNASKED = ("dots", "blank")  # refused before the network's confidence counts
KEPT_DIGITS = 0.985  # share of the calibration's digits that are accepted as digits


@dataclass(frozen=True)
class Report:
    """What `measure` found; shares in [0, 1], times in milliseconds."""

    accuracy: Mapping[str, float]  # of each condition; counts the closest digit, even if refused
    apart: Mapping[str, float]  # the same, for conditions that draw only some digits; not in any figure below
    mean_accuracy: float
    worst_accuracy: float
    wrong_and_sure: float  # wrong at over 90% confidence, of all digits
    calibration_error: float  # ECE, 15 bins
    digits_refused: float
    auroc: Mapping[str, float]  # of the confidence, for each kind of non-digit against all digits
    mean_auroc: float  # without dots and blank canvases
    accepted_at_95: Mapping[str, float]  # of each kind, at the confidence that 95% of the digits reach
    mean_accepted_at_95: float
    accepted: Mapping[str, float]  # of each kind, by the rule that the app uses
    sure: Mapping[str, float]  # of each kind, at over 90% confidence
    direct_accuracy: float  # on validation images as they are
    enlarged_accuracy: float  # on the same images enlarged to a canvas and preprocessed
    recognize_ms: float  # median, canvas of 280x280, with the number of threads torch has

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)

    def scores(self) -> dict[str, float]:
        """The few figures that are stored in a checkpoint."""
        return {
            "drawings_accuracy": self.mean_accuracy,
            "drawings_worst_accuracy": self.worst_accuracy,
            "drawings_calibration_error": self.calibration_error,
            "non_digits_auroc": self.mean_auroc,
        }


@dataclass(frozen=True)
class Table:
    """What is measured: digits as strokes, conditions, how many of each; and images to read back."""

    source: Written
    conditions: Sequence[Condition]
    count: int
    images: Split


def measure(model: Checkpoint, table: Table, progress: Callable[[str], None]) -> Report:
    """Gives the model the drawings of each condition, and as many of each kind of non-digit."""
    hand = Hand(table.source)
    by_condition: dict[str, list[tuple[Prediction, int | None]]] = {}
    elapsed_ms: list[float] = []
    for condition in table.conditions:
        progress(condition.name)
        answers = by_condition[condition.name] = []
        for drawing in hand.drawings(condition, table.count):
            before = time.perf_counter()
            answers.append((_ask(drawing, model), drawing.digit))
            if condition.side == ENLARGED_SIDE:
                elapsed_ms.append(1000 * (time.perf_counter() - before))
    others: dict[str, list[Prediction]] = {}
    for kind in NON_DIGITS:
        progress(kind)
        others[kind] = [_ask(drawing, model) for drawing in hand.non_digits(kind, table.count)]
    others["blank"] = [recognize.recognize(np.zeros((side, side), np.uint8), model) for side in BLANK_SIDES]
    accuracy = {
        name: statistics.mean(p.digit == digit for p, digit in some) for name, some in by_condition.items() if some
    }
    apart = {c.name: accuracy.pop(c.name) for c in table.conditions if c.only and c.name in accuracy}
    answers = [answer for name in accuracy for answer in by_condition[name]]
    confidences = np.array([prediction.confidence for prediction, _ in answers])
    is_right = np.array([prediction.digit == digit for prediction, digit in answers])
    kinds = {kind: np.array([p.confidence for p in some]) for kind, some in others.items() if kind not in UNASKED}
    aurocs = {kind: auroc(confidences, some) for kind, some in kinds.items()}
    threshold = np.quantile(confidences, 0.05)
    accepted_at_95 = {kind: float((some >= threshold).mean()) for kind, some in kinds.items()}
    progress("read back")
    direct, enlarged = read_back(model, table.images, min(2_000, 20 * table.count))
    return Report(
        accuracy=accuracy,
        apart=apart,
        mean_accuracy=statistics.mean(accuracy.values()),
        worst_accuracy=min(accuracy.values()),
        wrong_and_sure=float((~is_right & (confidences > SURE)).mean()),
        calibration_error=calibration_error(calibration_bins(confidences, is_right, ECE_BINS)),
        digits_refused=statistics.mean(p.refusal is not None for p, _ in answers),
        auroc=aurocs,
        mean_auroc=statistics.mean(aurocs.values()),
        accepted_at_95=accepted_at_95,
        mean_accepted_at_95=statistics.mean(accepted_at_95.values()),
        accepted={kind: statistics.mean(p.refusal is None for p in some) for kind, some in others.items()},
        sure={kind: float((some > SURE).mean()) for kind, some in kinds.items()},
        direct_accuracy=direct,
        enlarged_accuracy=enlarged,
        recognize_ms=statistics.median(elapsed_ms),
    )


def _ask(drawing: Drawing, model: Checkpoint) -> Prediction:
    """The prediction without its pictures: the pictures of thousands would take gigabytes."""
    return replace(recognize.recognize(drawing.ink, model), stages=[])


def calibrate(model: Checkpoint, table: Table, progress: Callable[[str], None]) -> Checkpoint:
    """The model with a new temperature and least confidence, found on other drawings than the table's.

    The temperature makes mean confidence equal accuracy; the least confidence keeps 98.5% of the digits.
    """
    hand = Hand(table.source, CALIBRATION_SEED)
    images: list[Ink] = []
    labels: list[int] = []
    for condition in table.conditions:
        if condition.only:
            continue
        progress(condition.name)
        for drawing in hand.drawings(condition, table.count):
            images.append(sketch.preprocess(drawing.ink)[-1].image)
            labels.append(drawing.digit or 0)
    logits = recognize.logits(images, model)
    temperature = best_temperature(logits, torch.tensor(labels))
    confidences = torch.softmax(logits / temperature, dim=1).amax(dim=1)
    least = float(confidences.quantile(1 - KEPT_DIGITS))
    return replace(model, scores={**model.scores, TEMPERATURE: temperature, LEAST_CONFIDENCE: least})


def best_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature that makes the mean confidence of logits (N, 10) equal their accuracy; labels int64 (N,).

    Usually one lowers the cross-entropy. That left a network trained with smoothed labels not sure enough:
    calibration error 1.65% against 1.40% (2026-11-23, epoch 10 of the shipped CNN).
    """
    accuracy = float((logits.argmax(dim=1) == labels).float().mean())
    candidates = [math.exp(power / 50) for power in range(-100, 101)]  # 0.14 to 7.4
    gaps = [abs(float(torch.softmax(logits / t, dim=1).amax(dim=1).mean()) - accuracy) for t in candidates]
    return round(candidates[int(np.argmin(gaps))], 4)


def auroc(digits: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """The probability that a digit's score (N,) is above that of another drawing (M,); ties count half."""
    ordered = np.sort(digits)
    below = np.searchsorted(ordered, others, "left") + np.searchsorted(ordered, others, "right")
    return float(1 - below.mean() / 2 / len(digits))


def read_back(model: Checkpoint, digits: Split, count: int) -> tuple[float, float]:
    """Accuracy on the first `count` images as they are, and after enlarging to a canvas and preprocessing."""
    some = digits.first(count)
    large = F.interpolate(
        some.images[:, None].float(), size=(ENLARGED_SIDE, ENLARGED_SIDE), mode="bilinear", align_corners=False
    )
    canvases = large[:, 0].round().to(torch.uint8).numpy()
    images = [sketch.preprocess(canvas)[-1].image for canvas in canvases]
    labels = some.labels.numpy()
    direct = recognize.probabilities(list(some.images.numpy()), model).argmax(axis=1)
    enlarged = recognize.probabilities(images, model).argmax(axis=1)
    return float((direct == labels).mean()), float((enlarged == labels).mean())


def lines(report: Report) -> Sequence[str]:
    """The report as a table for people."""
    rows = [f"{name:<24}{share:8.1%}" for name, share in report.accuracy.items()]
    rows += [f"{'mean':<24}{report.mean_accuracy:8.2%}", f"{'worst':<24}{report.worst_accuracy:8.2%}", ""]
    rows += [f"{name:<24}{share:8.1%}" for name, share in report.apart.items()] + [""] * bool(report.apart)
    rows += [f"{'no digit':<24}{'AUROC':>8}{'accepted at 95%':>18}{'over 90% sure':>16}{'accepted':>10}"]
    for kind, share in report.accepted.items():
        scores = " " * 42
        if kind in report.auroc:
            scores = f"{report.auroc[kind]:8.4f}{report.accepted_at_95[kind]:18.1%}{report.sure[kind]:16.1%}"
        rows.append(f"{kind:<24}{scores}{share:10.1%}")
    return [
        *rows,
        f"{'mean':<24}{report.mean_auroc:8.4f}{report.mean_accepted_at_95:18.1%}",
        "",
        f"wrong at over 90% confidence {report.wrong_and_sure:.2%}; calibration error (15 bins) "
        f"{report.calibration_error:.2%}; digits refused {report.digits_refused:.1%}",
        f"validation images {report.direct_accuracy:.2%}, enlarged and read back {report.enlarged_accuracy:.2%}",
        f"recognize: median {report.recognize_ms:.2f} ms",
    ]
