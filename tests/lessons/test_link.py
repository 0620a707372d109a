"""A link on its way through the world: others append to it, people mistype it, and what a teacher hid stays hidden."""

import itertools
from urllib.parse import parse_qsl

import pytest

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.pair import MAX_LINK_LENGTH, Pair
from mnist_demo.lessons import lesson, lessons
from mnist_demo.lessons.link import KnobAccess, Link, read_link, space_address

FOREIGN = (
    "fbclid=IwAR0",
    "utm_source=newsletter&utm_medium=email",
    "utm_campaign=a%26b",
    "gclid=Cj0",
    "logs=build",
    "view=api",
    "__theme=dark",
    "__theme=light&fbclid=1&fbclid=2",
)
OURS = ("lesson=overfitting", "dropout=0.5&b.seed=3", "lesson=dropout&knobs=hidden", "epochs=7&knobs=locked")


def read(query: str) -> Link | None:
    return read_link(parse_qsl(query, keep_blank_values=True))


def opened(query: str) -> Link:
    link = read(query)
    assert link is not None
    return link


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_others_append_changes_nothing(foreign: str) -> None:
    for ours in OURS:
        assert opened(f"{ours}&{foreign}") == opened(f"{foreign}&{ours}") == opened(ours)
    assert read(foreign) is None


@pytest.mark.parametrize("access", list(KnobAccess))
def test_a_part_that_cannot_be_used_is_told_and_changes_nothing_else(access: KnobAccess) -> None:
    wrong = {"no_knob=1": "no_knob", "b.dropout=7": "Dropout", "seed=1&seed=2": "seed", "=": "", "b.=1": "b"}
    for (part, named), ours in itertools.product(wrong.items(), ("lesson=overfitting", "epochs=7", "b.epochs=9")):
        link = opened(f"{ours}&{part}&knobs={access}")
        assert (link.pair, link.slug, link.knobs) == (opened(ours).pair, opened(ours).slug, access)
        (sentence,) = link.unused
        assert named in sentence
        assert sentence.endswith(".")


def test_nothing_unlocks_what_was_hidden() -> None:
    for query in ("no_knob=1", "lesson=gone", "lesson=dropout&seed=1", "dropout=7", f"x={'x' * MAX_LINK_LENGTH}"):
        for access in (KnobAccess.LOCKED, KnobAccess.HIDDEN):
            link = opened(f"{query}&knobs={access}")
            assert link.knobs is access
            assert link.unused
    assert opened("knobs=free&knobs=hidden&lesson=dropout").knobs is KnobAccess.HIDDEN
    mistyped = opened("lesson=dropout&knobs=hiden")
    assert mistyped.knobs is KnobAccess.LOCKED
    assert "'hiden'" in mistyped.unused[0]


def test_a_link_of_which_nothing_can_be_used_is_refused() -> None:
    for query in ("no_knob=1", "lesson=gone", "lesson=dropout&seed=1", "knobs=open", f"x={'x' * MAX_LINK_LENGTH}"):
        with pytest.raises(InvalidExperiment, match=r"\.$"):
            read(query)


def test_every_lesson_opens_by_its_link() -> None:
    for each, access in itertools.product(lessons(), KnobAccess):
        made = Link(each.pair, each.slug, access)
        assert read(made.to_query()) == made
    assert lesson("overfitting") is not None
    assert read("") is None
    assert Link(Pair.from_query(""), None).to_query() == ""


def test_a_space_has_the_address_of_its_page() -> None:
    assert space_address("a-teacher/mnist.lab_2") == "https://huggingface.co/spaces/a-teacher/mnist.lab_2"
    for wrong in ("", "mnist-lab", "a/b/c", "a b/c", 'a"/b', "https://x/y", "a/b\n"):
        assert space_address(wrong) == ""
