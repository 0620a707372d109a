"""Hints on a pair: whose each is, what holds for both said once, at most three, each with the run B it advises."""

import pytest

from mnist_demo.errors import RunError
from mnist_demo.experiment.pair import Pair
from mnist_demo.hints import Kind
from mnist_demo.serving.runs import Run, RunStore
from mnist_demo.ui.before.hint_panel import BOTH, SLOTS, HintPanel, found_hints
from tests.histories import history_of, recorded
from tests.ui.trained import ME, unserved_page

BROKEN, SOUND = "mistake=softmax_cross_entropy", "epochs=10&train_size=5000&dropout=0.2"


def run_of(query: str) -> Run:
    """A recorded run, seen to its end."""
    experiment, history = history_of(query)
    run = RunStore().create(experiment, ME, "1A")
    run.training.history, run.training.step = list(history), history[-1].step
    run.see(history[-1].step)
    return run


@pytest.fixture
def panel() -> HintPanel:
    with unserved_page():
        return HintPanel()


def test_a_hint_is_told_under_the_name_of_its_run_with_what_it_changes(panel: HintPanel) -> None:
    broken, sound = run_of(BROKEN), run_of(SOUND)
    for pair_of_runs, name in (([broken, sound], "A"), ([sound, broken], "B")):
        shown = panel.show(pair_of_runs)
        assert f"<p><b>Run {name}</b> · {Kind.BUG}</p>" in shown[panel.texts[0]].value
        assert shown[panel.buttons[0]].visible
        assert shown[panel.buttons[0]].value.startswith("Try as run B: mistake ")
        assert panel.suggestion(pair_of_runs, 0) == Pair(
            a=broken.experiment, b=broken.experiment.replace(mistake="none")
        )


def test_what_holds_for_both_is_said_once(panel: HintPanel) -> None:
    twins = [run_of(BROKEN), run_of(BROKEN)]
    found = found_hints(twins)
    assert [each.name for each in found] == [BOTH]
    assert panel.show(twins)[panel.texts[0]].value.startswith("<p><b>Runs A and B</b> · ")


def test_there_are_never_more_than_fit_and_none_is_said_twice() -> None:
    runs = [run_of(query) for query in list(recorded())[:12]]
    found = [found_hints([a, b]) for a in runs for b in runs]
    assert max(map(len, found)) <= SLOTS == 3
    assert max(map(len, found)) > 1
    assert all(len({each.hint.text for each in some}) == len(some) for some in found)


def test_what_was_just_trained_beside_it_is_not_offered_again(panel: HintPanel) -> None:
    broken = run_of(BROKEN)
    repaired = run_of("")
    assert found_hints([broken, repaired])[0].suggested == repaired.experiment
    shown = panel.show([broken, repaired])
    assert shown[panel.texts[0]].visible
    assert not shown[panel.buttons[0]].visible


def test_without_two_measured_runs_every_hint_is_hidden(panel: HintPanel) -> None:
    broken = run_of(BROKEN)
    unseen = RunStore().create(broken.experiment, ME, "1B")
    for runs in ([], [broken], [broken, unseen]):
        shown = panel.show(runs)
        assert set(shown) == set(panel.outputs)
        assert not any(part.visible for part in shown.values())


def test_a_hint_that_is_gone_is_told(panel: HintPanel) -> None:
    for slot in range(SLOTS):
        with pytest.raises(RunError, match=r"^This hint is no longer there: train again\.$"):
            panel.suggestion([], slot)
