"""Every sentence of Basics stands in claims.md with what must be true when its example has run, and it is true."""

import itertools
import math
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader

from mnist_demo.basics.chapters import EXAMPLES
from mnist_demo.basics.example import Example
from mnist_demo.basics.workbench import Workbench
from mnist_demo.experiment.pair import Pair
from mnist_demo.experiment.summary import RunSummary
from mnist_demo.export.script import script
from mnist_demo.lessons.claims import Mark, parted
from tests.histories import history_of

SECTION = re.compile(r"^## (\w+)\n(.*?)(?=\n\n|\Z)", re.M | re.S)
LINES = {
    name: body.strip().splitlines()
    for name, body in SECTION.findall(Path(__file__).with_name("claims.md").read_text("utf-8"))
}
NEEDED = 9  # of ten seeds
# What a sentence says of numbers that the example measures: it needs a claim.
OF_A_RUN = re.compile(r"\bhere\b|\bmeasured\b|\bbelow\b|\d\.\d|\b(rises|falls|lower|higher|faster|slower)\b", re.I)


def said_by(example: Example) -> str:
    return " ".join(filter(None, (example.teaching, example.today, *(mistake.lesson for mistake in example.mistakes))))


def test_every_sentence_of_basics_is_there_and_is_one() -> None:
    assert list(LINES) == list(EXAMPLES)
    for name, lines in LINES.items():
        sentences = [parted(line)[0] for line in lines]  # refuses one without a claim or a mark
        assert " ".join(sentences) == said_by(EXAMPLES[name])
        for sentence in sentences:
            assert not re.search(r"[a-z)][.?!] [A-Z]", sentence), f"two sentences with one claim: {sentence}"


def test_what_can_be_measured_is_not_only_marked() -> None:
    for line in itertools.chain(*LINES.values()):
        sentence, _, mark = parted(line)
        if mark is Mark.SOURCE:
            assert re.search(r"\w+ et al\., \d{4}", sentence)
        elif mark is Mark.QUESTION:
            assert sentence.endswith("?")
        elif mark:
            assert not OF_A_RUN.search(sentence), sentence
    assert OF_A_RUN.search("On the same batch the loss should now be lower.")


class Runs:
    """Runs of an example, each made once: its variables as they are at the end, the error that ended it, its text."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self.of = cache(self._of)

    def _of(self, name: str, given: tuple[tuple[str, Any], ...]) -> SimpleNamespace:
        example, seen = EXAMPLES[name], {}

        def watch(frame: FrameType, event: str, _: object) -> None:
            if event == "return" and frame.f_code is example.function.__code__:
                seen.update(frame.f_locals)

        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            outcome = self.workbench.run(example, example.read(dict(given)))
        finally:
            sys.setprofile(before)
        seen["error"] = outcome.raised.message if outcome.raised else ""
        return SimpleNamespace(**seen, text="".join(outcome.blocks))

    def names_for(self, name: str) -> dict[str, Any]:
        """What a claim of that example may say."""

        def other(name: str, /, **values: object) -> SimpleNamespace:
            return self.of(name, tuple(sorted(values.items())))

        def run(**values: object) -> SimpleNamespace:
            return other(name, **values)

        said: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "optim": optim, "np": np, "math": math, "Path": Path}
        said |= {"pairwise": itertools.pairwise, "DataLoader": DataLoader, "run": run, "other": other, "often": often}
        said |= {"fails": fails, "trained": trained, "program_of": program_of, "gap": gap}
        return {**vars(run()), **said}


def often(is_so: Callable[[int], Any]) -> bool:
    return sum(bool(is_so(seed)) for seed in range(10)) >= NEEDED


def fails(action: Callable[[], object]) -> bool:
    try:
        action()
    except RuntimeError:
        return True
    return False


def trained(query: str) -> RunSummary:
    return RunSummary(history_of(query)[1])


def program_of(query: str) -> str:
    return script(Pair.from_query(query).a)


def gap(run: SimpleNamespace) -> float:
    return run.val_losses[-1] - run.train_losses[-1]


@pytest.fixture(scope="module")
def runs(workbench: Workbench) -> Runs:
    return Runs(workbench)


@pytest.mark.parametrize("name", LINES)
def test_what_basics_says_is_so(name: str, runs: Runs) -> None:
    names = runs.names_for(name)
    with torch.random.fork_rng(devices=[]):
        wrong = [line for line in LINES[name] if (claim := parted(line)[1]) and not eval(claim, dict(names))]
    assert wrong == []


def test_a_claim_can_fail(runs: Runs) -> None:
    names = runs.names_for("learning_rate")
    assert not eval('run(lr="0.1").losses[-1] > run(lr="0.1").losses[0]', names)
    assert not often(lambda seed: seed < 8)
    assert not fails(lambda: None)
