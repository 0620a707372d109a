"""What is decided before a training, as plain objects: the parts of the page, and a visitor without runs."""

from pathlib import Path

import pytest

from mnist_demo.serving.runs import RunStore
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.before.hint_panel import HintPanel
from mnist_demo.ui.before.setup import Setup
from tests.ui.trained import ME, lab_of, unserved_page


@pytest.fixture
def setup(mnist_root: Path) -> Setup:
    with unserved_page():
        made = Setup(lab_of(mnist_root))
        made.build_question()
        made.panel.build_answer()
        hints = HintPanel()
        made.build_loop()
        made.build_knobs()
        made.connect(hints)
    return made


@pytest.fixture
def visitor() -> Visitor:
    return Visitor(ME, RunStore())
