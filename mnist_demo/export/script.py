"""A run as a standalone PyTorch file, and its training loop as the page shows it, both cut from `program`.

The file trains to the same final weights as the app, bit for bit. Knows what stands around the code: the opening,
the imports, and the explanation of a mistake.
"""

import difflib
import textwrap
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from mnist_demo.experiment.choices import Mistake
from mnist_demo.experiment.config import Experiment, non_default
from mnist_demo.experiment.knobs import NO_OWN_DIGITS, SAMPLE_HAND, to_text
from mnist_demo.export import cut
from mnist_demo.export.values import OURS

SHOWN = {"criterion", "evaluate", "train", "images", "model", "optimizer"}
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


class ComparedLine(NamedTuple):
    """A line of two programs: `whose` is "a" or "b" where only that one has it, "" for both; `right` as in `Line`."""

    text: str
    whose: str = ""
    right: str | None = None


def compared(a: Experiment, b: Experiment) -> list[ComparedLine]:
    """Two runs as one program: data, network, optimizer and loop, and whatever else differs between the two."""
    found: list[ComparedLine] = []
    for of_a, of_b in _paired(cut.parts(a), cut.parts(b)):
        part = of_a or of_b
        if part and (part.name in SHOWN or of_a is None or of_b is None or of_a.text != of_b.text):
            found += [*_merged(of_a.lines if of_a else (), of_b.lines if of_b else ()), ComparedLine("")]
    return found[:-1]


def _paired(a: Sequence[cut.Part], b: Sequence[cut.Part]) -> Iterator[tuple[cut.Part | None, cut.Part | None]]:
    """The parts of two programs side by side, by their names."""
    matcher = difflib.SequenceMatcher(None, [part.name for part in a], [part.name for part in b], autojunk=False)
    for kind, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(a[a_from:a_to], b[b_from:b_to], strict=True)
        else:
            yield from ((part, None) for part in a[a_from:a_to])
            yield from ((None, part) for part in b[b_from:b_to])


def _merged(a: Sequence[cut.Line], b: Sequence[cut.Line]) -> Iterator[ComparedLine]:
    matcher = difflib.SequenceMatcher(None, [line.text for line in a], [line.text for line in b], autojunk=False)
    for kind, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        if kind == "equal":
            yield from (ComparedLine(line.text, "", line.right) for line in a[a_from:a_to])
        else:
            yield from (ComparedLine(line.text, "a") for line in a[a_from:a_to])
            yield from (ComparedLine(line.text, "b") for line in b[b_from:b_to])


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
        lines += ["", "Run it in the folder of MNIST Lab: what it imports of it is there.", ""]
    if experiment.own_digits not in (NO_OWN_DIGITS, SAMPLE_HAND):
        lines += ["Put your own digits beside it: the file my-digits.json, as the Draw tab saves it.", ""]
    install = "    pip install torch torchvision; python THIS_FILE [FOLDER OF MNIST, else data]"
    return [*lines, f'{install}"""']
