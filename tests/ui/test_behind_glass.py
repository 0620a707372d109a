"""The test score: of the best network, with its uncertainty, and how often it was asked for."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mnist_demo.config import Experiment
from mnist_demo.evaluation import evaluate_on_test
from mnist_demo.runs import Run
from mnist_demo.ui import behind_glass
from mnist_demo.ui.behind_glass import BUSY, EMPTY, BehindGlass, score_text
from mnist_demo.ui.visit import Visit
from tests.ui.trained import ME, YOU, do, ids_of, request_of, tiny_pair, train_pair, unserved_page, visit_of


class Panel:
    """The panel with a trained pair."""

    def __init__(self, visit: Visit, pair_of_runs: list[Run]) -> None:
        self.visit, self.runs = visit, pair_of_runs
        with unserved_page():
            self.glass = BehindGlass(visit, gr.State(()))

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
        assert score_text(accuracy, 10_000) in row
        assert f"<td>{run.history[run.best].epoch:.3g}</td>" in row


def test_asking_again_is_counted(panel: Panel) -> None:
    assert "You have asked once" in panel.ask(0)[0]
    html, times = panel.ask(3)
    assert "asked 4 times" in html
    assert times == 4
    assert panel.ask("many")[1] == 1


def test_a_large_network_is_asked_about_the_first_images(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind_glass, "MULTIPLY_ADDS_PER_TEST", 1.0)
    html, _ = panel.ask()
    run = panel.runs[0]
    assert run.best is not None
    accuracy = evaluate_on_test(panel.visit.store.checkpoint(run, run.best), panel.visit.root, 250).accuracy
    assert f"{score_text(accuracy, 250)} of the first 250" in html


def test_nobody_else_and_nothing_unfinished_is_tested(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert EMPTY in panel.ask(owner=YOU)[0]
    monkeypatch.setattr(Run, "is_busy", True)
    assert panel.ask() == (behind_glass.note_html(BUSY), 0)


def test_the_uncertainty_is_that_of_counting() -> None:
    assert score_text(0.5, 10_000) == "50.00% ± 0.98%"
    assert score_text(1.0, 10_000) == "100.00% ± 0.00%"
