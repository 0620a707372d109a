"""The training loop as it is shown: one line wrong for a mistake, none otherwise."""

import ast

import pytest

from mnist_demo.experiment.choices import Mistake
from mnist_demo.experiment.config import Experiment
from mnist_demo.export.loop_source import training_loop_source


def test_right_loop_has_no_wrong_line() -> None:
    lines, wrong_line, right_line, reason = training_loop_source(Experiment())
    assert (wrong_line, right_line, reason) == (None, None, "")
    order = [next(i for i, line in enumerate(lines) if word in line) for word in ("zero_grad", "backward", ".step()")]
    assert order == sorted(order)
    ast.parse("\n".join(lines))


@pytest.mark.parametrize("mistake", [mistake for mistake in Mistake if mistake is not Mistake.NONE])
@pytest.mark.parametrize("more", [{}, {"label_smoothing": 0.1, "weight_averaging": 0.9, "patience": 2}])
def test_mistake_is_one_line_and_putting_it_right_gives_the_right_loop(
    mistake: Mistake, more: dict[str, object]
) -> None:
    source = training_loop_source(Experiment.from_dict({"mistake": mistake, **more}))
    assert source.wrong_line is not None
    assert source.right_line is not None
    assert source.reason.endswith(".")
    right = training_loop_source(Experiment.from_dict(more)).lines
    repaired = list(source.lines)
    repaired[source.wrong_line] = source.right_line
    if mistake is not Mistake.NO_EVAL:  # there the right loop needs no protection of the random numbers either
        assert repaired == right
    assert source.right_line in right
