"""The table of a visitor's runs: what it says, what may be laid over the curves, names, deletion."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.serving.runs import Run
from mnist_demo.ui.after.runs_table import MAX_CURVES, RunsTable, checked_name
from mnist_demo.ui.components.curves import create_curves
from mnist_demo.ui.visit import Visit
from tests.ui.trained import ME, YOU, ids_of, request_of, tiny_pair, train_pair, unpacked, unserved_page, visit_of


class Panel:
    """The table with two trained pairs, the second on the page."""

    def __init__(self, visit: Visit, earlier: list[Run], pair_of_runs: list[Run]) -> None:
        self.visit, self.earlier, self.ids = visit, earlier, ids_of(pair_of_runs)
        with unserved_page():
            self.table = RunsTable(visit, create_curves(), gr.State(()), gr.State(0), gr.State(()))

    def refresh(self, overlay: Any = (), owner: str = ME) -> dict[str, Any]:
        return named(self.table.refresh(self.ids, overlay, request_of(owner)))


def named(values: list[Any]) -> dict[str, Any]:
    names = ["table", "shown", "editing", "which", "overlay", "curves", "message"]
    return dict(zip(names, map(unpacked, values), strict=True))


@pytest.fixture
def panel(mnist_root: Path, tiny: Experiment) -> Panel:
    visit = visit_of(mnist_root)
    short = tiny.replace(epochs=1)
    return Panel(visit, train_pair(visit, tiny_pair(short)), train_pair(visit, tiny_pair(short, dropout=0.5)))


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
    chosen = [panel.earlier[1].id, "no such id", panel.ids[0]]
    overlay, curves, message = panel.table.lay_over(chosen, panel.ids, request_of(ME))
    assert overlay == (panel.earlier[1].id,)
    assert [run["name"] for run in unpacked(curves)["runs"]] == ["A", "B", "1B"]
    assert message == ""
    assert [run["name"] for run in panel.refresh(overlay)["curves"]["runs"]] == ["A", "B", "1B"]


def test_no_more_than_six_curves(panel: Panel, tiny: Experiment) -> None:
    more = [run for _ in range(2) for run in train_pair(panel.visit, tiny_pair(tiny.replace(epochs=1)))]
    chosen = list(ids_of([*panel.earlier, *more]))
    _, curves, message = panel.table.lay_over(chosen, panel.ids, request_of(ME))
    assert len(unpacked(curves)["runs"]) == MAX_CURVES
    assert "six curves" in message


def test_a_new_name_appears_everywhere_and_is_escaped(panel: Panel) -> None:
    run = panel.earlier[0]
    shown = named(panel.table.rename(run.id, " <b>wide</b> ", panel.ids, (run.id,), request_of(ME)))
    assert run.name == "<b>wide</b>"
    assert "&lt;b&gt;wide" in shown["table"]
    assert "<b>wide" not in shown["table"]
    assert "<b>wide</b>" in [name for name, _ in shown["shown"].choices]
    assert shown["which"]["value"] == run.id  # not another one, that the next click would delete
    refused = named(panel.table.rename(panel.earlier[1].id, "<b>wide</b>", panel.ids, (), request_of(ME)))
    assert "taken" in refused["message"]
    assert panel.earlier[1].name == "1B"


@pytest.mark.parametrize("name", ["", "  ", None, 5, ["x"], "x" * 31, "a\nb", "a\x00", "\u202ea", "A", "1A"])
def test_bad_names_are_refused(name: Any) -> None:
    with pytest.raises(RunError, match=r"[.]$"):
        checked_name(name, ["1A"])


def test_deleting_forgets_a_run_but_not_those_on_the_page(panel: Panel) -> None:
    run = panel.earlier[0]
    shown = named(panel.table.delete(run.id, panel.ids, (run.id,), request_of(ME)))
    assert run not in panel.visit.store.of_owner(ME)
    assert shown["overlay"] == ()
    assert "1A" not in shown["table"]
    kept = named(panel.table.delete(panel.ids[0], panel.ids, (), request_of(ME)))
    assert "on the page" in kept["message"]
    assert len(panel.visit.store.of_owner(ME)) == 3


def test_another_visitor_sees_and_changes_nothing(panel: Panel) -> None:
    run = panel.earlier[0]
    assert "1A" not in panel.refresh(owner=YOU)["table"]
    assert panel.table.lay_over([run.id], panel.ids, request_of(YOU))[0] == ()
    for answer in (
        panel.table.rename(run.id, "mine now", panel.ids, (), request_of(YOU)),
        panel.table.delete(run.id, panel.ids, (), request_of(YOU)),
    ):
        assert "no longer there" in named(answer)["message"]
    assert run.name == "1A"
    assert run in panel.visit.store.of_owner(ME)
