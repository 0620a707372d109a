"""What is decided before a training: question, knobs, difference, loop and link are always of one pair."""

import html
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from starlette.datastructures import QueryParams

from mnist_demo.experiment.pair import Pair
from mnist_demo.lessons import lessons
from mnist_demo.lessons.link import KnobAccess, read_link
from mnist_demo.serving.runs import RunStore
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.before.lesson_panel import FREE
from mnist_demo.ui.before.setup import LEFT_LESSON, LOCKED, NO_LINK, Setup
from mnist_demo.ui.visit import Shown
from tests.ui.conftest import ServedApp
from tests.ui.trained import ME, named

# Gradio's queue statistics use a pandas option that pandas has since deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")


NOTICE = "notice"  # stands for the component


def opened(setup: Setup, query: str, visitor: Visitor | None = None) -> Shown:
    return setup.open_link(visitor or Visitor(ME, RunStore()), QueryParams(query).multi_items(), NOTICE)


def knob_values(setup: Setup, shown: Shown) -> list[Any]:
    """The values of the form's fields."""
    return [shown[component]["value"] for component in setup.form.inputs]


def described(setup: Setup, visitor: Visitor, slug: str, access: KnobAccess, values: list[Any]) -> dict[str, Any]:
    visitor.slug = slug
    shown = setup.describe(visitor, access, *values)
    return named(
        shown, {"difference": setup.difference, "loop": setup.loop, "of_b": setup.form.of_b, "query": setup.query}
    )


def test_every_lesson_puts_its_question_and_its_pair_on_the_page(setup: Setup, visitor: Visitor) -> None:
    for each in lessons():
        shown = setup.choose(visitor, each.slug)
        assert shown[setup.panel.chooser] == each.slug
        assert setup.form.read(knob_values(setup, shown)) == each.pair


def test_a_free_experiment_keeps_the_knobs(setup: Setup, visitor: Visitor) -> None:
    for slug in (FREE, "no such lesson", ""):
        shown = setup.choose(visitor, slug)
        assert shown[setup.panel.chooser] == FREE
        assert not set(shown) & set(setup.form.inputs)


def test_the_link_of_what_is_described_opens_it_again(setup: Setup, visitor: Visitor) -> None:
    for query in ("lesson=dropout", "dropout=0.25&b.seed=3", "lesson=overfitting&knobs=locked", "knobs=hidden"):
        shown = opened(setup, query)
        access = KnobAccess(dict(QueryParams(query)).get("knobs", KnobAccess.FREE))
        slug = shown[setup.panel.chooser]
        found = described(setup, visitor, slug, access, knob_values(setup, shown))
        assert "<b>Run B is run A" in found["difference"]
        assert "loss.backward()" in found["loop"]
        first, second = (
            read_link(QueryParams(query).multi_items()),
            read_link(QueryParams(found["query"]).multi_items()),
        )
        assert first == second


def test_knobs_that_have_left_their_lesson_are_told(setup: Setup, visitor: Visitor) -> None:
    def difference(slug: str, values: list[Any]) -> str:
        return html.unescape(described(setup, visitor, slug, KnobAccess.FREE, values)["difference"])

    for each in lessons():
        assert LEFT_LESSON not in difference(each.slug, knob_values(setup, setup.choose(visitor, each.slug)))
        other = Pair(a=each.pair.a.replace(epochs=7), b=each.pair.b.replace(epochs=7))
        changed = knob_values(setup, setup.show(visitor, FREE, other))
        assert LEFT_LESSON in difference(each.slug, changed)
        assert LEFT_LESSON not in difference(FREE, changed)


def test_knobs_that_make_no_pair_are_told_and_make_no_link(setup: Setup, visitor: Visitor) -> None:
    values = knob_values(setup, setup.choose(visitor, lessons()[0].slug))
    values[1] = "many"
    found = described(setup, visitor, FREE, KnobAccess.FREE, values)
    assert re.search(r"\(hidden_sizes\) cannot be .*many", found["difference"])
    assert "loop" not in found
    assert found["query"] == NO_LINK


def test_a_bad_link_leaves_the_defaults_and_says_so(setup: Setup) -> None:
    for query in ("dropout=7", "no_knob=1", "lesson=dropout&seed=1", "dropout=0.1&dropout=0.2", "knobs=open"):
        shown = opened(setup, query)
        assert set(shown) == {NOTICE}
        assert "This link cannot be opened, so the defaults are shown." in shown[NOTICE]
        assert 'role="alert"' in shown[NOTICE]
    assert opened(setup, "") == opened(setup, "__theme=dark") == {}


