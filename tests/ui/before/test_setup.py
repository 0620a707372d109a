"""What is decided before a training: question, knobs, difference, loop and link are always of one pair."""

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest
from starlette.datastructures import QueryParams

from mnist_demo.experiment.pair import Pair
from mnist_demo.lessons import lessons
from mnist_demo.lessons.link import KnobAccess, read_link
from mnist_demo.ui.before.hint_panel import HintPanel
from mnist_demo.ui.before.lesson_panel import FREE
from mnist_demo.ui.before.setup import LEFT_LESSON, NO_LINK, Setup
from tests.ui.trained import unserved_page, visit_of

# Gradio's queue statistics use a pandas option that pandas has since deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")


@dataclass(frozen=True)
class OpenedBy:
    """The one thing of a page request that opening a link looks at."""

    query_params: QueryParams


@pytest.fixture
def setup(mnist_root: Path) -> Setup:
    with unserved_page():
        made = Setup(visit_of(mnist_root))
        made.build_question()
        made.panel.build_answer()
        hints = HintPanel()
        made.build_loop()
        made.build_knobs()
        made.connect(hints, gr.State(()))
    return made


def opened(setup: Setup, query: str) -> list[Any]:
    return setup.open_link(cast(gr.Request, OpenedBy(QueryParams(query))))


def knob_values(setup: Setup, shown: list[Any]) -> list[Any]:
    """The values of the form's fields among what `show` returned."""
    return [update["value"] for update in shown[len(setup.panel.outputs) : len(setup.outputs)]]


def test_every_lesson_puts_its_question_and_its_pair_on_the_page(setup: Setup) -> None:
    for each in lessons():
        shown = setup.choose(each.slug)
        assert shown[0] == each.slug
        assert setup.form.read(knob_values(setup, shown)) == each.pair


def test_a_free_experiment_keeps_the_knobs(setup: Setup) -> None:
    for slug in (FREE, "no such lesson", None, 5):
        shown = setup.choose(slug)
        assert shown[0] == FREE
        assert all(update == gr.skip() for update in shown[len(setup.panel.outputs) :])


def test_the_link_of_what_is_described_opens_it_again(setup: Setup) -> None:
    for query in ("lesson=dropout", "dropout=0.25&b.seed=3", "lesson=overfitting&knobs=locked", "knobs=hidden"):
        shown = opened(setup, query)
        values = knob_values(setup, shown)
        chosen = dict(QueryParams(query)).get("knobs", KnobAccess.FREE)
        difference, loop, again = setup.describe(shown[0], chosen, *values)
        assert "<b>B = A" in difference
        assert "loss.backward()" in loop
        first, second = read_link(QueryParams(query).multi_items()), read_link(QueryParams(again).multi_items())
        assert first == second


def test_knobs_that_have_left_their_lesson_are_told(setup: Setup) -> None:
    for each in lessons():
        values = knob_values(setup, setup.choose(each.slug))
        assert LEFT_LESSON not in setup.describe(each.slug, KnobAccess.FREE, *values)[0]
        other = Pair(a=each.pair.a.replace(epochs=7), b=each.pair.b.replace(epochs=7))
        changed = knob_values(setup, setup.show(FREE, other))
        assert html.escape(LEFT_LESSON) in setup.describe(each.slug, KnobAccess.FREE, *changed)[0]
        assert LEFT_LESSON not in html.unescape(setup.describe(FREE, KnobAccess.FREE, *changed)[0])


def test_knobs_that_make_no_pair_are_told_and_make_no_link(setup: Setup) -> None:
    values = knob_values(setup, setup.choose(lessons()[0].slug))
    values[1] = "many"
    difference, loop, query = setup.describe(FREE, KnobAccess.FREE, *values)
    assert re.search(r"\(hidden_sizes\) cannot be .*many", difference)
    assert loop == gr.skip()
    assert query == NO_LINK


def test_a_bad_link_leaves_the_defaults_and_says_so(setup: Setup) -> None:
    for query in ("dropout=7", "no_knob=1", "lesson=dropout&seed=1", "dropout=0.1&dropout=0.2", "knobs=open"):
        *rest, notice = opened(setup, query)
        assert all(update == gr.skip() for update in rest)
        assert "This link cannot be opened, so the defaults are shown." in notice
        assert 'role="alert"' in notice
    assert all(update == gr.skip() for update in opened(setup, ""))
    assert all(update == gr.skip() for update in opened(setup, "__theme=dark"))


def test_a_link_that_can_be_used_in_part_is_opened_and_says_so(setup: Setup) -> None:
    *shown, notice = opened(setup, "lesson=dropout&knobs=hidden&no_knob=1&utm_source=mail")
    assert shown[0] == "dropout"
    assert shown[-1].visible is False
    assert "Part of this link could not be used." in notice
    assert "no_knob" in notice
    assert "utm_source" not in notice
    assert opened(setup, "lesson=dropout&utm_source=mail")[-1] == ""
    assert len(opened(setup, "epochs=3&" + "&".join(f"x{index}=1" for index in range(200)))[-1]) < 2000


def test_a_locked_or_hidden_form_cannot_be_changed(setup: Setup) -> None:
    for knobs, is_visible in (("locked", True), ("hidden", False)):
        shown = opened(setup, f"lesson=dropout&knobs={knobs}")
        fields = shown[len(setup.panel.outputs) : len(setup.outputs)]
        assert not any(field["interactive"] for field in fields)
        assert shown[len(setup.outputs)].visible is is_visible


def test_a_pair_of_equals_is_said_to_be_one(setup: Setup) -> None:
    pair = lessons()[0].pair
    shown = setup.show(FREE, Pair(a=pair.a, b=pair.a))
    difference, *_ = setup.describe(FREE, KnobAccess.FREE, *knob_values(setup, shown))
    assert "no knob differs" in difference
