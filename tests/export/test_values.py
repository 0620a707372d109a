"""What expressions of knobs are worth, and their text with the values in place."""

import ast

import pytest

from mnist_demo.experiment.config import Experiment
from mnist_demo.export.values import UNKNOWN, Values

IMPORT = "from mnist_demo.experiment.choices import Mistake\n"


def written(line: str, **knobs: object) -> str:
    text = f"{IMPORT}{line}\n"
    tree = ast.parse(text)
    return Values(tree, text, Experiment.from_dict(knobs)).written(tree.body[1], len(IMPORT), len(text) - 1)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = knobs.learning_rate * 2", "x = 0.002"),
        ("x = images[knobs.batch_size]", "x = images[64]"),
        ("x = a if knobs.dropout else f(knobs.seed)", "x = f(0)"),
        ("f(a, decay=knobs.weight_decay, b=1)", "f(a, b=1)"),
        ("f(a, rate=knobs.train_size)", "f(a, rate=1000)"),
        ("x: int = knobs.seed", "x = 0"),
        ("g(images, other)", "g(images, other)"),
    ],
)
def test_values_stand_in_place_of_knobs(line: str, expected: str) -> None:
    assert written(line) == expected


def test_the_layers_are_written_out() -> None:
    text = written("model = nn.Sequential(*modules(knobs))", hidden_sizes="8", dropout=0.5)
    assert text.splitlines()[2] == "    nn.Linear(784, 8), nn.ReLU(), nn.Dropout(0.5),"


def test_what_needs_more_than_knobs_is_unknown() -> None:
    values = Values(ast.parse(IMPORT), IMPORT, Experiment())

    def value(text: str) -> object:
        return values.value(ast.parse(text, mode="eval").body)

    assert value("knobs.mistake is Mistake.NONE") is True
    assert value("max(1, knobs.epochs)") == 40
    assert value("knobs.epochs + steps") is UNKNOWN
    assert value("1 + 1") is UNKNOWN  # a program's own numbers stay as they are written