def test_a_link_that_can_be_used_in_part_is_opened_and_says_so(setup: Setup) -> None:
    shown = opened(setup, "lesson=dropout&knobs=hidden&no_knob=1&utm_source=mail")
    assert shown[setup.panel.chooser] == "dropout"
    assert shown[setup.column].visible is False
    assert "Part of this link could not be used." in shown[NOTICE]
    assert "no_knob" in shown[NOTICE]
    assert "utm_source" not in shown[NOTICE]
    assert opened(setup, "lesson=dropout&utm_source=mail")[NOTICE] == ""
    assert len(opened(setup, "epochs=3&" + "&".join(f"x{index}=1" for index in range(200)))[NOTICE]) < 2000


def test_a_locked_or_hidden_form_cannot_be_changed(setup: Setup) -> None:
    for knobs, is_visible in (("locked", True), ("hidden", False)):
        shown = opened(setup, f"lesson=dropout&knobs={knobs}")
        assert not any(shown[component]["interactive"] for component in setup.form.inputs)
        assert shown[setup.column].visible is is_visible


def test_a_lock_holds_in_every_lesson_and_is_told_until_another_link_is_opened(setup: Setup, visitor: Visitor) -> None:
    opened(setup, "lesson=dropout&knobs=locked", visitor)
    shown = setup.choose(visitor, "memorizing")
    assert not any(shown[component]["interactive"] for component in setup.form.inputs)
    values = knob_values(setup, shown)
    assert LOCKED in described(setup, visitor, "memorizing", KnobAccess.FREE, values)["difference"]
    opened(setup, "lesson=dropout", visitor)
    shown = setup.choose(visitor, "memorizing")
    assert any(shown[component]["interactive"] for component in setup.form.inputs)
    assert LOCKED not in described(setup, visitor, "memorizing", KnobAccess.FREE, values)["difference"]


def test_the_address_follows_and_back_and_forward_stay_in_the_app(page: Page, app: ServedApp) -> None:
    def tab(name: str) -> Locator:
        return page.get_by_role("tab", name=name, exact=True)

    page.goto(f"{app.address}/?__theme=light&lesson=dropout&knobs=locked")
    question = page.locator("#question")
    expect(question).to_contain_text("switches off half")
    page.locator("#lesson input").first.click()
    page.get_by_role("option").nth(1).click()
    expect(page).to_have_url(re.compile(r"\?lesson=overfitting&__theme=light&knobs=locked$"))
    expect(page.locator("#difference")).to_contain_text(LOCKED)
    expect(page.locator("#knob-epochs input").first).to_be_disabled()
    tab("Basics").click()
    expect(page).to_have_url(re.compile("#basics$"))
    page.go_back()
    expect(tab("Train")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(question).to_contain_text("switches off half")
    expect(page.locator("#knob-epochs input").first).to_be_disabled()
    page.go_forward()
    expect(question).to_contain_text("Run A learns from 1,000 images")
    page.goto(f"{app.address}/?lesson=dropout")
    expect(question).to_contain_text("switches off half")
    for epochs in ("30", "31"):  # one step of the history, whatever is typed after it
        page.locator("#knob-epochs input").first.fill(epochs)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"epochs={epochs}"))
    page.go_back()
    expect(page).to_have_url(re.compile("lesson=dropout$"))
    expect(question).to_contain_text("switches off half")
    page.goto(f"{app.address}/?epochs=3&b.seed=1#draw")
    expect(tab("Draw")).to_have_attribute("aria-selected", "true")
    tab("Train").click()
    page.locator("#knob-dropout input[type=number]").fill("0.25")
    expect(page).to_have_url(re.compile(r"\?dropout=0.25&epochs=3&b.seed=1$"))
    page.reload()
    expect(page.locator("#knob-dropout input[type=number]")).to_have_value("0.25")


def test_a_pair_of_equals_is_said_to_be_one(setup: Setup, visitor: Visitor) -> None:
    pair = lessons()[0].pair
    values = knob_values(setup, setup.show(visitor, FREE, Pair(a=pair.a, b=pair.a)))
    assert "no knob differs" in described(setup, visitor, FREE, KnobAccess.FREE, values)["difference"]
