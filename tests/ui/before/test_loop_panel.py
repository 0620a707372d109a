"""The code on the page: one program for both runs, marked where they differ and where both are wrong."""

import re
from html import unescape

import pytest

from mnist_demo.experiment.config import knobs
from mnist_demo.experiment.pair import Pair
from mnist_demo.ui.before.loop_panel import loop_html


def marked(query: str, kind: str) -> list[str]:
    html = loop_html(Pair.from_query(query))
    rows = re.findall(rf'<mark class="mnist-{kind}"[^>]*>(?:<b>.</b>)?(.*?)</mark>', html)
    return [unescape(row).strip() for row in rows]


def test_the_line_that_a_mistake_changes_is_marked_in_both_forms() -> None:
    assert marked("b.mistake=no_zero_grad", "of-a") == ["optimizer.zero_grad()"]
    assert marked("b.mistake=no_zero_grad", "of-b") == ["# optimizer.zero_grad()"]
    assert "every step repeats all earlier ones." in loop_html(Pair.from_query("b.mistake=no_zero_grad"))


def test_a_mistake_in_both_runs_shows_the_line_that_belongs_there() -> None:
    assert marked("mistake=no_zero_grad", "wrong") == ["# optimizer.zero_grad()"]
    html = loop_html(Pair.from_query("mistake=no_zero_grad"))
    assert "optimizer.zero_grad()   # what belongs there" in html


@pytest.mark.parametrize(
    ("query", "a", "b"),
    [
        ("b.learning_rate=0.01", "lr=0.001", "lr=0.01"),
        ("b.train_size=5000", "[:1000]", "[:5000]"),
        ("b.epochs=3", "epochs=40", "epochs=3"),
        ("b.dropout=0.5", "nn.Linear(784, 256), nn.ReLU(),", "nn.Dropout(0.5)"),
    ],
)
def test_a_knob_of_run_b_is_the_marked_line(query: str, a: str, b: str) -> None:
    assert a in " ".join(marked(query, "of-a"))
    assert b in " ".join(marked(query, "of-b"))


def test_equal_runs_have_no_mark() -> None:
    assert "<mark" not in loop_html(Pair.from_query(""))


def test_every_knob_changes_the_code_in_view() -> None:
    for name, knob in knobs().items():
        values = [*knob.choices, *knob.examples, *(["0123456789abcdef"] if knob.type is str else [])]
        pairs = [Pair.from_query(f"b.{name}={value}") for value in values if str(value) != str(knob.default)]
        assert any("<mark" in loop_html(pair) for pair in pairs), name
