"""A lesson on the Train tab: the question to guess first, and after the training what happened and why.

Knows how a lesson is shown and which runs belong to it. Does not know what it says: that is `mnist_demo.lessons`.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.basics.glossary import explained
from mnist_demo.errors import RunError
from mnist_demo.experiment.pair import Pair
from mnist_demo.learning.training import Status
from mnist_demo.lessons import Lesson, lesson, lessons
from mnist_demo.serving.runs import Run
from mnist_demo.serving.visitors import Guess
from mnist_demo.ui.components.kept import create_kept
from mnist_demo.ui.visit import Shown, note_html, prose_html

FREE = "free"
ASK, GIVEN = "Guess first", "Your guess: train to see what happened"
NEXT_SLOTS = 4  # the next lesson, and what else to try
DONE_KEY = "mnist-lab-lessons-done"  # in the browser


class LessonPanel:
    """The chooser, the question with its guesses, and the answer; each part built where the tab wants it."""

    def __init__(self, slug: str) -> None:
        self.first = slug
        self.slots: list[gr.Button] = []

    def build_chooser(self) -> gr.Dropdown:
        """The list of lessons."""
        self.chooser = gr.Dropdown(_titles(()), value=self.first, label="Lesson", elem_id="lesson", container=False)
        self.done = create_kept([], DONE_KEY, "lessons-done")  # slugs
        return self.chooser

    def build_question(self) -> None:
        """The question and the guesses, above the buttons."""
        chosen = lesson(self.first)
        self.question = gr.HTML(_question_html(chosen), elem_id="question")
        self.guess = gr.Radio(
            _guesses(chosen), label=ASK, visible=chosen is not None, elem_id="guess", elem_classes="mnist-guess"
        )
        self.certainty = gr.Radio(
            [("not sure", 0), ("certain", 1)],
            value=0,
            label="How sure are you?",
            visible=chosen is not None,
            elem_id="certainty",
        )

    def build_answer(self) -> None:
        """What happened, and the button of the next lesson; hidden until the lesson's runs have ended."""
        self.answer = gr.HTML("", elem_id="answer", elem_classes="mnist-answer", visible=False)
        self.slots = [gr.Button(visible=False, variant="primary", elem_id="next-0")]

    def build_more(self) -> None:
        """What else the lesson suggests."""
        self.slots += [gr.Button(visible=False, size="sm", elem_id=f"next-{i}") for i in range(1, NEXT_SLOTS)]

    @property
    def outputs(self) -> list[Any]:
        """What `show` fills."""
        return [self.chooser, self.question, *self.answer_outputs]

    @property
    def guess_outputs(self) -> list[Any]:
        """What `lock` fills."""
        return [self.guess, self.certainty]

    @property
    def answer_outputs(self) -> list[Any]:
        """What `reveal` fills."""
        return [*self.guess_outputs, self.answer, *self.slots]

    def show(self, slug: str, guesses: Mapping[str, Guess]) -> Shown:
        """Puts a lesson's question on the page and hides its answer. An unknown slug shows no lesson.

        A lesson that was guessed before shows that guess; only the first guess counts.
        """
        chosen = lesson(slug)
        given = guesses.get(slug)
        return {
            self.chooser: slug if chosen else FREE,
            self.question: _question_html(chosen),
            self.guess: gr.Radio(
                label=ASK if given is None else GIVEN,
                choices=_guesses(chosen),
                value=given and given.place,
                visible=chosen is not None,
                interactive=given is None,
            ),
            self.certainty: gr.Radio(
                value=int(bool(given and given.is_certain)), visible=chosen is not None, interactive=given is None
            ),
            **self.hide(),
        }

    def lock(self, slug: str, pair: Pair, guesses: dict[str, Guess], guess: Guess) -> Shown:
        """Takes the guess as training starts, if the pair is the lesson's. Only the first guess counts."""
        chosen = lesson(slug)
        if chosen is None or not _is_of(chosen, pair):
            return {}
        known = guess.place is not None and 0 <= guess.place < len(chosen.guesses)
        guesses.setdefault(slug, guess if known else Guess(None))
        return dict.fromkeys(self.guess_outputs, gr.Radio(interactive=False))

    def mark_done(self, done: Sequence[str]) -> Shown:
        """The list of lessons, those done with a tick."""
        return {self.chooser: gr.update(choices=_titles(done))}

    def hide(self) -> Shown:
        """Hides the answer."""
        return {self.answer: gr.HTML("", visible=False), **dict.fromkeys(self.slots, gr.Button(visible=False))}

    def reveal(
        self, slug: str, guesses: Mapping[str, Guess], done: Sequence[str], pair_of_runs: Sequence[Run]
    ) -> Shown:
        """Shows the answer and marks the lesson done, if these runs are the lesson's and have ended; else hides it."""
        chosen = lesson(slug)
        if chosen is None or not _belong(chosen, pair_of_runs):
            return self.hide()
        done = [*(each for each in done if lesson(each) and each != slug), slug]
        text = prose_html(_answer_text(chosen, guesses, pair_of_runs))
        shown: Shown = dict.fromkeys(self.guess_outputs, gr.Radio(visible=False))
        shown |= {self.answer: gr.HTML(text, visible=True), self.done: done}
        buttons = [gr.Button(text, visible=True) for text, _, _ in _nexts(chosen)]
        buttons += [gr.Button(visible=False)] * (NEXT_SLOTS - len(buttons))
        return shown | self.mark_done(done) | dict(zip(self.slots, buttons, strict=True))

    def suggestion(self, slug: str, slot: int) -> tuple[str, Pair]:
        """The lesson and the pair behind a "next" button. Raises RunError if there is none."""
        chosen = lesson(slug)
        if chosen is None or slot >= len(_nexts(chosen)):
            raise RunError("This suggestion is no longer there; choose a lesson from the list.")
        _, slug, pair = _nexts(chosen)[slot]
        return slug, pair


