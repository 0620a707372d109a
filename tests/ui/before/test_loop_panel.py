"""The loop on the page: whose it is, and one marked line with what belongs there."""

import re
from html import unescape

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.export.script import training_loop
from mnist_demo.ui.before.loop_panel import loop_html


def lines_of(html: str, kind: str) -> list[str]:
    return [unescape(text) for text in re.findall(rf"<{kind}[^>]*>(.*?)</", html)]


def test_the_loop_is_that_of_the_run_with_the_mistake() -> None:
    html = loop_html(Pair.from_query("b.mistake=no_zero_grad"))
    assert "The loop of run B" in html
    assert [line.strip() for line in lines_of(html, "mark")] == ["# optimizer.zero_grad()"]
    assert "optimizer.zero_grad()   # what belongs there" in html
    assert "every step repeats all earlier ones." in html


def test_a_right_loop_is_shown_as_it_is() -> None:
    html = loop_html(Pair.from_query("b.dropout=0.5"))
    assert "The loop of run A" in html
    assert "<mark" not in html
    code = re.search(r"<code>(.*)</code>", html, re.S)
    assert code
    assert [line if line.strip() else "" for line in lines_of(code[1], "span")] == training_loop(Experiment()).lines
