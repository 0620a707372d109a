"""The scores on own digits: every network of the visitor, MNIST's figure beside, and no more than chance allows."""

from pathlib import Path

import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import load_validation_data
from mnist_demo.images.own_digits import OwnDigits, own_digits
from mnist_demo.inference import own_hand
from mnist_demo.inference.own_hand import HandScore
from mnist_demo.inference.recognize import shipped_cnn
from mnist_demo.learning import checkpoints, networks
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.serving.own_scores import OwnScore, own_scores, shift_sentence, unlearned
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.serving.visitors import Visitors
from tests.ui.trained import ME, lab_of, tiny_pair, train_pair


@pytest.fixture
def own(mnist_root: Path) -> OwnDigits:
    val = load_validation_data(mnist_root).first(30)
    return own_digits(val.images, val.labels)


def test_every_shipped_network_and_each_run_at_its_best(mnist_root: Path, own: OwnDigits, tiny: Experiment) -> None:
    lab = lab_of(mnist_root)
    shelf = ModelShelf(checkpoints.shipped(), lab.visitors)
    visitor = train_pair(lab, tiny_pair(tiny))
    scores = own_scores(own, shelf, visitor)
    assert [each.key for each in scores][:3] == [f"shipped:{name}" for name in checkpoints.shipped()]
    assert [each.key for each in scores][3:] == [f"run:{run.id}:best" for run in visitor.runs]
    assert [each.is_tested for each in scores] == [True] * 3 + [False] * 2
    for each, run in zip(scores[3:], visitor.runs, strict=True):
        assert run.best is not None
        assert each.mnist == run.history[run.best].val_accuracy
        assert each.hand
        assert each.hand.right == own_hand.score(shelf.find(each.key, visitor), own).right
    assert scores[0].mnist == 0.9962
    visitor.asked = (f"run:{visitor.runs[0].id}:last",)
    assert f"run:{visitor.runs[0].id}:last" in [each.key for each in own_scores(own, shelf, visitor)]
    stranger = lab.visitors.of("somebody else")
    assert [each.key for each in own_scores(own, shelf, stranger)] == [
        f"shipped:{name}" for name in checkpoints.shipped()
    ]
    assert visitor.id == ME


def test_only_digits_that_no_run_has_learned_from_are_a_test(
    mnist_root: Path, own: OwnDigits, tiny: Experiment
) -> None:
    visitor = lab_of(mnist_root).visitors.of(ME)
    assert unlearned(own, visitor) is own
    visitor.own_digits, tested = own.parted()
    assert tested
    _, b = visitor.start(tiny_pair(tiny, own_digits=visitor.own_digits.digest))
    left = unlearned(own, visitor)
    assert left
    assert left.digest == tested.digest
    assert unlearned(visitor.own_digits, visitor) is None
    visitor.store.drop(b)
    assert unlearned(own, visitor) is own


def test_a_network_without_numbers_has_no_score(own: OwnDigits) -> None:
    experiment = Experiment(hidden_sizes=(16,))
    model = networks.build(experiment)
    with torch.no_grad():
        for value in model.parameters():
            value.fill_(-1e38)
    visitors = Visitors(lab_of(Path()).visitors.store)
    shelf = ModelShelf({"broken": Checkpoint(model.eval(), experiment, {"val_accuracy": 0.1})}, visitors)
    [found] = own_scores(own, shelf, visitors.of(ME))
    assert (found.hand, found.mnist) == (None, 0.1)
    assert shift_sentence([found]) == ""


def score(name: str, own: OwnDigits, right: int, mnist: float | None) -> OwnScore:
    """A score with that many of 30 right."""
    answers = own_hand.score(shipped_cnn(), own).answers
    labels = torch.from_numpy(answers.predictions.copy())
    labels[right:] = (labels[right:] + 1) % 10
    hand: HandScore = own_hand.score(shipped_cnn(), own_digits(own.split.images, labels))
    assert hand.right == right
    return OwnScore(name, name, hand, mnist, is_tested=True)


def test_harder_and_easier_are_said_only_where_chance_does_not_explain_them(own: OwnDigits) -> None:
    many, few = score("M", own, 30, 0.8), score("F", own, 15, 0.98)
    even = score("E", own, 28, 0.95)
    assert shift_sentence([few]) == "Your digits are harder than MNIST's for F."
    assert shift_sentence([few, score("G", own, 10, 0.9), even, many]) == (
        "Your digits are harder than MNIST's for F and G. Your digits are easier than MNIST's for M. "
        "For the other networks chance may explain the difference."
    )
    assert shift_sentence([even]) == "For every network chance may explain the difference."
    assert shift_sentence([score("N", own, 15, None)]) == ""
