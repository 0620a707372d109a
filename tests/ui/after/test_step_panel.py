"""Step by step on the page: presses are remembered, shown latest first, and refused in a sentence."""

import pytest

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData
from mnist_demo.learning.step_by_step import Press, replay
from mnist_demo.ui.after.step_panel import WHOLE_STEP, bench_html, checked


def test_a_whole_step_is_every_line_once_in_order(tiny: Experiment, tiny_data: TrainingData) -> None:
    assert WHOLE_STEP == (Press.BATCH, Press.ZERO_GRAD, Press.FORWARD, Press.LOSS, Press.BACKWARD, Press.STEP)
    html = bench_html(tiny, replay(tiny, WHOLE_STEP, tiny_data))
    assert html.index("6 step") < html.index("1 batch")
    assert "<code>optimizer.step()</code><br>The weight moved by" in html


def test_what_python_refuses_is_told_as_an_error(tiny: Experiment, tiny_data: TrainingData) -> None:
    html = bench_html(tiny, replay(tiny, [Press.FORWARD], tiny_data))
    assert 'class="mnist-error"' in html
    assert "1 forward, refused" in html


def test_a_batch_too_heavy_to_be_replayed_is_refused() -> None:
    assert checked(Experiment()) == Experiment()
    with pytest.raises(RunError, match="too large to be taken apart"):
        checked(Experiment.from_dict({"network": "deep_cnn", "batch_size": 2048}))


def test_a_step_with_own_digits_is_not_taken_apart() -> None:
    with pytest.raises(RunError, match="set My digits to none"):
        checked(Experiment(own_digits="0123456789abcdef"))
