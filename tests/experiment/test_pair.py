"""A pair survives its link, and a link that was not written by the app is refused in one sentence."""

import pytest
from pydantic import ValidationError

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.differences import describe_changes
from mnist_demo.experiment.pair import MAX_LINK_LENGTH, Pair

BASE = Experiment()
PAIRS = [
    Pair(a=BASE, b=BASE),
    Pair(a=BASE, b=BASE.replace(dropout=0.5)),
    Pair(a=BASE.replace(dropout=0.5), b=BASE),
    Pair(a=BASE, b=BASE.replace(network="cnn")),
    Pair(a=BASE.replace(network="cnn"), b=BASE),
    Pair(a=BASE, b=BASE.replace(network="cnn", hidden_sizes="256-128")),
    Pair(a=BASE.replace(network="cnn", hidden_sizes="8"), b=BASE.replace(hidden_sizes="16-32-64")),
    Pair(a=BASE.replace(hidden_sizes="none"), b=BASE.replace(hidden_sizes="16-32-64", activation="none")),
    Pair(a=BASE.replace(learning_rate=0.1 + 0.2, weight_decay=1e-6), b=BASE.replace(learning_rate=1 / 3e5)),
    Pair(a=BASE.replace(label_noise=1e-320, seed=2**31 - 1), b=BASE.replace(mistake="no_eval", label_noise=1.0)),
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.to_query() or "default")
def test_a_link_brings_back_exactly_the_pair(pair: Pair) -> None:
    assert Pair.from_query(pair.to_query()) == pair


def test_a_link_says_only_what_differs() -> None:
    assert PAIRS[0].to_query() == ""
    assert PAIRS[1].to_query() == "b.dropout=0.5"
    assert PAIRS[3].to_query() == "b.network=cnn"


def test_the_difference_is_spelled_out_in_one_line() -> None:
    assert describe_changes(PAIRS[1].a, PAIRS[1].b) == "dropout 0 → 0.5"
    assert describe_changes(PAIRS[0].a, PAIRS[0].b) == ""
    assert describe_changes(BASE, BASE.replace(network="cnn")) == "network MLP → CNN"
    assert describe_changes(BASE, BASE.replace(network="cnn", hidden_sizes="256-128")) == "network MLP → CNN"
    assert describe_changes(BASE, BASE.replace(hidden_sizes="none")) == "hidden sizes 256-128 → none"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("bogus=1", "bogus"),
        ("a.dropout=0.5", "a.dropout"),
        ("b.b.dropout=0.5", "b.dropout"),
        ("b.=1", "''"),
        ("train=1", "train"),
        ("dropout", "dropout"),
        ("dropout=", "dropout"),
        ("dropout=nan", "dropout"),
        ("b.dropout=nan", "dropout"),
        ("dropout=0.5&dropout=0.5", "twice"),
        ("b.dropout=0.5&b.dropout=0.1", "twice"),
        ("dropout=%00", "dropout"),
        ("seed=%D9%A5", "seed"),
        ("network=%3Cimg%20onerror%3D1%3E", "network"),
        ("network=%FF%FE", "network"),
        ("__class__=1", "__class__"),
        ("model_config=1", "model_config"),
        ("x" * (MAX_LINK_LENGTH + 1), "2,000"),
        ("&".join(f"b.dropout{i}=1" for i in range(100)), "dropout0"),
    ],
)
def test_a_bad_link_is_refused_in_one_sentence(query: str, named: str) -> None:
    with pytest.raises(InvalidExperiment) as refusal:
        Pair.from_query(query)
    sentence = str(refusal.value)
    assert named in sentence
    assert "\n" not in sentence
    assert "\x00" not in sentence
    assert sentence.endswith(".")


def test_a_pair_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PAIRS[0].a = BASE.replace(seed=1)  # type: ignore[misc]
