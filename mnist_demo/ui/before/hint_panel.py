"""Hints on two runs, each with a button that sets up the next experiment.

Knows how a hint is shown. Does not know the rules: they are `mnist_demo.hints`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import gradio as gr

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.differences import describe_changes
from mnist_demo.experiment.pair import Pair
from mnist_demo.hints import Hint, hints
from mnist_demo.serving.runs import Run
from mnist_demo.ui.visit import Shown, prose_html

SLOTS = 3
BOTH = "both"
_NUMBERS = re.compile(r"[\d.,]+")


@dataclass(frozen=True)
class Found:
    """A hint, which run it is about (A, B or both), and the other run."""

    name: str
    run: Run
    other: Run
    hint: Hint

    @property
    def suggested(self) -> Experiment:
        """Run B of the next pair; the run itself where the hint proposes nothing."""
        return self.run.experiment.replace(**(self.hint.try_b or {}))


class HintPanel:
    """Up to three hints; hidden where there is nothing to say."""

    def __init__(self) -> None:
        self.texts: list[gr.HTML] = []
        self.buttons: list[gr.Button] = []
        for index in range(SLOTS):
            with gr.Row(equal_height=True, elem_classes="mnist-hint-row"):
                with gr.Column(scale=5, min_width=240):
                    self.texts.append(gr.HTML("", visible=False, elem_id=f"hint-{index}"))
                with gr.Column(scale=2, min_width=150):
                    self.buttons.append(gr.Button(visible=False, size="sm", elem_id=f"hint-try-{index}"))

    @property
    def outputs(self) -> list[Any]:
        """What `show` fills."""
        return [*self.texts, *self.buttons]

    def show(self, pair_of_runs: Sequence[Run]) -> Shown:
        """The hints on these runs; hides the panel if there are none."""
        shown: Shown = {}
        found: list[Any] = [*found_hints(pair_of_runs), *[None] * SLOTS]
        for text, button, each in zip(self.texts, self.buttons, found, strict=False):
            shown[text] = _text(each) if each else gr.HTML(visible=False)
            shown[button] = _button(each) if each else gr.Button(visible=False)
        return shown

    def suggestion(self, pair_of_runs: Sequence[Run], slot: int) -> Pair:
        """The pair behind a hint's button. Raises RunError if it is no longer there."""
        found = found_hints(pair_of_runs)
        if slot >= len(found) or not found[slot].hint.try_b:
            raise RunError("This hint is no longer there: train again.")
        return Pair(a=found[slot].run.experiment, b=found[slot].suggested)


def found_hints(pair_of_runs: Sequence[Run]) -> list[Found]:
    """At most SLOTS hints on two runs. A hint that holds for both appears once."""
    if len(pair_of_runs) != 2 or not all(run.history for run in pair_of_runs):
        return []
    a, b = pair_of_runs
    of_a = [Found("A", a, b, hint) for hint in hints(a.experiment, a.history, (b.experiment, b.history))]
    of_b = [Found("B", b, a, hint) for hint in hints(b.experiment, b.history, (a.experiment, a.history))]
    said = {found.hint.text for found in of_b}
    both = [replace(found, name=BOTH) for found in of_a if found.hint.text in said]
    heard = {found.hint.text for found in both}
    own = [[found for found in some if found.hint.text not in heard] for some in (of_a, of_b)]
    in_turn = [found for couple in zip_longest(*own) for found in couple if found]
    # Two sentences that differ only in their numbers are one hint to a reader.
    once = {_NUMBERS.sub("", found.hint.text): found for found in reversed([*both, *in_turn])}
    return list(reversed(once.values()))[:SLOTS]


def _text(found: Found) -> Any:
    whose = "Runs A and B" if found.name == BOTH else f"Run {found.name}"
    classes = ["mnist-hint", f"mnist-hint-{found.hint.kind}", f"mnist-hint-of-{found.name.lower()}"]
    text = prose_html(f"**{whose}** · {found.hint.kind}\n\n{found.hint.text}")
    return gr.HTML(text, visible=True, elem_classes=classes)


def _button(found: Found) -> Any:
    changed = describe_changes(found.run.experiment, found.suggested)
    # The proposed run may be the one just trained beside it.
    is_new = found.suggested != found.other.experiment
    return gr.Button(f"Try as run B: {changed}", visible=bool(changed) and is_new)
