"""How a handler is called: with the visitor's record, with values of its types or not at all, and its errors told."""

import math
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.helpers import special_args

from mnist_demo.errors import InvalidValue, RunError
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.values import Flag, Number, Place, Text
from mnist_demo.ui.visit import Lab, Shown, error_html, note_html, visitor_id
from tests.ui.trained import ME, do, event, lab_of

MINE = gr.Request(session_hash=ME)


class Colour(StrEnum):
    RED = "red"


@pytest.fixture
def lab(mnist_root: Path) -> Lab:
    return lab_of(mnist_root)


def test_the_record_is_that_of_the_session(lab: Lab) -> None:
    def handler(visitor: Visitor, text: Text) -> Shown:
        return {visitor.id: text}

    assert lab.bind(handler)(MINE, "x") == {ME: "x"}
    assert lab.bind(handler)(gr.Request(), "x") == {"": "x"}
    assert visitor_id(None) == visitor_id(gr.Request()) == ""


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Text, ["", "a\nb"], [5, None, ["a"], b"a", "x" * 10_001]),
        (Flag, [True, False], [1, 0, "true", None]),
        (Number, [0.5, -1e300], [math.nan, math.inf, 10**400, True, "5", None, [1]]),
        (Number | None, [None, 0.5], ["", {}]),
        (Place, [0, -3, 2**60], [1.0, True, "1", None]),
        (list[Text], [[], ["a"]], ["a", [5], {"a": 1}, None]),
        (Colour, ["red"], ["green", "RED", None, 5, ["red"], {}]),
    ],
)
def test_a_value_is_of_the_declared_type_or_refused_with_a_sentence(
    lab: Lab, kind: Any, good: list[Any], bad: list[Any]
) -> None:
    def handler(_visitor: Visitor, value: Any) -> Shown:
        return {"got": value}

    handler.__annotations__["value"] = kind
    bound = lab.bind(handler)
    for value in good:
        assert bound(MINE, value) == {"got": value}
    for value in bad:
        with pytest.raises(InvalidValue, match="has no meaning here: reload it and try again") as refused:
            bound(MINE, value)
        assert len(str(refused.value)) < 200


def test_missing_values_are_told_and_the_rest_is_handed_on(lab: Lab) -> None:
    def handler(_visitor: Visitor, first: Text, *rest: Any) -> Shown:
        return {"got": (first, rest)}

    assert lab.bind(handler)(MINE, "a", 1, None) == {"got": ("a", (1, None))}
    with pytest.raises(InvalidValue, match="missing"):
        lab.bind(handler)(MINE)


def test_gradio_hands_over_request_and_event_although_values_follow(lab: Lab) -> None:
    """What "Best of A" failed for: Gradio looks only at named parameters before `*values`."""

    async def jump(visitor: Visitor, clicked: gr.SelectData, text: Text) -> Shown:
        return {visitor.id: (clicked.index, text)}

    bound = lab.bind(jump)
    given, *_ = special_args(bound, ["x"], MINE, gr.EventData(None, {"index": 7, "value": ""}))
    assert do(bound(*given)) == {ME: (7, "x")}
    assert do(bound(MINE, event(7), "x")) == {ME: (7, "x")}


def test_errors_are_told_where_the_handler_says_or_as_a_notice(lab: Lab) -> None:
    def fail(_visitor: Visitor) -> Shown:
        raise RunError("It is <gone>: train again.")

    with gr.Blocks():
        place = gr.HTML()
    assert lab.bind(fail, place)(MINE) == {place: error_html(RunError("It is <gone>: train again."))}
    with pytest.raises(RunError, match="train again"):
        lab.bind(fail)(MINE)


def test_what_was_told_is_gone_when_all_is_well(lab: Lab) -> None:
    with gr.Blocks():
        place = gr.HTML()
    assert lab.bind(lambda _visitor: {"a": 1}, place)(MINE) == {place: "", "a": 1}
    assert lab.bind(lambda _visitor: {place: "words"}, place)(MINE) == {place: "words"}
    assert lab.bind(lambda _visitor: None)(MINE) == gr.skip()
    assert lab.bind(lambda _visitor: {})(MINE) == gr.skip()


def test_a_stream_that_fails_has_shown_what_it_had(lab: Lab) -> None:
    async def grow(_visitor: Visitor, count: Number) -> AsyncIterator[Shown]:
        yield {"count": count}
        raise RunError("No worker is left.")

    with gr.Blocks():
        place = gr.HTML()

    async def pages(value: Any) -> list[Any]:
        return [page async for page in lab.bind(grow, place)(MINE, value)]

    first, last = do(pages(2.0))
    assert first == {place: "", "count": 2.0}
    assert "No worker is left." in last[place]
    with pytest.raises(InvalidValue):  # no page sends it: a program is told by the status, too
        do(pages("2"))


def test_words_of_others_are_escaped() -> None:
    assert "<script>" not in error_html(ValueError("<script>")) + note_html("<script>")
    assert note_html("") == ""
