"""The listing and its highlighting change nothing in the text."""

import re
from html import unescape

import pytest

from mnist_demo.basics import source
from mnist_demo.basics.chapters import EXAMPLES
from mnist_demo.basics.chapters.three_ways import PANES
from mnist_demo.basics.example import Example


def text_of(html: str) -> str:
    lines = re.findall(r'<span class="mnist-line [^>]*>(.*?)</span>(?=<span class="mnist-line|$)', html, flags=re.S)
    return "\n".join(unescape(re.sub(r"<[^>]+>", "", line)).rstrip() for line in lines)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=list(EXAMPLES))
def test_highlighted_text_is_the_text(example: Example) -> None:
    text = source.listing(example, example.defaults).text
    assert text_of(source.highlighted(text)) == "\n".join(line.rstrip() for line in text.split("\n"))


def test_kinds_of_words() -> None:
    html = source.highlighted('def f(x):  # note\n    return len("a<b") + 1', {2: "mnist-raised"}, {1: 'data-part="p"'})
    for piece in (
        '<span class="mnist-keyword">def</span>',
        '<span class="mnist-comment"># note</span>',
        '<span class="mnist-builtin">len</span>',
        '<span class="mnist-string">&quot;a&lt;b&quot;</span>',
        '<span class="mnist-number">1</span>',
        '<span class="mnist-line mnist-raised" >',
        '<span class="mnist-line " data-part="p">',
    ):
        assert piece in html


def test_a_listing_begins_with_what_it_needs() -> None:
    example = EXAMPLES["flatten"]
    lines = source.listing(example, example.read({"how": "nothing", "batch_size": 8})).text.split("\n")
    assert lines[:7] == [
        "import torch",
        "from torch import nn",
        "",
        'how = "nothing"',
        "batch_size = 8",
        "# trainset: from an earlier example",
        "",
    ]


def test_panes_lose_no_line() -> None:
    text = source.listing(EXAMPLES["three_ways"], EXAMPLES["three_ways"].defaults).text
    panes = source.panes(text, PANES)
    assert [line for pane in panes for line in pane.text.split("\n") if line] == [x for x in text.split("\n") if x]
    for pane in panes:
        assert text.split("\n")[pane.first - 1 : pane.first] == [pane.text.split("\n")[0]]
