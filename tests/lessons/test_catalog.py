"""The lessons as texts: complete, linked, checked sentence by sentence, and true of the recorded runs."""

import re

import pytest

from mnist_demo.experiment.config import changed_fields
from mnist_demo.learning import networks
from mnist_demo.lessons import Lesson, lesson, lessons
from mnist_demo.lessons.catalog import FOLDER, Claim, parse
from mnist_demo.lessons.claims import Mark
from tests.histories import link, recorded

OF_LIKENESS = ("log-softmax-twice", "one-seed")  # these claim that the two runs are much alike
EVERY = pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.slug)
# What a sentence says of a run, or of networks that were trained: it needs a claim.
OF_A_RUN = re.compile(r"\{|\b[AB]('s)?\b|\bhere\b|\b(reached|ended|rose|fell|climbed)\b")


def _sentences(lesson: Lesson) -> list[Claim]:
    return [*lesson.sentences, *(suggestion.claim for suggestion in lesson.try_next)]


def test_the_weights_that_a_lesson_counts_are_those_of_its_networks() -> None:
    chosen = lesson("mlp-against-cnn")
    assert chosen
    said = " ".join(claim.sentence for claim in chosen.sentences)
    for experiment in (chosen.pair.a, chosen.pair.b):
        weights = sum(each.numel() for each in networks.build(experiment).parameters())
        assert f"{weights:,}" in said


def test_there_are_enough_and_each_file_is_one() -> None:
    slugs = [lesson.slug for lesson in lessons()]
    assert len(slugs) >= 24
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


def test_neither_place_nor_length_betrays_the_right_guess() -> None:
    places = [lesson.answer for lesson in lessons()]
    lengths = [sorted(map(len, each.guesses)).index(len(each.guesses[each.answer])) for each in lessons()]
    for counted in (places, lengths):
        assert {0, 1, 2} == set(counted)
        assert max(counted.count(rank) for rank in (0, 1, 2)) <= len(lessons()) / 2
    longest = [each.slug for each in lessons() if max(each.guesses, key=len) == each.guesses[each.answer]]
    assert len(longest) <= len(lessons()) / 3


@EVERY
def test_every_factual_sentence_has_a_claim(lesson: Lesson) -> None:
    for sentence in _sentences(lesson):
        if sentence.mark is None:
            assert re.search(r"\b[ab]\.", sentence.expression), sentence
            continue
        assert not OF_A_RUN.search(sentence.sentence), f"{lesson.slug}: measure it, do not mark it: {sentence}"
        assert sentence.mark is not Mark.SOURCE or re.search(r"\w+ et al\., \d{4}", sentence.sentence), sentence
        assert sentence.mark is not Mark.QUESTION or sentence.sentence.endswith("?"), sentence
    assert lesson.right.mark is None
    for suggestion in lesson.try_next:
        assert suggestion.claim.mark is None


def test_the_finder_finds_what_is_said_of_a_run() -> None:
    for factual in ("A's loss rose.", "It has {b.last.val_loss:.2f}.", "Here B wins.", "Networks ended there."):
        assert OF_A_RUN.search(factual)
    for other in ("One linear layer after another is one linear layer.", "Infinity minus infinity is NaN."):
        assert not OF_A_RUN.search(other)


def test_a_sentence_without_a_claim_is_no_lesson() -> None:
    text = (FOLDER / "dropout.md").read_text(encoding="utf-8")
    assert parse("dropout", text) == lesson("dropout")
    for unchecked in (
        text.replace("## Why\n\n", "## Why\n\nIt is magic.\n"),
        re.sub(r"(right: .+?) \|.*", r"\1", text),
    ):
        with pytest.raises(ValueError, match="needs a claim or a mark"):
            parse("dropout", unchecked)


@EVERY
def test_what_a_lesson_needs_stands_before_it(lesson: Lesson) -> None:
    earlier = [other.slug for other in lessons()[: lessons().index(lesson)]]
    assert set(lesson.needs) <= set(earlier)


def test_every_lesson_is_reached_by_next() -> None:
    slug, seen = lessons()[0].slug, []
    while slug:
        seen.append(slug)
        found = lesson(slug)
        assert found
        slug = found.following or ""
    assert seen == [lesson.slug for lesson in lessons()]


@EVERY
def test_suggestions_lead_to_lessons_or_pairs_that_exist(lesson: Lesson) -> None:
    slugs = {other.slug for other in lessons()}
    assert 2 <= len(lesson.try_next) <= 4
    for suggestion in lesson.try_next:
        if suggestion.pair is None:
            assert suggestion.slug in slugs - {lesson.slug}
        else:
            assert len(changed_fields(suggestion.pair.a, suggestion.pair.b)) == 1
        assert suggestion.runs


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
    assert "**Why.** " in text
    assert "do not show" not in text
    assert "do not show" in lesson.happened(b, a) or lesson.slug in OF_LIKENESS
    assert lesson.happened(a[:1], b[:1])  # a run that was stopped at once
