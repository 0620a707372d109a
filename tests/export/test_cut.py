"""Cutting the program: branches, values and loops follow from the knobs, and what nobody needs goes."""

import ast

from mnist_demo.experiment.config import Experiment
from mnist_demo.export import cut, syntax
from mnist_demo.export.cut import parts


def text_of(**knobs: object) -> str:
    return "\n".join(part.text for part in parts(Experiment.from_dict(knobs)))


def test_parts_are_the_functions_that_are_called_and_the_statements_between() -> None:
    found = parts(Experiment())
    assert [part.name for part in found if part.is_function] == ["normalize", "criterion", "evaluate", "train"]
    assert "augment" in [part.name for part in parts(Experiment(augmentation="shift"))]  # type: ignore[arg-type]


def test_a_knob_that_is_off_is_no_argument() -> None:
    assert "weight_decay" not in text_of(optimizer="sgd")
    assert "weight_decay=0.01" in text_of(optimizer="sgd", weight_decay=0.01)
    assert "decay = 0.0" in text_of(optimizer="adamw")  # AdamW would take 0.01


def test_a_long_epoch_is_measured_several_times_only_where_that_decides() -> None:
    assert "for first, last in" not in text_of(train_size=55_000)
    assert "for first, last in [(0, 287), (287, 574), (574, 860)]:" in text_of(train_size=55_000, patience=2)


def test_imports_are_those_of_the_names_used() -> None:
    assert cut.imports("torch.zeros(1)\nmath.pi") == ["import math", "", "import torch"]
    assert cut.imports("nn.ReLU") == ["from torch import nn"]


def test_all_knobs_values_are_written_in() -> None:
    for knobs in ({}, {"schedule": "one_cycle"}, {"network": "deep_cnn", "label_noise": 0.3, "mistake": "no_eval"}):
        names = syntax.names_in(ast.parse(text_of(**knobs)))
        assert "knobs" not in names
        assert not any(name.isupper() and len(name) > 1 for name in names)
