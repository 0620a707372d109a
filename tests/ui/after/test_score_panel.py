"""The test score: of the best network, with its uncertainty, and how often it was asked for."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.inference.evaluation import evaluate_on_test
from mnist_demo.serving import scores
from mnist_demo.serving.runs import Run
from mnist_demo.serving.scores import BUSY, DIVERGED
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.after.score_panel import EMPTY, ScorePanel
from mnist_demo.ui.visit import Lab
from tests.ui.trained import YOU, do, lab_of, tiny_pair, train_pair, unserved_page


class Panel:
    """The panel with a trained pair."""

    def __init__(self, lab: Lab, visitor: Visitor) -> None:
        self.visitor, self.runs = visitor, visitor.pair
        with unserved_page():
            self.glass = ScorePanel(lab)

    def ask(self) -> str:
        return str(do(self.glass.ask(self.visitor))[self.glass.result])

    def accuracy(self, run: Run, root: Path, images: int = 10_000) -> float:
        assert run.best is not None
        return evaluate_on_test(self.visitor.store.checkpoint(run, run.best), root, images).accuracy


@pytest.fixture
def panel(mnist_root: Path, tiny: Experiment) -> Panel:
    lab = lab_of(mnist_root)
    return Panel(lab, train_pair(lab, tiny_pair(tiny)))


def test_both_runs_are_tested_where_their_validation_loss_was_lowest(panel: Panel, mnist_root: Path) -> None:
    rows = panel.ask().split("<tr>")[2:]
    for row, run in zip(rows, panel.runs, strict=True):
        assert run.best is not None
        assert f"<b>{panel.accuracy(run, mnist_root):.2%}</b>" in row
        assert f"<td>{run.history[run.best].epoch:.3g}</td>" in row


def test_the_images_that_tell_the_networks_apart_are_counted(panel: Panel) -> None:
    html = panel.ask()
    found = re.search(r"A alone is right on ([\d,]+) images, B alone on ([\d,]+)\.", html)
    assert found
    a_alone, b_alone = (int(number.replace(",", "")) for number in found.groups())
    a, b = (float(share) for share in re.findall(r"<b>([\d.]+)%</b>", html))
    assert a_alone > 0 < b_alone  # equal counts of right answers could still be of other images
    assert 100 * (a - b) == pytest.approx(a_alone - b_alone, abs=1e-6)


def test_asking_again_is_counted(panel: Panel) -> None:
    assert "You have tested once" in panel.ask()
    again = panel.ask()
    assert "tested 2 times" in again
    counted = re.search(r"On this machine ([\d,]+) networks have been tested on them so far", again)
    assert counted
    assert int(counted[1].replace(",", "")) >= 4  # two pairs, and what other tests have asked


def test_a_large_network_is_asked_about_fewer_images(
    panel: Panel, mnist_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "MULTIPLY_ADDS_PER_TEST", 1.0)
    html = panel.ask()
    assert f"<b>{panel.accuracy(panel.runs[0], mnist_root, 250):.2%}</b>" in html
    assert "Only 250 test images were used" in html


def test_nobody_else_and_nothing_unfinished_is_tested(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "is_busy", True)
    with pytest.raises(RunError, match=re.escape(BUSY)):
        panel.ask()
    panel.visitor = replace(panel.visitor, id=YOU)
    assert EMPTY in panel.ask()


def test_a_run_that_diverged_is_told_and_two_are_not_tested(panel: Panel) -> None:
    panel.runs[0].history = [replace(panel.runs[0].history[0], val_loss=math.nan)]
    html = panel.ask()
    assert "diverged" in html
    assert html.count("<b>") == 1
    panel.runs[1].history = panel.runs[0].history
    with pytest.raises(RunError, match=re.escape(DIVERGED)):
        panel.ask()
    assert panel.visitor.tests_asked == 1


def test_a_pair_of_which_one_is_gone_is_not_tested(panel: Panel) -> None:
    panel.visitor.store.drop(panel.runs[0])
    assert EMPTY in panel.ask()
