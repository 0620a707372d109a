"""Cuts out of `program` what one experiment needs, by the syntax tree.

Of an `if` about knobs only the branch that is taken stays. An expression made of knobs alone becomes its value, and a
loop of one turn becomes its body. What is then unused goes. Comments stay with their lines. Knows Python's syntax.
Does not know training.
"""

import ast
import functools
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mnist_demo.experiment.config import Experiment
from mnist_demo.export import syntax
from mnist_demo.export.syntax import names_in
from mnist_demo.export.values import UNKNOWN, Values

PROGRAM = Path(__file__).with_name("program.py")  # read, not imported: it needs torchvision
WIDTH = 116  # columns


@dataclass(frozen=True)
class Line:
    """One line of a program. If it is the mistake, `right` is the correct line."""

    text: str
    right: str | None = None


@dataclass(frozen=True)
class Part:
    """A function, or one statement outside of functions: `name` is the function's, or what the statement sets."""

    name: str
    lines: tuple[Line, ...]
    is_function: bool

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@functools.lru_cache(maxsize=64)  # the page asks at every change of a knob
def parts(experiment: Experiment) -> tuple[Part, ...]:
    """The functions and statements of the experiment's program, in order; only those it needs, imports apart."""
    tree, _ = syntax.parsed(str(PROGRAM))
    cutter = _Cutter(experiment)
    found: list[Part] = []
    for node in tree.body:
        if isinstance(node, ast.Assign):
            cutter.values.learn(node)
        elif isinstance(node, ast.FunctionDef):
            found.append(Part(node.name, tuple(cutter.block([node], 0)), True))
        elif isinstance(node, ast.If):  # the program's main part
            found += [Part(_target(inner), tuple(cutter.block([inner], 0, node.body)), False) for inner in node.body]
    names = {part.name: names_in(part.text) for part in found if part.is_function}
    used = set().union(*(names_in(part.text) for part in found if not part.is_function))
    while more := set().union(*(names[name] for name in used & names.keys())) - used:
        used |= more
    return tuple(part for part in found if part.lines and (part.name in used or not part.is_function))


def imports(text: str) -> list[str]:
    """The program's import lines that a text needs, in their groups."""
    tree, lines = syntax.parsed(str(PROGRAM))
    found: list[str] = []
    last = 0
    for node, line in syntax.imports(tree, names_in(text)):
        if found and "" in lines[last : node.lineno - 1]:
            found.append("")
        found.append(line)
        last = node.lineno
    return found


