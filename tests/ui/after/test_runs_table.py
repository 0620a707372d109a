"""The table of a visitor's runs: what it says, what may be laid over the curves, names, deletion."""

from pathlib import Path
from typing import Any

import pytest

from mnist_demo.errors import RunError, UnknownRun
from mnist_demo.experiment.config import Experiment
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.after.runs_table import MAX_OVERLAY, RunsTable, checked_name
from mnist_demo.ui.run_view import PairView
from mnist_demo.ui.visit import Lab, Shown
from tests.ui.trained import YOU, lab_of, named, tiny_pair, train_pair, unserved_page


class Panel:
    """The table with two trained pairs, the second on the page."""

    def __init__(self, lab: Lab, short: Experiment) -> None:
        self.lab = lab
        self.earlier = train_pair(lab, tiny_pair(short)).pair
        self.visitor: Visitor = train_pair(lab, tiny_pair(short, dropout=0.5))
        with unserved_page():
            view = PairView()
            view.build_charts()
            view.build_cards()
            self.table = RunsTable(lab, view)
        self.parts = {"curves": view.charts, "cards": view.cards, "message": self.table.message}
        self.parts |= {"table": self.table.table, "shown": self.table.shown}
        self.parts |= {"editing": self.table.editing, "which": self.table.which, "undo": self.table.undo}

    def named(self, shown: Shown) -> dict[str, Any]:
        return named(shown, self.parts)

    def refresh(self) -> dict[str, Any]:
        return self.named(self.table.refresh(self.visitor))


@pytest.fixture
def panel(mnist_root: Path, tiny: Experiment) -> Panel:
    return Panel(lab_of(mnist_root), tiny.replace(epochs=1))


def test_the_table_tells_what_differs_and_what_was_reached(panel: Panel) -> None:
    table = panel.refresh()["table"]
    rows = table.split("<tr>")[2:]
    assert ["2B" in rows[0], "2A" in rows[1], "1B" in rows[2], "1A" in rows[3]] == [True] * 4
    assert "dropout 0.5" in rows[0]
    assert "dropout" not in rows[1]
    run = panel.earlier[1]
    assert run.best is not None
    assert f"{run.history[run.best].val_loss:.3f}" in rows[2]
    assert f"{run.history[-1].val_accuracy:.1%}" in rows[2]
    assert "finished" in rows[2]
    assert ['title="run B"' in rows[0], 'title="run A"' in rows[1], "title=" in rows[2]] == [True, True, False]


def test_earlier_runs_can_be_laid_over_the_curves(panel: Panel) -> None:
    assert [name for name, _ in panel.refresh()["shown"].choices] == ["1A", "1B"]
    chosen = [panel.earlier[1].id, "no such id", panel.visitor.pair_ids[0]]
    shown = panel.named(panel.table.lay_over(panel.visitor, chosen))
    assert panel.visitor.overlay == [panel.earlier[1]]
    assert [run["name"] for run in shown["curves"]["runs"]] == ["A", "B", "1B"]
    assert [run["name"] for run in panel.refresh()["curves"]["runs"]] == ["A", "B", "1B"]


def test_no_more_than_six_curves(panel: Panel, tiny: Experiment) -> None:
    pair = panel.visitor.pair_ids
    for _ in range(2):
        train_pair(panel.lab, tiny_pair(tiny.replace(epochs=1)))
    panel.visitor.pair_ids = pair
    chosen = [run.id for run in panel.visitor.runs if run.id not in pair]
    shown = panel.named(panel.table.lay_over(panel.visitor, chosen))
    assert len(chosen) > MAX_OVERLAY
    assert len(shown["curves"]["runs"]) == MAX_OVERLAY + 2
    assert shown["shown"] == chosen[:MAX_OVERLAY]  # the boxes say the same
    assert "At most 4 runs" in shown["message"]


def test_a_new_name_appears_everywhere_and_is_escaped(panel: Panel) -> None:
    run = panel.earlier[0]
    panel.visitor.overlay_ids = (run.id,)
    shown = panel.named(panel.table.rename(panel.visitor, run.id, " <b>wide</b> "))
    assert run.name == "<b>wide</b>"
    assert "&lt;b&gt;wide" in shown["table"]
    assert "<b>wide" not in shown["table"]
    assert "<b>wide</b>" in [name for name, _ in shown["shown"].choices]
    assert shown["which"]["value"] == run.id  # not another one, that the next click would delete
    with pytest.raises(RunError, match="taken"):
        panel.table.rename(panel.visitor, panel.earlier[1].id, "<b>wide</b>")
    assert panel.earlier[1].name == "1B"


@pytest.mark.parametrize("name", ["", "  ", "x" * 31, "a\nb", "a\x00", "\u202ea", "A", "1A"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(RunError, match=r"[.]$"):
        checked_name(name, ["1A"])


def test_deleting_forgets_a_run_but_not_those_on_the_page(panel: Panel) -> None:
    run = panel.earlier[0]
    panel.visitor.overlay_ids = (run.id,)
    shown = panel.named(panel.table.delete(panel.visitor, run.id))
    assert run not in panel.visitor.runs
    assert [curve["name"] for curve in shown["curves"]["runs"]] == ["A", "B"]
    assert "1A" not in shown["table"]
    with pytest.raises(RunError, match="on the page"):
        panel.table.delete(panel.visitor, panel.visitor.pair_ids[0])
    assert len(panel.visitor.runs) == 3


def test_a_deleted_run_comes_back_in_its_place(panel: Panel) -> None:
    before = panel.visitor.runs
    run = panel.earlier[0]
    shown = panel.table.delete(panel.visitor, run.id)
    assert (shown[panel.table.undo].visible, shown[panel.table.undo].value) == (True, "Bring run 1A back")
    shown = panel.table.undelete(panel.visitor)
    assert panel.visitor.runs == before
    assert shown[panel.table.undo].visible is False
    with pytest.raises(RunError, match="nothing to bring back"):
        panel.table.undelete(panel.visitor)


def test_another_visitor_sees_and_changes_nothing(panel: Panel) -> None:
    run, other = panel.earlier[0], panel.lab.visitors.of(YOU)
    assert "1A" not in panel.table.refresh(other)[panel.table.table]
    assert panel.table.lay_over(other, [run.id]) == {}
    for change in (lambda: panel.table.rename(other, run.id, "mine"), lambda: panel.table.delete(other, run.id)):
        with pytest.raises(UnknownRun, match="no longer there"):
            change()
    assert run.name == "1A"
    assert run in panel.visitor.runs
