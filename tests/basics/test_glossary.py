"""Words explain themselves: each sentence is true of the example that it leads to."""

import re

import pytest
import torch

from mnist_demo.basics.chapters import EXAMPLES
from mnist_demo.basics.glossary import explained, told, words
from mnist_demo.basics.workbench import Workbench
from mnist_demo.experiment.config import knobs
from mnist_demo.lessons.claims import Mark
from tests.basics.test_claims import OF_A_RUN, Runs

WORDS = words()
ASKED_FOR = "loss, validation, epoch, accuracy, overfitting, dropout, early stopping, batch, logits, softmax"


@pytest.fixture(scope="module")
def runs(workbench: Workbench) -> Runs:
    return Runs(workbench)


def test_what_a_page_speaks_of_is_there_and_every_knob() -> None:
    assert set(ASKED_FOR.split(", ")) <= set(WORDS)
    assert set(knobs()) <= set(WORDS)
    assert all(WORDS[name].sentence == knob.help for name, knob in knobs().items())


@pytest.mark.parametrize("name", WORDS)
def test_a_word_is_short_and_leads_to_a_place_that_exists(name: str) -> None:
    word = WORDS[name]
    assert len(word.sentence) < 130
    assert word.sentence.endswith(".")
    if word.claim:  # it is one sentence's
        assert not re.search(r"[a-z)][.?!] [A-Z]", word.sentence)
    assert not word.example or word.example in EXAMPLES
    assert told()[name] == [word.sentence, *([word.example, EXAMPLES[word.example].title] if word.example else [])]


@pytest.mark.parametrize("name", [name for name, word in WORDS.items() if word.claim])
def test_what_a_word_says_is_so(name: str, runs: Runs) -> None:
    word = WORDS[name]
    if word.claim in set(Mark):
        assert word.claim == Mark.DEFINITION
        assert not OF_A_RUN.search(word.sentence)
        return
    with torch.random.fork_rng(devices=[]):
        assert eval(word.claim, runs.names_for(word.example))


def test_a_word_is_marked_where_it_first_stands_in_a_text() -> None:
    html = "<p>The <b>Validation loss</b> and the losses, <code>loss</code>, a glossary and the loss.</p>"
    found = re.findall(r'data-word="([^"]+)"[^>]*>([^<]+)<', explained(html))
    assert found == [("validation loss", "Validation loss"), ("loss", "losses")]
    assert re.sub(r"</?span[^>]*>", "", explained(html)) == html
    assert explained('<p title="loss">one</p>') == '<p title="loss">one</p>'
