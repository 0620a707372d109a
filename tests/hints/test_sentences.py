"""No hint says what is not true of its run: every sentence has a claim or a mark, and a wrong claim keeps it unsaid."""

import ast
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_demo import hints as package
from mnist_demo.hints import RULES, hints
from mnist_demo.hints.case import Case
from mnist_demo.hints.sentences import say
from mnist_demo.lessons.claims import Mark, parted
from tests.hints import test_bugs, test_comparison, test_fit, test_settings
from tests.hints.cases import case, recorded_case
from tests.histories import history_of, recorded

FOLDER = Path(package.__file__).parent
SPEAKING = ("bugs.py", "settings.py", "fit.py", "comparison.py", "epochs.py")
NOT_A_RUN = "Run {name} never had a finite validation loss.", "Run {name} has no finite validation loss to watch."


def calls_of_say(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("say", "case.say"):
            yield node


def lines_of(call: ast.Call) -> list[str]:
    """The sentences of one call; each must be a plain string, so that it can be read here."""
    given = call.args if ast.unparse(call.func) == "case.say" else call.args[1:]
    return [ast.literal_eval(line) for line in given]


def unchecked(source: str) -> list[str]:
    """What a module says without a claim: strings that end like a sentence, outside `say` and docstrings."""
    tree = ast.parse(source)
    said = {id(part) for call in calls_of_say(tree) for part in ast.walk(call)}
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in said | documents | parts or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        text = ast.unparse(node).strip("f'\"")
        if re.search(r"[a-z] .*[.!?]$", text) and text not in NOT_A_RUN:
            found.append(text)
    return found


@pytest.mark.parametrize("name", SPEAKING)
def test_every_sentence_of_a_hint_has_a_claim_or_a_mark(name: str) -> None:
    source = (FOLDER / name).read_text(encoding="utf-8")
    assert unchecked(source) == []
    calls = list(calls_of_say(ast.parse(source)))
    assert calls
    for call in calls:
        lines = [parted(line) for line in lines_of(call)]
        assert any(mark is None for _, _, mark in lines), f"it says nothing of the run: {lines}"
        for sentence, _, mark in lines:
            assert sentence.endswith("."), sentence
            assert mark in (None, Mark.ADVICE, Mark.DEFINITION), sentence
            assert mark is None or not re.search(r"\{(last|run|probe|case)\b", sentence), sentence


@pytest.mark.parametrize("name", SPEAKING)
def test_every_hint_speaks_by_say(name: str) -> None:
    tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Hint":
            text = node.args[1]
            is_said = isinstance(text, ast.Call) and ast.unparse(text.func) == "case.say"
            assert is_said or ast.unparse(text) == "text", ast.unparse(node)


def test_the_finder_finds_what_is_said_without_a_claim() -> None:
    assert unchecked('Hint(Kind.BUG, f"The loss is {x:.2f}, too high.")') == ["The loss is {x:.2f}, too high."]
    assert unchecked('"""A docstring is no sentence of a hint."""\ncase.say("It is so. | run.rise > 0")') == []
    with pytest.raises(ValueError, match="needs a claim or a mark"):
        case().say("It is magic.")


def test_a_sentence_that_is_not_true_is_not_said() -> None:
    lines = ("Low: {x}. | x < 1", "High: {x}. | x >= 1", "Look. | advice")
    assert say({"x": 0}, *lines) == "Low: 0. Look."
    assert say({"x": 2}, *lines) == "High: 2. Look."
    assert say({"x": float("nan")}, *lines) == "Look."
    with pytest.raises(ValueError, match="may not say"):
        say({"x": 0}, "So. | __import__('os')")


def made_up() -> Iterator[Case]:
    """Cases of the other tests, and those for which no run was recorded."""
    for _, experiment, numbers, changes in test_settings.EDGES:
        yield from (case(experiment, **numbers | speaks) for speaks, _ in changes)
    for experiment, numbers in test_fit.NUMBERS.values():
        yield case(experiment, **numbers)
    yield case(left_over=0.5, val_loss=math.nan)
    yield case(input_size=255.0, gradients=(100.0, 50.0), val_loss=math.nan)


def test_every_sentence_is_said_of_some_run() -> None:
    """A claim that is true of no run would make its sentence a dead letter."""
    fires = (fire for module in (test_bugs, test_comparison, test_fit, test_settings) for fire in module.FIRES)
    cases = [recorded_case(query, beside) for _, query, _, beside in fires]
    experiment, points = history_of("")
    longer = experiment.replace(epochs=41)
    for end, other in ((41, experiment), (41, longer), (40, longer)):
        cases.append(Case(experiment, points[:end], (other, points)))
    said = "\n".join(hint.text for each in (*cases, *made_up()) for rule in RULES if (hint := rule(each)))
    for name in SPEAKING[:-1]:
        for call in calls_of_say(ast.parse((FOLDER / name).read_text(encoding="utf-8"))):
            for line in lines_of(call):
                pattern = re.sub(r"\\\{.*?\\\}", ".+", re.escape(parted(line)[0]))
                assert re.search(pattern, said), f"never said: {line}"


def test_no_hint_on_a_recorded_run_is_empty() -> None:
    for query in recorded():
        for hint in hints(*history_of(query)):
            assert len(hint.text) > 40
            assert hint.text.endswith(".")
