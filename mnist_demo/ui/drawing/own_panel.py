"""A visitor's own digits on the Draw tab: drawn one after the other, and how each network reads them.

Knows the words and the table. The digits come with every question, and are not kept here.
"""

from html import escape
from typing import Annotated, NamedTuple

import gradio as gr
from pydantic import PlainValidator

from mnist_demo.errors import InvalidDrawing, RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.knobs import NO_OWN_DIGITS
from mnist_demo.experiment.pair import Pair
from mnist_demo.images.own_digits import OwnDigits, read_file
from mnist_demo.serving.own_scores import OwnScore, own_scores, shift_sentence, unlearned
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.components.confusion import Matrix, confusion_value, create_confusion, matrix
from mnist_demo.ui.components.own_digits import DigitsRead, SentDigits, create_own_digits, read_sent_digits
from mnist_demo.ui.components.tiles import Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.visit import Lab, Shown, note_html, table_html

TILE_SIZE = 48  # pixels
HEAD = ("Network", "Your digits", "95% interval", "MNIST")
WHY = (
    "The interval says what accuracy many more of your digits would have, as far as these tell. Your browser alone "
    "keeps them: the server forgets them after its answer, and those you train with when your visit ends."
)
ALL_LEARNED = "Your runs have learned from all of these digits: draw more, to test on."
LOCKED = "The link that opened this page locks the knobs: open the page without it to train with your digits."
Digits = Annotated[SentDigits, PlainValidator(read_sent_digits)]


class OwnPanel(NamedTuple):
    """The digits, whose event `input` asks for a run that learns from them, and where an error is told."""

    digits: gr.HTML
    words: gr.HTML


def build_own_panel(lab: Lab, shelf: ModelShelf) -> OwnPanel:
    """Builds the panel inside the current Blocks context, for the canvas whose id is `canvas`."""
    own = create_own_digits()
    words = gr.HTML("", elem_id="own-words", padding=False)
    with gr.Accordion("How the networks read your digits", visible=False, elem_id="own-scores") as panel:
        table = gr.HTML("", elem_id="own-table")
        wrong = create_tiles(label="Digits that are read wrong", elem_id="own-wrong")
        with gr.Accordion("Which digit is taken for which?", open=False):
            confusion = create_confusion(elem_id="own-confusion")

    def answer(visitor: Visitor, sent: SentDigits) -> Shown:
        if not sent.text:  # all deleted
            return {panel: gr.update(visible=False)}
        drawn = read_file(sent.text)
        digits = unlearned(drawn, visitor)
        if digits is None:
            raise InvalidDrawing(ALL_LEARNED)
        scores = own_scores(digits, shelf, visitor)
        asked = [each for each in scores if each.key in shelf.asked_by(visitor)]
        return {
            own: DigitsRead(read=sent.seq),
            panel: gr.update(visible=True, open=True),
            table: score_table(scores, len(digits), len(drawn)),
            wrong: tiles_value([each for some in asked for each in _wrong_tiles(some, digits)], size=TILE_SIZE),
            confusion: confusion_value([each for some in asked for each in _matrices(some)], seq=sent.seq),
        }

    async def show(visitor: Visitor, sent: Digits) -> Shown:
        return await lab.take_time(answer, visitor, sent)

    outputs = [own, panel, table, wrong, confusion]
    lab.on(own.submit, show, [own], outputs, tell=words, trigger_mode="always_last")
    return OwnPanel(own, words)


def pair_with(visitor: Visitor, sent: SentDigits, a: Experiment) -> Pair:
    """Run A, and B that learns from half of the digits, too; they are kept for it. Raises MnistLabError."""
    if visitor.is_locked:
        raise RunError(LOCKED)
    visitor.own_digits, _ = read_file(sent.text).parted()
    plain = a.replace(own_digits=NO_OWN_DIGITS)
    return Pair(a=plain, b=plain.replace(own_digits=visitor.own_digits.digest))


def score_table(scores: list[OwnScore], count: int, drawn: int) -> str:
    """The networks' scores on `count` of the digits drawn, and what they mean."""
    table = table_html(HEAD, [_row(each, count) for each in scores], "mnist-own-scores")
    left_out = f"Your runs have learned from {drawn - count} of your {drawn} digits: the others are the test. "
    words = f"{left_out if count < drawn else ''}{shift_sentence(scores)}"
    return f'<div role="status">{table}{note_html(words)}{note_html(WHY)}</div>'


def _row(each: OwnScore, count: int) -> str:
    head = f'<th scope="row">{escape(each.name)}</th>'
    mnist = "–" if each.mnist is None else f"{each.mnist:.2%}{'' if each.is_tested else ' (val.)'}"
    if each.hand is None:
        return f"<tr>{head}<td>no numbers</td><td>–</td><td>{mnist}</td></tr>"
    low, high = each.hand.bounds
    right = f"<b>{each.hand.right}</b> of {count}"
    return f"<tr>{head}<td>{right}</td><td>{low * 100:.0f}–{high:.0%}</td><td>{mnist}</td></tr>"


def _wrong_tiles(each: OwnScore, digits: OwnDigits) -> list[Tile]:
    """The drawings that a network reads wrong, the ones it is surest of first."""
    if each.hand is None:
        return []
    found, images = each.hand.mistakes, digits.split.images
    return [
        tile(f"{label} as {answer}", images[at].numpy().tobytes(), note=each.name.partition(",")[0])
        for at, label, answer in zip(found.places, found.labels, found.answers, strict=True)
    ]


def _matrices(each: OwnScore) -> list[Matrix]:
    label = "Rows: the digit, columns: the answer."
    return [matrix(each.name, label, each.hand.answers.confusion.tolist())] if each.hand else []
