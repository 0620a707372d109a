"""A lesson on the page: guessed before the first point, counted, its answer kept back, and a next one for each."""

import pytest
from playwright.sync_api import Page, expect

from mnist_demo.lessons import lesson, lessons
from mnist_demo.lessons.link import KnobAccess
from mnist_demo.serving.visitors import Guess, Visitor
from mnist_demo.ui.before.lesson_panel import FREE, gives_away, score_sentence
from mnist_demo.ui.before.setup import HIDDEN, Setup
from tests.ui.conftest import ServedApp

pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")


def test_next_leads_from_the_first_lesson_through_all_of_them(setup: Setup) -> None:
    slug, seen = lessons()[0].slug, []
    while slug not in seen and slug != FREE:
        seen.append(slug)
        slug, pair = setup.panel.suggestion(slug, 0)
        following = lesson(slug)
        assert following is None or pair == following.pair
    assert seen == [each.slug for each in lessons()]


def test_the_first_guess_is_locked_when_the_training_begins(setup: Setup, visitor: Visitor) -> None:
    chosen = lessons()[0]
    other = lessons()[1].pair
    assert setup.lock(visitor, other, chosen.slug, Guess(1)) == {}  # not the lesson's knobs
    shown = setup.lock(visitor, chosen.pair, chosen.slug, Guess(1, is_certain=True))
    assert set(setup.lock_outputs) == set(shown)
    assert not shown[setup.panel.guess].interactive
    assert not shown[setup.panel.certainty].interactive
    setup.lock(visitor, chosen.pair, chosen.slug, Guess(0))  # trained again, after the answer
    assert visitor.guesses == {chosen.slug: Guess(1, is_certain=True)}
    again = setup.choose(visitor, chosen.slug)
    assert (again[setup.panel.guess].value, again[setup.panel.guess].interactive) == (1, False)
    assert (again[setup.panel.certainty].value, again[setup.panel.certainty].interactive) == (1, False)
    setup.lock(visitor, other, lessons()[1].slug, Guess(99))
    assert visitor.guesses[lessons()[1].slug] == Guess(None)


def test_a_wrong_line_is_not_named_before_the_guess(setup: Setup, visitor: Visitor) -> None:
    hidden = [each for each in lessons() if gives_away(each.slug, each.pair, {})]
    assert {each.pair.b.mistake for each in hidden} > {"no_zero_grad", "no_shuffle", "no_eval"}
    for chosen in hidden:
        shown = setup.choose(visitor, chosen.slug)
        values = [shown[component]["value"] for component in setup.form.inputs]
        told = setup.describe(visitor, KnobAccess.FREE, *values)
        assert told[setup.difference] == HIDDEN
        assert not shown[setup.form.of_b].visible
        assert "<mark" not in told[setup.loop]
        named = setup.lock(visitor, chosen.pair, chosen.slug, Guess(0))
        assert "mistake" in named[setup.difference].lower()
        assert 'class="mnist-of-b"' in named[setup.loop]
        assert named[setup.form.of_b].visible
        assert setup.describe(visitor, KnobAccess.FREE, *values)[setup.difference] != HIDDEN


def test_guesses_are_counted() -> None:
    first, second, third = lessons()[:3]
    assert score_sentence({}) == score_sentence({first.slug: Guess(None)}) == ""
    guesses = {
        first.slug: Guess(first.answer, True),
        second.slug: Guess((second.answer + 1) % 3),
        third.slug: Guess(None),
    }
    assert score_sentence(guesses) == "(1 of 2 guessed right so far; 1 of the 1 you were certain of.)"
    wrong = {second.slug: Guess((second.answer + 1) % 3)}
    assert score_sentence(wrong) == "(0 of 1 guessed right so far.)"


@pytest.mark.timeout(180)
def test_a_lesson_done_is_ticked_and_stays_so_in_this_browser(page: Page, app: ServedApp) -> None:
    page.goto(f"{app.address}/?lesson=nll-on-logits")
    expect(page.locator("#question")).to_contain_text("B gives its logits to NLLLoss")
    page.locator("#guess label").nth(1).click()
    page.locator("#train").click()
    expect(page.locator("#answer")).to_contain_text("You guessed right", timeout=90_000)
    expect(page.locator("#guess")).to_be_hidden()  # the verdict stands in its place
    expect(page.locator("#next-0")).to_contain_text("Next lesson: Raw pixels")
    page.goto(app.address)
    page.locator("#lesson input").first.click()
    place = [each.slug for each in lessons()].index("nll-on-logits") + 1
    expect(page.get_by_role("option", name=f"✓ {place}. A loss without a floor")).to_be_visible()
    expect(page.get_by_role("option", name="✓")).to_have_count(1)