def _titles(done: Sequence[str]) -> list[tuple[str, str]]:
    """(title, slug) of every lesson, in teaching order; a tick for those done."""
    numbered = [
        (f"{'✓ ' if each.slug in done else ''}{index}. {each.title}", each.slug)
        for index, each in enumerate(lessons(), 1)
    ]
    return [("Free experiment", FREE), *numbered]


def _nexts(chosen: Lesson) -> list[tuple[str, str, Pair]]:
    """(words of the button, slug, pair): the next lesson first, then what else the lesson suggests."""
    following = lesson(chosen.following) if chosen.following else None
    found = [(f"Next lesson: {following.title}", following.slug, following.pair)] if following else []
    others = [each for each in chosen.try_next if each.slug != chosen.following]
    return [*found, *((f"Try: {each.text}", each.slug or FREE, each.runs) for each in others)][:NEXT_SLOTS]


def _question_html(chosen: Lesson | None) -> str:
    if chosen is None:
        return '<p class="mnist-question">Set the knobs, change one for run B, and see what it does.</p>'
    titles = [each.title for slug in chosen.needs if (each := lesson(slug))]
    needs = note_html(f"Builds on: {', '.join(titles)}.") if titles else ""
    # An element of the lesson's own name. Gradio would reuse the words of the last question, and they would move about.
    text = f"<lesson-{chosen.slug}>{explained(escape(chosen.question))}</lesson-{chosen.slug}>"
    return f'<p class="mnist-question">{text}</p>{needs}'


def _guesses(chosen: Lesson | None) -> list[tuple[str, int]]:
    return [(text, index) for index, text in enumerate(chosen.guesses)] if chosen else []


def _belong(chosen: Lesson, pair_of_runs: Sequence[Run]) -> bool:
    """Whether the runs are the lesson's pair, with any seed, and both have ended."""
    if len(pair_of_runs) != 2 or any(run.status is Status.RUNNING or not run.history for run in pair_of_runs):
        return False
    a, b = (run.experiment for run in pair_of_runs)
    return _is_of(chosen, Pair(a=a, b=b))


def _is_of(chosen: Lesson, pair: Pair) -> bool:
    """Whether a pair is the lesson's, whatever its seed."""
    return Pair(a=pair.a.replace(seed=0), b=pair.b.replace(seed=0)) == Pair(
        a=chosen.pair.a.replace(seed=0), b=chosen.pair.b.replace(seed=0)
    )


def gives_away(slug: str, pair: Pair, guesses: Mapping[str, Guess]) -> bool:
    """Whether naming what B changes would give away the answer to a question not yet guessed."""
    chosen = lesson(slug)
    is_asked = chosen is not None and slug not in guesses and _is_of(chosen, pair)
    return is_asked and pair.a.mistake != pair.b.mistake


def _answer_text(chosen: Lesson, guesses: Mapping[str, Guess], pair_of_runs: Sequence[Run]) -> str:
    a, b = (run.history for run in pair_of_runs)
    right = chosen.guesses[chosen.answer]
    given = guesses.get(chosen.slug, Guess(None)).place
    verdict = f"**Answer:** {right}"
    if given == chosen.answer:
        verdict = f"**You guessed right:** {right}"
    elif given is not None:
        verdict = f"**You guessed:** {chosen.guesses[given]} **It was:** {right}"
    return f"{verdict} {score_sentence(guesses)}\n\n{chosen.happened(a, b)}"


def score_sentence(guesses: Mapping[str, Guess]) -> str:
    """How many guesses were right so far, and of the certain ones; empty before the first."""
    given = [(guess, each) for slug, guess in guesses.items() if guess.place is not None and (each := lesson(slug))]
    right = [guess.place == each.answer for guess, each in given]
    certain = [guess.place == each.answer for guess, each in given if guess.is_certain]
    of_certain = f"; {sum(certain)} of the {len(certain)} you were certain of" if certain else ""
    return f"({sum(right)} of {len(right)} guessed right so far{of_certain}.)" if right else ""
