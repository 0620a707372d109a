"""A run as a standalone PyTorch file, and its training loop as the page shows it, both cut from `program`.

The file trains to the same final weights as the app, bit for bit. Knows what stands around the code: the opening,
the imports, and the explanation of a mistake.
"""

import textwrap
from itertools import chain
from typing import NamedTuple

from mnist_demo.experiment.choices import Mistake
from mnist_demo.experiment.config import Experiment, non_default
from mnist_demo.experiment.knobs import to_text
from mnist_demo.export import cut
from mnist_demo.export.values import OURS

LOOP = ("criterion", "optimizer", "train", "evaluate")
WIDTH = 100  # columns of prose
REASONS = {
    Mistake.NO_ZERO_GRAD: "backward() adds to the gradients that are there: without zero_grad() every step repeats "
    "all earlier ones.",
    Mistake.NO_SHUFFLE: "The images come sorted by digit: for long stretches the network sees one digit only and "
    "forgets the others.",
    Mistake.NO_EVAL: "Without eval() dropout goes on switching units off while the network is asked: its answers "
    "become random.",
    Mistake.SOFTMAX_CROSS_ENTROPY: "cross_entropy applies log-softmax itself: after a second softmax the loss cannot "
    "fall below 1.461.",
    Mistake.LOG_SOFTMAX_CROSS_ENTROPY: "Log-softmax of a log-softmax is the same again: one call too many that changes "
    "nothing.",
    Mistake.NLL_PROBABILITIES: "nll_loss expects log-probabilities; given probabilities, it returns their negative, "
    "between -1 and 0.",
    Mistake.NLL_LOGITS: "nll_loss takes no logarithm: given logits, it returns their negative, which falls without end "
    "as the weights grow.",
}


class LoopSource(NamedTuple):
    """The lines, and for a mistake the index of its line, the correct line, and what that changes."""

    lines: list[str]
    wrong_line: int | None
    right_line: str | None
    reason: str


def training_loop(experiment: Experiment) -> LoopSource:
    """The criterion, the optimizer, the loop and its evaluation in plain PyTorch, with the mistake's place."""
    by_name = {part.name: part.lines for part in cut.parts(experiment)}
    between = cut.Line("")
    lines = list(chain.from_iterable((*by_name[name], between) for name in LOOP))[:-1]
    wrong = next((index for index, line in enumerate(lines) if line.right is not None), None)
    texts = [line.text for line in lines]
    return LoopSource(texts, wrong, None if wrong is None else lines[wrong].right, REASONS.get(experiment.mistake, ""))


def script(experiment: Experiment) -> str:
    """The run as a Python file that prints the SHA-256 which `networks.weights_hash` gives its last weights."""
    body, was_function = "", False
    for part in cut.parts(experiment):
        body += "\n\n" if body and (part.is_function or was_function) else ""
        body += f"{part.text}\n"
        was_function = part.is_function
    imports = cut.imports(body)
    head = [*_opening(experiment, any(OURS in line for line in imports)), "", *imports, ""]
    return "\n".join([*head, "", body.strip("\n"), ""])


def _opening(experiment: Experiment, needs_us: bool) -> list[str]:
    knobs = ", ".join(f"{name.replace('_', ' ')} {to_text(value)}" for name, value in non_default(experiment).items())
    lines = textwrap.wrap(f'"""One run of MNIST Lab in plain PyTorch: {knobs or "all knobs at their defaults"}.', WIDTH)
    right = training_loop(experiment).right_line
    if right is not None:
        mistake = f"It carries a mistake on purpose; the right line would be `{right.strip()}`."
        lines += ["", *textwrap.wrap(f"{mistake} {REASONS[experiment.mistake]}", WIDTH), ""]
    if needs_us:
        lines += ["", "Run it in the folder of MNIST Lab: the imitated pictures come from there.", ""]
    install = "    pip install torch torchvision; python THIS_FILE [FOLDER OF MNIST, else data]"
    return [*lines, f'{install}"""']