def _target(node: ast.stmt) -> str:
    """The name that a statement sets, also inside an `if`; '' for none."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            return inner.id
    return ""


class _Cutter:
    """Walks statements and gives their lines as the experiment needs them."""

    def __init__(self, experiment: Experiment) -> None:
        tree, self.lines = syntax.parsed(str(PROGRAM))
        self.values = Values(tree, "\n".join(self.lines) + "\n", experiment)
        self.aliases: dict[str, str] = {}

    def block(self, nodes: Sequence[ast.stmt], indent: int, around: Sequence[ast.stmt] = ()) -> list[Line]:
        """The lines of statements at an indentation; `around` are their neighbours, for the comments before them."""
        lines: list[Line] = []
        siblings = list(around) or list(nodes)
        for node in nodes:
            index = siblings.index(node)
            inner = list(self._statement(node, indent))
            before = [] if index == 0 else self._comments(siblings[index - 1], node, indent)
            if inner and before and not isinstance(node, ast.If):
                lines += before if lines or before[0].text or around else before[1:]
            lines += inner
        return lines

    def _comments(self, before: ast.stmt, node: ast.stmt, indent: int) -> list[Line]:
        """Blank lines and comments between two statements of one block."""
        between = self.lines[before.end_lineno or 0 : _first_line(node) - 1]
        return [Line(" " * indent + line.strip() if line.strip() else "") for line in between]

    def _statement(self, node: ast.stmt, indent: int) -> Iterator[Line]:
        if isinstance(node, ast.If) and self.values.value(node.test) is not UNKNOWN:
            yield from self._chosen(node, indent)
        elif isinstance(node, ast.For) and (turns := self._known_turns(node)) and len(turns) == 1:
            self.values.bind(node.target, turns[0])
            yield from self.block(node.body, indent)
        elif isinstance(node, ast.FunctionDef | ast.For | ast.With | ast.If):
            yield from self._written(node, _first_line(node), _header_end(node), indent)
            yield from self.block(node.body, indent + 4)
            if isinstance(node, ast.If) and node.orelse:
                yield Line(" " * indent + "else:")
                yield from self.block(node.orelse, indent + 4)
        elif not self._is_alias(node):
            yield from self._written(node, node.lineno, node.end_lineno or node.lineno, indent)

    def _known_turns(self, node: ast.For) -> Sequence[object]:
        """What a loop goes through, if knobs alone decide; else nothing."""
        turns = self.values.value(node.iter)
        return () if turns is UNKNOWN else cast(Sequence[object], turns)

    def _chosen(self, node: ast.If, indent: int) -> Iterator[Line]:
        """The branch that is taken. If only the mistake decides, also the branch of the correct program."""
        body, right = self._branch(node, self.values.known), self._branch(node, self.values.known_if_right)
        if body is right or not ast.unparse(node.test).startswith("knobs.mistake is "):
            yield from self.block(body, indent)
            return
        (right_line,) = self.block(right, indent)
        wrong = self.block(body, indent) or [Line(f"{' ' * indent}# {right_line.text.strip()}")]
        yield Line(wrong[0].text, right_line.text)

    def _branch(self, node: ast.If, known: Mapping[str, object]) -> Sequence[ast.stmt]:
        if self.values.value(node.test, known):
            return node.body
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):  # elif
            return self._branch(node.orelse[0], known)
        return node.orelse

    def _is_alias(self, node: ast.stmt) -> bool:
        """Whether a statement only makes one name stand for another, chosen by knobs; that other name is written."""
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp):
            chosen = self.values.arm(node.value)
            if isinstance(chosen, ast.Name):
                self.aliases[ast.unparse(node.targets[0])] = chosen.id
                return True
        return False

    def _written(self, node: ast.stmt, first: int, last: int, indent: int) -> Iterator[Line]:
        """Lines `first` to `last` of the source with values for knobs, on one line where they fit."""
        text = self.values.written(node, self.values.starts[first - 1], self.values.starts[last] - 1)
        text = re.sub(r"  # type: ignore\[[\w-]+\]", "", text)
        text = re.sub(r"\[: (?=[\d_]+\])", "[:", text)
        if isinstance(node, ast.FunctionDef):
            text = re.sub(r"\) -> [^:]+:", "):", text)
        for name, meant in self.aliases.items():
            text = re.sub(rf"\b{name}\b", meant, text)
        lines = textwrap.dedent(text).split("\n")
        if len(lines) > 1 and "#" not in text and not lines[0].startswith("@") and lines[1].startswith(" "):
            joined = lines[0] + " ".join(line.strip() for line in lines[1:-1]).removesuffix(",") + lines[-1].strip()
            if len(joined) + indent <= WIDTH:
                lines = [re.sub(r"^([\w, ]+ = )\((.*)\)$", r"\1\2", joined)]
        yield from (Line(" " * indent + line if line else "") for line in lines)


def _first_line(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _header_end(node: ast.FunctionDef | ast.For | ast.With | ast.If) -> int:
    """The line on which the head of a compound statement ends, before its body."""
    if isinstance(node, ast.FunctionDef):
        return node.returns.end_lineno or 0 if node.returns else node.lineno
    if isinstance(node, ast.With):
        return node.items[-1].context_expr.end_lineno or 0
    return (node.iter if isinstance(node, ast.For) else node.test).end_lineno or 0
