"""The values of `program`'s expressions for one experiment, and its text with those values in place.

Knows expressions. Does not know which statements are kept: that is `cut`.
"""

import ast
import builtins
import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from types import CodeType

from mnist_demo.experiment.choices import Mistake
from mnist_demo.experiment.config import Experiment
from mnist_demo.learning.layers import layers

OURS = "mnist_demo"
UNKNOWN = object()
BEGIN_A_LINE = ("Flatten", "AdaptiveAvgPool2d")


class Values:
    """The names of a program whose values follow from an experiment, and the same for it without its mistake."""

    def __init__(self, tree: ast.Module, text: str, experiment: Experiment) -> None:
        self.text, self.experiment = text, experiment
        self.starts = _line_starts(text)
        self.known: dict[str, object] = {"knobs": experiment}
        self.known_if_right: dict[str, object] = {"knobs": experiment.replace(mistake=Mistake.NONE)}
        self.base = 0  # column in the source of the statement that is being written
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS):
                module = importlib.import_module(node.module or "")
                found = {alias.name: getattr(module, alias.name) for alias in node.names if hasattr(module, alias.name)}
                self.known |= found
                self.known_if_right |= found

    def learn(self, node: ast.Assign) -> None:
        """Stores a constant of the program; all of them follow from the knobs."""
        name = ast.unparse(node.targets[0])
        if name.isupper():
            for known in (self.known, self.known_if_right):
                known[name] = self.value(node.value, known)

    def bind(self, target: ast.expr, values: object) -> None:
        """Stores the values that a loop of one turn gives its names."""
        names = [name.id for name in ast.walk(target) if isinstance(name, ast.Name)]
        for known in (self.known, self.known_if_right):
            known.update(zip(names, values, strict=True))  # type: ignore[call-overload]

    def arm(self, node: ast.IfExp) -> ast.expr | None:
        """The arm of `a if knobs.x else b` that is taken; None if only running the program decides."""
        value = self.value(node.test)
        return None if value is UNKNOWN else node.body if value else node.orelse

    def written(self, node: ast.stmt, start: int, end: int) -> str:
        """The source from `start` to `end`, all or the head of a statement, with values in place of knobs."""
        self.base = node.col_offset
        text = self.text[start:end]
        for low, high, new in sorted(self._edits(node), reverse=True):
            if start <= low and high <= end:
                text = text[: low - start] + new + text[high - start :]
        return text

    def _edits(self, node: ast.AST) -> Iterator[tuple[int, int, str]]:
        """(start, end, new text) for each change to a statement's text; no change lies inside another."""
        if isinstance(node, ast.AnnAssign):
            yield self._end(node.target), self._end(node.annotation), ""
        if isinstance(node, ast.Starred) and ast.unparse(node) == "*modules(knobs)":
            yield self._start(node), self._end(node), _layers(self.experiment, " " * self.base)
            return
        if isinstance(node, ast.IfExp) and (arm := self.arm(node)) is not None:
            yield self._start(node), self._end(node), self._edited_part(arm)
            return
        if isinstance(node, ast.expr) and (text := _literal(self.value(node))):
            yield self._start(node), self._end(node), text
            return
        if isinstance(node, ast.JoinedStr):  # before Python 3.12 the places inside are wrong
            return
        if isinstance(node, ast.Call):
            given: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
            ends = [self._end(inner) for inner in given]
            for before, keyword in zip(ends[len(node.args) - 1 :], node.keywords, strict=False):
                if self._is_off(keyword.value):
                    yield before, self._end(keyword), ""
            for part in (node.func, *node.args, *(k.value for k in node.keywords if not self._is_off(k.value))):
                yield from self._edits(part)
            return
        if isinstance(node, ast.FunctionDef):  # a learner's script needs no types
            for argument in node.args.args:
                if argument.annotation:
                    yield self._start(argument) + len(argument.arg), self._end(argument), ""
            return
        for child in _parts(node):
            yield from self._edits(child)

    def _edited_part(self, node: ast.expr) -> str:
        start, end = self._start(node), self._end(node)
        text = self.text[start:end]
        for low, high, new in sorted(self._edits(node), reverse=True):
            text = text[: low - start] + new + text[high - start :]
        return text

    def _is_off(self, node: ast.expr) -> bool:
        """Whether an argument is made of a knob that is 0, so that it can be left out."""
        return any(self.value(knob) == 0 for knob in _knobs(node))

    def value(self, node: ast.expr, known: Mapping[str, object] | None = None) -> object:
        """The value of an expression made of knobs alone; UNKNOWN if it needs anything else."""
        known = self.known if known is None else known
        names = _names(node)
        if not names & known.keys() or not all(name in known or hasattr(builtins, name) for name in names):
            return UNKNOWN
        return eval(_code(node), {}, dict(known))

    def _start(self, node: ast.expr | ast.arg) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr | ast.keyword | ast.arg) -> int:
        return self.starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)


# What follows from the program alone is found once: the page asks for new values at every change of a knob.
@cache
def _line_starts(text: str) -> list[int]:
    return [0, *(index + 1 for index, letter in enumerate(text) if letter == "\n")]


@cache
def _parts(node: ast.AST) -> tuple[ast.AST, ...]:
    """What a node is made of, but for the statements in it."""
    return tuple(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt))


@cache
def _names(node: ast.expr) -> frozenset[str]:
    return frozenset(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


@cache
def _code(node: ast.expr) -> CodeType:
    return compile(ast.Expression(node), "program", "eval")


@cache
def _knobs(node: ast.expr) -> tuple[ast.Attribute, ...]:
    found = (inner for inner in ast.walk(node) if isinstance(inner, ast.Attribute))
    return tuple(inner for inner in found if ast.unparse(inner.value) == "knobs")


def _layers(experiment: Experiment, base: str) -> str:
    """The layers as text. A layer that acts on another's output stands on the same line, after it."""
    text = ""
    for layer in layers(experiment):
        if not layer.does_nothing:
            begins = not text or layer.weights or layer.kind in BEGIN_A_LINE
            text += f"\n{base}    {layer.code}," if begins else f" {layer.code},"
    return f"{text}\n{base}"


def _literal(value: object) -> str:
    """A number, text, or list of such as a program writes it; '' for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:_}" if value >= 10_000 else str(value)
    if isinstance(value, float | str):
        return repr(value)
    if isinstance(value, list | tuple) and all(texts := [_literal(item) for item in value]):
        return f"[{', '.join(texts)}]" if isinstance(value, list) else f"({', '.join(texts)})"
    return ""
