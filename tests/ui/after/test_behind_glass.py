"""The test score: of the best network, with its uncertainty, and how often it was asked for."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mnist_demo.experiment.config import Experiment
from mnist_demo.inference.evaluation import evaluate_on_test
from mnist_demo.serving.runs import Run
from mnist_demo.ui.after import behind_glass
from mnist_demo.ui.after.behind_glass import BUSY, DIVERGED, EMPTY, BehindGlass
from mnist_demo.ui.visit import Visit
from tests.ui.trained import ME, YOU, do, ids_of, request_of, tiny_pair, train_pair, unserved_page, visit_of


class Panel:
    """The panel with a trained pair."""

    def __init__(self, visit: Visit, pair_of_runs: list[Run]) -> None:
        self.visit, self.runs = visit, pair_of_runs
        with unserved_page():
            self.glass = BehindGlass(visit, gr.State(()), gr.State(0))

    def ask(self, times: Any = 0, owner: str = ME) -> tuple[str, int]:
        return do(self.glass.ask(ids_of(self.runs), times, request_of(owner)))


@pytest.fixture
def panel(mnist_root: Path, tiny: Experiment) -> Panel:
    visit = visit_of(mnist_root)
    return Panel(visit, train_pair(visit, tiny_pair(tiny)))


def test_both_runs_are_tested_where_their_validation_loss_was_lowest(panel: Panel) -> None:
    html, times = panel.ask()
    assert times == 1
    rows = html.split("<tr>")[2:]
    for row, run in zip(rows, panel.runs, strict=True):
        assert run.best is not None
        accuracy = evaluate_on_test(panel.visit.store.checkpoint(run, run.best), panel.visit.root).accuracy
        assert f"<b>{accuracy:.2%}</b>" in row
        assert f"<td>{run.history[run.best].epoch:.3g}</td>" in row


def test_the_images_that_tell_the_networks_apart_are_counted(panel: Panel) -> None:
    html, _ = panel.ask()
    found = re.search(r"A alone is right on ([\d,]+) images, B alone on ([\d,]+)\.", html)
    assert found
    a_alone, b_alone = (int(number.replace(",", "")) for number in found.groups())
    a, b = (float(share) for share in re.findall(r"<b>([\d.]+)%</b>", html))
    assert a_alone > 0 < b_alone  # equal counts of right answers could still be of other images
    assert 100 * (a - b) == pytest.approx(a_alone - b_alone, abs=1e-6)


def test_asking_again_is_counted(panel: Panel) -> None:
    assert "You have asked once" in panel.ask(0)[0]
    html, times = panel.ask(3)
    assert "asked 4 times" in html
    assert times == 4
    assert panel.ask("many")[1] == 1


def test_a_large_network_is_asked_about_fewer_images(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind_glass, "MULTIPLY_ADDS_PER_TEST", 1.0)
    html, _ = panel.ask()
    run = panel.runs[0]
    assert run.best is not None
    accuracy = evaluate_on_test(panel.visit.store.checkpoint(run, run.best), panel.visit.root, 250).accuracy
    assert f"<b>{accuracy:.2%}</b>" in html
    assert "Asked 250 of the test images" in html


def test_nobody_else_and_nothing_unfinished_is_tested(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert EMPTY in panel.ask(owner=YOU)[0]
    monkeypatch.setattr(Run, "is_busy", True)
    assert panel.ask() == (behind_glass.note_html(BUSY), 0)


def test_a_run_that_diverged_is_told_and_two_are_not_tested(panel: Panel) -> None:
    panel.runs[0].history = [replace(panel.runs[0].history[0], val_loss=math.nan)]
    html, times = panel.ask()
    assert times == 1
    assert "diverged" in html
    assert html.count("<b>") == 1
    panel.runs[1].history = panel.runs[0].history
    assert panel.ask(5) == (behind_glass.note_html(DIVERGED), 5)


def test_a_pair_of_which_one_is_gone_is_not_tested(panel: Panel) -> None:
    panel.visit.store.drop(panel.runs[0])
    assert panel.ask() == (behind_glass.note_html(EMPTY), 0)
