"""The lessons as texts: complete, linked, and true of the recorded runs."""

import pytest

from mnist_demo.experiment.config import changed_fields
from mnist_demo.lessons import Lesson, lesson, lessons
from mnist_demo.lessons.catalog import FOLDER
from tests.histories import link, recorded

OF_LIKENESS = ("log-softmax-twice", "one-seed")  # these claim that the two runs are much alike
EVERY = pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.slug)


def test_there_are_enough_and_each_file_is_one() -> None:
    slugs = [lesson.slug for lesson in lessons()]
    assert len(slugs) >= 18
    assert sorted(slugs) == sorted(path.stem for path in FOLDER.glob("*.md"))


def test_lesson_is_found_by_its_slug() -> None:
    assert lesson("dropout") is lessons()[4]
    assert lesson("no-such-lesson") is None


@EVERY
def test_pair_differs_in_exactly_one_knob(lesson: Lesson) -> None:
    assert len(changed_fields(lesson.pair.a, lesson.pair.b)) == 1


@EVERY
def test_question_has_three_guesses_and_one_answer(lesson: Lesson) -> None:
    assert lesson.question.endswith("?")
    assert len(set(lesson.guesses)) == 3
    assert 0 <= lesson.answer < 3


def test_right_guess_is_not_always_in_the_same_place() -> None:
    assert {lesson.answer for lesson in lessons()} == {0, 1, 2}


@EVERY
def test_suggestions_lead_to_lessons_or_pairs_that_exist(lesson: Lesson) -> None:
    slugs = {other.slug for other in lessons()}
    assert 2 <= len(lesson.try_next) <= 4
    for suggestion in lesson.try_next:
        if suggestion.pair is None:
            assert suggestion.slug in slugs - {lesson.slug}
        else:
            assert len(changed_fields(suggestion.pair.a, suggestion.pair.b)) == 1


@EVERY
def test_recorded_runs_show_what_the_lesson_claims(lesson: Lesson) -> None:
    assert lesson.claims
    a, b = (recorded()[link(experiment)] for experiment in (lesson.pair.a, lesson.pair.b))
    assert [claim.sentence for claim in lesson.check(a, b)] == []


@pytest.mark.parametrize(
    "lesson", [lesson for lesson in lessons() if lesson.slug not in OF_LIKENESS], ids=lambda lesson: lesson.slug
)
def test_two_runs_alike_do_not_show_it(lesson: Lesson) -> None:
    a = recorded()[link(lesson.pair.a)]
    assert lesson.check(a, a)


@EVERY
def test_what_happened_cites_numbers_and_says_when_it_did_not(lesson: Lesson) -> None:
    a, b = (recorded()[link(experiment)] for experiment in (lesson.pair.a, lesson.pair.b))
    text = lesson.happened(a, b)
    assert sum(character.isdigit() for character in text) >= 4
    assert "{" not in text
    assert "do not show" not in text
    assert "do not show" in lesson.happened(b, a) or lesson.slug in OF_LIKENESS
    assert lesson.happened(a[:1], b[:1])  # a run that was stopped at once
