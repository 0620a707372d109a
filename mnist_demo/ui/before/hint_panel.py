"""Hints on two runs, each with a button that sets up the next experiment.

Knows how a hint is shown; what there is to say is `mnist_demo.hints`.
"""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from mnist_demo.experiment.config import describe_changes
from mnist_demo.experiment.pair import Pair
from mnist_demo.hints import Hint, hints
from mnist_demo.serving.runs import Run

SLOTS = 3


class HintPanel:
    """Up to three hints; hidden where there is nothing to say."""

    def __init__(self) -> None:
        self.texts: list[gr.Markdown] = []
        self.buttons: list[gr.Button] = []
        for index in range(SLOTS):
            with gr.Row(equal_height=True, elem_classes="mnist-hint-row"):
                with gr.Column(scale=5, min_width=240):
                    self.texts.append(gr.Markdown("", visible=False, elem_id=f"hint-{index}"))
                with gr.Column(scale=2, min_width=150):
                    self.buttons.append(gr.Button(visible=False, size="sm", elem_id=f"hint-try-{index}"))

    @property
    def outputs(self) -> list[Any]:
        """What `show` fills: texts, then buttons."""
        return [*self.texts, *self.buttons]

    def show(self, pair_of_runs: Sequence[Run]) -> list[Any]:
        """The hints on these runs."""
        found = found_hints(pair_of_runs)
        texts = [_markdown(name, hint) for name, _, hint in found]
        buttons = [_button(run, hint) for _, run, hint in found]
        missing = SLOTS - len(found)
        hidden_texts, hidden_buttons = [gr.Markdown(visible=False)] * missing, [gr.Button(visible=False)] * missing
        return [*texts, *hidden_texts, *buttons, *hidden_buttons]

    def suggestion(self, pair_of_runs: Sequence[Run], slot: int) -> Pair:
        """The pair behind a hint's button. Raises gr.Error if it is no longer there."""
        found = found_hints(pair_of_runs)
        if slot >= len(found) or not found[slot][2].try_b:
            raise gr.Error("This hint is no longer there: train again.")
        _, run, hint = found[slot]
        return Pair(a=run.experiment, b=run.experiment.replace(**(hint.try_b or {})))


def found_hints(pair_of_runs: Sequence[Run]) -> list[tuple[str, Run, Hint]]:
    """(A, B or A and B; the run; its hint), at most SLOTS, what holds for both runs said once."""
    if len(pair_of_runs) != 2 or not all(run.history for run in pair_of_runs):
        return []
    a, b = pair_of_runs
    of_a = hints(a.experiment, a.history, (b.experiment, b.history))
    of_b = hints(b.experiment, b.history, (a.experiment, a.history))
    texts_of_b = {hint.text for hint in of_b}
    shared = [hint for hint in of_a if hint.text in texts_of_b]
    found = [("Runs A and B", a, hint) for hint in shared]
    own = [[(f"Run {n}", run, h) for h in hs if h not in shared] for n, run, hs in (("A", a, of_a), ("B", b, of_b))]
    own[1] = [(name, run, hint) for name, run, hint in own[1] if hint.text not in {h.text for h in shared}]
    for index in range(max(map(len, own))):
        found += [hints_of_run[index] for hints_of_run in own if index < len(hints_of_run)]
    return found[:SLOTS]


def _markdown(name: str, hint: Hint) -> Any:
    return gr.Markdown(
        f"**{name}** · {hint.kind}\n\n{hint.text}", visible=True, elem_classes=["mnist-hint", f"mnist-hint-{hint.kind}"]
    )


def _button(run: Run, hint: Hint) -> Any:
    if not hint.try_b:
        return gr.Button(visible=False)
    changed = describe_changes(run.experiment, run.experiment.replace(**hint.try_b))
    return gr.Button(f"Try as run B: {changed}", visible=bool(changed))
