"""A lesson on the Train tab: the question to guess first, and after the training what happened and why.

Knows how a lesson is shown and which runs belong to it; the lessons themselves are `mnist_demo.lessons`.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.errors import RunError
from mnist_demo.experiment.pair import Pair
from mnist_demo.learning.training import Status
from mnist_demo.lessons import Lesson, lesson, lessons
from mnist_demo.serving.runs import Run
from mnist_demo.ui.visit import Shown

FREE = "free"
NEXT_SLOTS = 3


class LessonPanel:
    """The chooser, the question with its guesses, and the answer; each part built where the tab wants it."""

    def __init__(self, slug: str) -> None:
        self.first = slug
        self.slots: list[gr.Button] = []

    def build_chooser(self) -> gr.Dropdown:
        """The list of lessons."""
        numbered = [(f"{index}. {each.title}", each.slug) for index, each in enumerate(lessons(), 1)]
        self.chooser = gr.Dropdown(
            [("Free experiment", FREE), *numbered], value=self.first, label="Lesson", elem_id="lesson", scale=3
        )
        return self.chooser

    def build_question(self) -> None:
        """The question and the guesses, above the buttons."""
        chosen = lesson(self.first)
        self.question = gr.HTML(_question_html(chosen), elem_id="question")
        self.guess = gr.Radio(
            _guesses(chosen),
            label="Guess first",
            visible=chosen is not None,
            elem_id="guess",
            elem_classes="mnist-guess",
        )

    def build_answer(self) -> None:
        """What happened, below the curves; empty until the lesson's runs have ended."""
        self.answer = gr.Markdown("", elem_id="answer", elem_classes="mnist-answer", visible=False)
        with gr.Row(elem_classes="mnist-buttons"):
            self.slots = [gr.Button(visible=False, size="sm", elem_id=f"next-{i}") for i in range(NEXT_SLOTS)]

    @property
    def outputs(self) -> list[Any]:
        """What `show` fills."""
        return [self.chooser, self.question, self.guess, *self.answer_outputs]

    @property
    def answer_outputs(self) -> list[Any]:
        """What `reveal` fills."""
        return [self.answer, *self.slots]

    def show(self, slug: str) -> Shown:
        """Puts a lesson's question on the page, its answer hidden; no lesson for an unknown slug."""
        chosen = lesson(slug)
        return {
            self.chooser: slug if chosen else FREE,
            self.question: _question_html(chosen),
            self.guess: gr.Radio(choices=_guesses(chosen), value=None, visible=chosen is not None),
            **self.hide(),
        }

    def hide(self) -> Shown:
        """An answer not yet given."""
        return {self.answer: gr.Markdown("", visible=False), **dict.fromkeys(self.slots, gr.Button(visible=False))}

    def reveal(self, slug: str, guess: int | None, pair_of_runs: Sequence[Run]) -> Shown:
        """The answer, if these runs are the lesson's and have ended; hidden otherwise."""
        chosen = lesson(slug)
        if chosen is None or not _belong(chosen, pair_of_runs):
            return self.hide()
        shown = {self.answer: gr.Markdown(_answer_text(chosen, guess, pair_of_runs), visible=True)}
        nexts = [gr.Button(f"Next: {each.text}", visible=True) for each in chosen.try_next[:NEXT_SLOTS]]
        nexts += [gr.Button(visible=False)] * (NEXT_SLOTS - len(nexts))
        return shown | dict(zip(self.slots, nexts, strict=True))

    def suggestion(self, slug: str, slot: int) -> tuple[str, Pair]:
        """The lesson and the pair behind a "next" button. Raises RunError if there is none."""
        chosen = lesson(slug)
        if chosen is None or slot >= len(chosen.try_next):
            raise RunError("This suggestion is no longer there; choose a lesson from the list.")
        suggested = chosen.try_next[slot]
        following = lesson(suggested.slug) if suggested.slug else None
        if following is not None:
            return following.slug, following.pair
        return FREE, suggested.pair or chosen.pair


def _question_html(chosen: Lesson | None) -> str:
    if chosen is None:
        return '<p class="mnist-question">Set the knobs, change one for run B, and see what it does.</p>'
    return f'<p class="mnist-question">{escape(chosen.question)}</p>'


def _guesses(chosen: Lesson | None) -> list[tuple[str, int]]:
    return [(text, index) for index, text in enumerate(chosen.guesses)] if chosen else []


def _belong(chosen: Lesson, pair_of_runs: Sequence[Run]) -> bool:
    """Whether the runs are the lesson's pair, with any seed, and both have ended."""
    if len(pair_of_runs) != 2 or any(run.status is Status.RUNNING or not run.history for run in pair_of_runs):
        return False
    a, b = (run.experiment for run in pair_of_runs)
    return Pair(a=a.replace(seed=0), b=b.replace(seed=0)) == Pair(
        a=chosen.pair.a.replace(seed=0), b=chosen.pair.b.replace(seed=0)
    )


def _answer_text(chosen: Lesson, guess: int | None, pair_of_runs: Sequence[Run]) -> str:
    a, b = (run.history for run in pair_of_runs)
    right = chosen.guesses[chosen.answer]
    verdict = f"**Answer:** {right}"
    if guess == chosen.answer:
        verdict = f"**You guessed right:** {right}"
    elif guess is not None and 0 <= guess < len(chosen.guesses):
        verdict = f"**You guessed:** {chosen.guesses[guess]} **It was:** {right}"
    return f"{verdict}\n\n{chosen.happened(a, b)}"
