"""Running an example: what it shows, the error that ends it, and the line that raised it."""

import inspect

import torch

from mnist_demo.basics.controls import Number
from mnist_demo.basics.example import ErrorLesson, example


@example(
    "Add two tensors",
    Number("size", "size", 3, 1, 9),
    mistakes=[ErrorLesson("must match the size", "Sizes must agree.")],
)
def add(show: object, size: int) -> None:
    """Adds three numbers
    to as many."""
    assert callable(show)
    show("before")
    show(torch.ones(3) + torch.ones(size))


def test_name_and_text_come_from_the_function() -> None:
    assert (add.name, add.title, add.teaching) == ("add", "Add two tensors", "Adds three numbers to as many.")


def test_what_was_shown_before_an_error_stays() -> None:
    fine = add.run({"size": 3}, {}, str)
    assert (fine.blocks, fine.raised) == (("before", "tensor([2., 2., 2.])"), None)
    broken = add.run({"size": 4}, {}, str)
    assert broken.blocks == ("before",)
    assert broken.raised is not None
    assert (broken.raised.kind, broken.raised.lesson) == ("RuntimeError", "Sizes must agree.")
    source, first = inspect.getsourcelines(add.function)
    assert broken.raised.line is not None
    assert "torch.ones(size)" in source[broken.raised.line - first]


def test_an_error_that_no_lesson_knows_is_told_in_its_own_words() -> None:
    raised = add.explain(ValueError("\x1b[31mred\x1b[0m words"))
    assert (raised.message, raised.lesson, raised.line) == ("red words", "", None)
