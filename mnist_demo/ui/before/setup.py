"""What is decided before a training: the lesson, the knobs of the pair, and the link that carries them.

Each part is built where the tab wants it; `connect` then keeps question, knobs, the line that says what differs, the
training loop and the link of one mind.
"""

from typing import Any

import gradio as gr

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.lessons import lesson, lessons
from mnist_demo.lessons.link import KnobAccess, Link, read_link
from mnist_demo.ui.before.experiment_form import TYPED_JS, ExperimentForm
from mnist_demo.ui.before.hint_panel import SLOTS as HINT_SLOTS
from mnist_demo.ui.before.hint_panel import HintPanel
from mnist_demo.ui.before.lesson_panel import FREE, NEXT_SLOTS, LessonPanel
from mnist_demo.ui.before.loop_panel import loop_html
from mnist_demo.ui.run_view import difference_html
from mnist_demo.ui.visit import QUICK, Visit, error_html, note_html

# The page may be a frame inside a Space's page, whose address is the one to hand on.
NO_LINK = "?"  # a query that no pair has
LINK_JS = """(query) => {
  const outer = document.referrer.startsWith("https://huggingface.co/spaces/") ? document.referrer : location.href;
  return query === "?" ? "" : outer.split(/[?#]/)[0] + (query ? "?" + query : "");
}"""

LEFT_LESSON = "These are no longer the lesson's knobs; choose it again to have them back."


class Setup:
    """The parts, and what a click on a lesson, a suggestion or a hint puts on the page."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.first = lessons()[0]
        self.panel = LessonPanel(self.first.slug)

    def build_question(self) -> None:
        """The lesson's chooser and question, and the one line that says what run B changes."""
        self.panel.build_chooser()
        self.panel.build_question()
        self.difference = gr.HTML(difference_html(self.first.pair), elem_id="difference")

    def build_loop(self) -> None:
        """The training loop in plain PyTorch."""
        with gr.Accordion("The training loop in PyTorch", open=False):
            self.loop = gr.HTML(loop_html(self.first.pair), elem_id="loop")

    def build_knobs(self) -> None:
        """The form and the link, in a column that a link may hide."""
        with gr.Column(scale=3, min_width=300, elem_classes="mnist-knobs") as self.column:
            self.form = ExperimentForm(self.first.pair)
            with gr.Accordion("Share as a link", open=False):
                self.knobs = gr.Radio(
                    [("free to change", KnobAccess.FREE), ("locked", KnobAccess.LOCKED), ("hidden", KnobAccess.HIDDEN)],
                    value=KnobAccess.FREE,
                    label="For whoever opens it, the knobs are",
                )
                self.query = gr.Textbox(visible=False)
                self.link = gr.Textbox(label="Link", buttons=["copy"], interactive=False, elem_id="link")

    @property
    def outputs(self) -> list[Any]:
        """What `show` fills."""
        return [*self.panel.outputs, *self.form.inputs]

    @property
    def _described(self) -> list[Any]:
        return [self.panel.chooser, self.knobs, *self.form.inputs]

    @property
    def _descriptions(self) -> list[Any]:
        return [self.difference, self.loop, self.query]

    def connect(self, hints: HintPanel, current: gr.State) -> None:
        """Connects the parts, once all are built; `current` holds the ids of the runs that the hints are on."""
        gr.on(
            [*self.form.edited, self.knobs.input, self.panel.chooser.change],
            self.describe,
            self._described,
            self._descriptions,
            trigger_mode="always_last",
            preprocess=False,  # a number just deleted is told in our words, not Gradio's
            **QUICK,
        )
        self.query.change(None, self.query, self.link, js=LINK_JS, api_visibility="private")
        chooser = self.panel.chooser
        chooser.input(self.choose, chooser, self.outputs, **QUICK)
        for slot in range(NEXT_SLOTS):

            def try_next(slug: Any, slot: int = slot) -> list[Any]:
                return self.show(*self.panel.suggestion(slug, slot))

            self.panel.slots[slot].click(try_next, chooser, self.outputs, **QUICK)
        for slot in range(HINT_SLOTS):

            def try_hint(ids: Any, request: gr.Request, slot: int = slot) -> list[Any]:
                return self.show(FREE, hints.suggestion(self.visit.runs(ids, request), slot))

            hints.buttons[slot].click(try_hint, current, self.outputs, **QUICK)

    def open(self, page: gr.Blocks, notice: gr.HTML) -> None:
        """Makes a page that is opened show what its link asks for."""
        page.load(js=TYPED_JS, api_visibility="private")
        opened = page.load(self.open_link, None, [*self.outputs, self.column, notice], **QUICK)
        opened.then(self.describe, self._described, self._descriptions, **QUICK)

    def show(self, slug: str, pair: Pair, *, is_locked: bool = False) -> list[Any]:
        """A lesson's question and a pair's knobs."""
        return [*self.panel.show(slug), *self.form.updates(pair, is_locked=is_locked)]

    def choose(self, slug: Any) -> list[Any]:
        """A lesson was chosen, or a free experiment, for which the knobs stay as they are."""
        chosen = lesson(slug) if isinstance(slug, str) else None
        if chosen is None:
            return [*self.panel.show(FREE), *[gr.skip()] * len(self.form.inputs)]
        return self.show(chosen.slug, chosen.pair)

    def describe(self, slug: Any, chosen_knobs: Any, *values: Any) -> list[Any]:
        """What differs, the loop and the link's query for the knobs as they stand."""
        try:
            pair = self.form.read(values)
        except InvalidExperiment as error:
            return [error_html(error), gr.skip(), NO_LINK]
        chosen = KnobAccess(chosen_knobs) if chosen_knobs in set(KnobAccess) else KnobAccess.FREE
        lesson_slug = slug if isinstance(slug, str) and slug != FREE else None
        of_lesson = lesson(lesson_slug) if lesson_slug else None
        note = note_html(LEFT_LESSON) if of_lesson and of_lesson.pair != pair else ""
        return [difference_html(pair) + note, loop_html(pair), Link(pair, lesson_slug, chosen).to_query()]

    def open_link(self, request: gr.Request) -> list[Any]:
        """The lesson or pair of a page's link, and a notice of what is wrong with it."""
        try:
            link = read_link(request.query_params.multi_items())
            if link is None:
                return [gr.skip()] * (len(self.outputs) + 2)
            shown = self.show(link.slug or FREE, link.pair, is_locked=link.knobs is not KnobAccess.FREE)
        except InvalidExperiment as error:
            notice = error_html(InvalidExperiment(f"This link cannot be opened, so the defaults are shown. {error}"))
            return [*[gr.skip()] * len(self.outputs), gr.skip(), notice]
        told = f"Part of this link could not be used. {' '.join(link.unused)}"
        notice = error_html(InvalidExperiment(told)) if link.unused else ""
        return [*shown, gr.Column(visible=link.knobs is not KnobAccess.HIDDEN), notice]
