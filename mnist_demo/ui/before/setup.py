"""What is decided before a training: the lesson, the knobs of the pair, and the link that carries them.

Each part is built where the tab wants it. `connect` then keeps all of them up to date: question, knobs, the line that
says what differs, the training loop and the link.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.lessons import lesson, lessons
from mnist_demo.lessons.link import KnobAccess, Link, read_link, space_address
from mnist_demo.serving.visitors import Guess, Visitor
from mnist_demo.ui.before.experiment_form import ExperimentForm
from mnist_demo.ui.before.hint_panel import HintPanel
from mnist_demo.ui.before.lesson_panel import FREE, LessonPanel, gives_away
from mnist_demo.ui.before.loop_panel import loop_html
from mnist_demo.ui.components.address import create_address
from mnist_demo.ui.run_view import difference_html
from mnist_demo.ui.theme import PAGE_JS
from mnist_demo.ui.values import Slugs, Text
from mnist_demo.ui.visit import QUICK, Lab, Shown, error_html, note_html, visitor_id

NO_LINK = "?"  # a query that no pair has
# On a Space the page is a frame inside the Space's page. The link to share is that outer page's address.
ADDRESS_JS = json.dumps(space_address(os.environ.get("SPACE_ID", ""))) + " || location.href.split(/[?#]/)[0]"
LINK_JS = f"(query) => query === {json.dumps(NO_LINK)} ? '' : ({ADDRESS_JS}) + query.replace(/^[+]?(?=.)/, '?')"

HIDDEN = note_html("Run B is run A with one wrong line, named when you train.")
LOCKED = "The link that opened this page locks the knobs, in every lesson."
LEFT_LESSON = "These are no longer the lesson's knobs; choose it again to have them back."


class Setup:
    """The parts, and what a click on a lesson, a suggestion or a hint puts on the page."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.first = lessons()[0]
        self.panel = LessonPanel(self.first.slug)

    def build_question(self) -> None:
        """The lesson's chooser and question, and the one line that says what run B changes."""
        self.panel.build_chooser()
        self.panel.build_question()
        self.difference = gr.HTML(difference_html(self.first.pair), elem_id="difference")
        self.query = create_address()

    def build_loop(self) -> None:
        """The training loop in plain PyTorch."""
        self.loop = gr.HTML(loop_html(self.first.pair), elem_id="loop")

    def build_knobs(self) -> None:
        """The form and the link, in a tab that a link may hide."""
        with gr.Tab("Knobs", id="knobs") as self.column:
            self.form = ExperimentForm(self.first.pair)
            with gr.Accordion("Share as a link", open=False):
                self.knobs = gr.Radio(
                    [("free to change", KnobAccess.FREE), ("locked", KnobAccess.LOCKED), ("hidden", KnobAccess.HIDDEN)],
                    value=KnobAccess.FREE,
                    label="For whoever opens it, the knobs are",
                )
                self.link = gr.Textbox(label="Link", buttons=["copy"], interactive=False, elem_id="link")

    @property
    def decided(self) -> list[Any]:
        """The events when a visitor decides anew what to train."""
        buttons = [*self.panel.slots, *self.hints.buttons]
        chosen = [self.panel.chooser.input, self.query.input, *(button.click for button in buttons)]
        return [*self.form.edited, *(which.select for which, _ in self.form.b), *chosen]

    @property
    def outputs(self) -> list[Any]:
        """What `show` fills."""
        told = [self.difference, self.loop, self.form.of_b]
        return [*self.panel.outputs, *self.hints.outputs, *self.form.inputs, *told, self.query]

    def connect(self, hints: HintPanel) -> None:
        """Connects the parts, once all are built."""
        self.hints = hints
        chooser = self.panel.chooser
        self._described = [self.knobs, *self.form.inputs]
        self._descriptions = [self.difference, self.loop, self.form.of_b, self.query]
        offered = [event.then for event in self.form.connect(self.lab)]
        for edits in ([*self.form.edited, self.knobs.input], *offered):
            self.lab.on(edits, self.describe, self._described, self._descriptions, trigger_mode="always_last")
        self.query.change(None, self.query, self.link, js=LINK_JS, api_visibility="private")
        self.lab.on(self.query.input, self.go_back, [self.query], [*self.outputs, self.column])
        self.lab.on(chooser.input, self.pick, [chooser, *self._described], self.outputs)
        for slot, button in enumerate(self.panel.slots):

            def try_next(visitor: Visitor, slug: Text, slot: int = slot) -> Shown:
                return self.show(visitor, *self.panel.suggestion(slug, slot))

            self.lab.on(button.click, try_next, [chooser], self.outputs)
        for slot, button in enumerate(hints.buttons):

            def try_hint(visitor: Visitor, slot: int = slot) -> Shown:
                return self.show(visitor, FREE, hints.suggestion(visitor.pair, slot))

            self.lab.on(button.click, try_hint, [], self.outputs)

    def open(self, page: gr.Blocks, notice: gr.HTML, visit: gr.HTML) -> None:
        """Makes a page that is opened show what its link asks for, and keep the key of its visit."""

        def open_link(request: gr.Request) -> Shown:
            visitor = self.lab.visitors.of(visitor_id(request))
            first = {self.query: Link(self.first.pair, self.first.slug).to_query(), visit: {"key": visitor.key}}
            return {**first, **self.open_link(visitor, request.query_params.multi_items(), notice)}

        page.load(js=PAGE_JS, api_visibility="private")
        page.load(open_link, None, [*self.outputs, self.column, notice, visit], **QUICK)
        self.lab.on(self.panel.done.input, self.mark_done, [self.panel.done], [self.panel.chooser])

    def mark_done(self, _visitor: Visitor, done: Slugs | None) -> Shown:
        """Ticks the lessons that this browser has done."""
        return self.panel.mark_done(done or [])

    def show(self, visitor: Visitor, slug: str, pair: Pair) -> Shown:
        """Shows a lesson's question and a pair's knobs; clears what was said about the last pair."""
        visitor.slug = slug
        return {
            **self.panel.show(slug, visitor.guesses),
            **self.hints.show([]),
            **self.form.show(pair, is_locked=visitor.is_locked),
            **self._told(visitor, pair),
            self.query: "+" + Link(pair, slug if lesson(slug) else None).to_query(),
        }

    def choose(self, visitor: Visitor, slug: Text) -> Shown:
        """Shows the chosen lesson. For a free experiment the knobs stay as they are."""
        chosen = lesson(slug)
        if chosen is None:
            visitor.slug = FREE
            return self.panel.show(FREE, visitor.guesses)
        return self.show(visitor, chosen.slug, chosen.pair)

    def pick(self, visitor: Visitor, slug: Text, access: KnobAccess, *values: Any) -> Shown:
        """Shows what was chosen in the list; a free experiment's knobs are those on the page."""
        shown = self.choose(visitor, slug)
        return shown if lesson(slug) else shown | self.describe(visitor, access, *values)

    def go_back(self, visitor: Visitor, query: Text) -> Shown:
        """What an earlier address of this visit showed."""
        return self.open_link(visitor, parse_qsl(query)) or self.show(visitor, self.first.slug, self.first.pair)

    def describe(self, visitor: Visitor, access: KnobAccess, *values: Any) -> Shown:
        """What differs, the loop and the link's query, for the present knobs.

        The lesson is the one last shown: while a page changes, its list may still name the lesson before.
        """
        try:
            pair = self.form.read(values)
        except InvalidExperiment as error:
            return {self.difference: error_html(error), self.query: NO_LINK}
        slug = visitor.slug if lesson(visitor.slug) else None
        return {**self._told(visitor, pair), self.query: Link(pair, slug, access).to_query()}

    def _told(self, visitor: Visitor, pair: Pair) -> Shown:
        """What run B changes, in words, in the loop and in the form; hidden where it would give an answer away."""
        of_lesson = lesson(visitor.slug)
        note = note_html(LEFT_LESSON) if of_lesson and of_lesson.pair != pair else ""
        note += note_html(LOCKED) if visitor.is_locked else ""
        is_hidden = gives_away(visitor.slug, pair, visitor.guesses)
        return {
            self.difference: (HIDDEN if is_hidden else difference_html(pair)) + note,
            self.loop: loop_html(Pair(a=pair.a, b=pair.a) if is_hidden else pair),
            self.form.of_b: gr.Group(visible=not is_hidden),
        }

    def lock(self, visitor: Visitor, pair: Pair, slug: str, guess: Guess) -> Shown:
        """What changes when a training begins: the guess is taken, and what run B changes is named."""
        locked = self.panel.lock(slug, pair, visitor.guesses, guess)
        if not locked:
            return {}
        return {**locked, **self._told(visitor, pair)}

    @property
    def lock_outputs(self) -> list[Any]:
        """What `lock` fills."""
        return [*self.panel.guess_outputs, self.difference, self.loop, self.form.of_b]

    def asked_by(self, query: str) -> Pair | None:
        """The pair that an address asks for; None where it asks for none, or cannot be read."""
        with suppress(InvalidExperiment):
            link = read_link(parse_qsl(query))
            return link.pair if link else None
        return None

    def open_link(self, visitor: Visitor, items: Sequence[tuple[str, str]], notice: gr.HTML | None = None) -> Shown:
        """The lesson or pair of a link, locked if it says so, and a notice of what is wrong with it."""
        told = ""
        visitor.slug, visitor.is_locked = self.first.slug, False
        try:
            link = read_link(items)
            if link is None:
                return {}
            visitor.is_locked = link.knobs is not KnobAccess.FREE
            shown = self.show(visitor, link.slug or FREE, link.pair)
            shown[self.query] = Link(link.pair, link.slug).to_query()  # no new entry of the history
            shown[self.column] = gr.Tab(visible=link.knobs is not KnobAccess.HIDDEN)
            if link.unused:
                told = f"Part of this link could not be used. {' '.join(link.unused)}"
        except InvalidExperiment as error:
            shown, told = {}, f"This link cannot be opened, so the defaults are shown. {error}"
        return {**shown, notice: error_html(InvalidExperiment(told)) if told else ""} if notice else shown
