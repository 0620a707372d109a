"""How the networks that a visitor may ask read that visitor's own digits, beside how they read MNIST's.

Knows which networks there are, and what may be said of two accuracies. Keeps no digit: they come with each question.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.images.own_digits import OwnDigits, from_bytes
from mnist_demo.inference.own_hand import HandScore, score
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.serving.looks import Point
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.serving.visitors import Visitor

ELSEWHERE = tuple(f":{point}" for point in Point if point is not Point.BEST)  # how the keys of other points end


@dataclass(frozen=True)
class OwnScore:
    """One network's score on own digits; `hand` is None where its answers are no numbers."""

    key: str
    name: str
    hand: HandScore | None
    mnist: float | None  # accuracy on MNIST's test images, or else on the validation images
    is_tested: bool  # it is that on the test images


def own_scores(own: OwnDigits, shelf: ModelShelf, visitor: Visitor) -> list[OwnScore]:
    """The scores of the shipped networks, the uploaded ones and each run at its best, and of those that are asked."""
    asked = shelf.asked_by(visitor)
    chosen = [(name, key) for name, key in shelf.choices(visitor) if key in asked or not key.endswith(ELSEWHERE)]
    return [_scored(name, key, shelf.find(key, visitor), own) for name, key in chosen]


def unlearned(own: OwnDigits, visitor: Visitor) -> OwnDigits | None:
    """The digits that none of the visitor's runs has learned from: only they are a test. None if there are none."""
    left: OwnDigits | None = own
    for learned in {run.training.own for run in visitor.runs if run.training.own}:
        left = left.new_to(from_bytes(learned)) if left else None
    return left


def _scored(name: str, key: str, model: Checkpoint, own: OwnDigits) -> OwnScore:
    mnist = model.scores.get("test_accuracy", model.scores.get("val_accuracy"))
    try:
        return OwnScore(key, name, score(model, own), mnist, "test_accuracy" in model.scores)
    except InvalidCheckpoint:
        return OwnScore(key, name, None, mnist, "test_accuracy" in model.scores)


def shift_sentence(scores: Sequence[OwnScore]) -> str:
    """For which networks the digits are harder than MNIST's, by more than chance explains, and for which easier."""
    compared = [(each.name, each.hand, each.mnist) for each in scores if each.hand and each.mnist is not None]
    harder = [name for name, hand, mnist in compared if hand.is_below(mnist)]
    easier = [name for name, hand, mnist in compared if hand.is_above(mnist)]
    said = [f"Your digits are {how} than MNIST's for {_listed(names)}." for how, names in _told(harder, easier)]
    if len(harder) + len(easier) < len(compared):
        rest = "the other networks" if said else "every network"
        said.append(f"For {rest} chance may explain the difference.")
    return " ".join(said)


def _told(harder: list[str], easier: list[str]) -> list[tuple[str, list[str]]]:
    return [(how, names) for how, names in (("harder", harder), ("easier", easier)) if names]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{'; '.join(names[:-1])} and {names[-1]}"
