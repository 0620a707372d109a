"""The text of an example as a learner reads it: imports, the controls' values, and the function's own lines.

The lines of the body are cut out of the source file by the syntax tree, so the code shown is the code that runs.
Knows Python's syntax. Does not know PyTorch.
"""

import ast
import builtins
import inspect
import io
import json
import keyword
import textwrap
import tokenize
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from mnist_demo.basics.controls import Value
from mnist_demo.basics.example import Example
from mnist_demo.export import cut, syntax
from mnist_demo.export.syntax import parsed

OURS = "mnist_demo."  # drawing functions: the notebook defines them in its first cell


@dataclass(frozen=True)
class Listing:
    """`text` to show; its line `body_line` (1-based) is line `file_line` of the source file."""

    text: str
    body_line: int
    file_line: int

    def shown_line(self, file_line: int | None) -> int | None:
        """Where a line of the source file stands in `text`; None outside the body."""
        if file_line is None:
            return None
        line = file_line - self.file_line + self.body_line
        return line if self.body_line <= line <= self.text.count("\n") + 1 else None


def body(function: Callable[..., object]) -> tuple[int, str, set[str]]:
    """(first line in the file, dedented text, names read) of a function's body below its docstring."""
    tree, lines = parsed(str(inspect.getsourcefile(function)))
    name = function.__name__
    node = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    docstring = node.body[0]
    first = (docstring.end_lineno or docstring.lineno) + 1
    while not lines[first - 1].strip():
        first += 1
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    text = textwrap.dedent("\n".join(lines[first - 1 : node.end_lineno]))
    return first, text, names


def imports(function: Callable[..., object], names: set[str]) -> list[str]:
    """The import lines of the function's module that its body needs, without our own drawing functions."""
    tree, _ = parsed(str(inspect.getsourcefile(function)))
    return [line for _, line in syntax.imports(tree, names) if not line.startswith(f"from {OURS}")]


def literal(value: Value) -> str:
    """A control's value as Python writes it, with the double quotes of the code around it."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def listing(example: Example, values: Mapping[str, Value]) -> Listing:
    """The example as a short script: imports, one line for each control, what it takes from earlier, the body.

    Functions that the example takes from the plain program stand before the body.
    """
    first, text, names = body(example.function)
    functions = example.functions_text(values)
    head = cut.imports(f"{functions}\n{text}") if functions else imports(example.function, names)
    if values or example.uses:
        head += [""] if head else []
        head += [f"{name} = {literal(value)}" for name, value in values.items()]
        head += [f"# {name}: from an earlier example" for name in example.uses]
    if functions:
        head += ["", "", *functions.split("\n"), ""]
    head += [""] if head else []
    return Listing("\n".join([*head, text]), len(head) + 1, first)


@dataclass(frozen=True)
class Pane:
    """One column of a listing, starting at its line `first` (1-based); `is_across` spans all columns."""

    text: str
    first: int
    is_across: bool


def panes(text: str, starts: Sequence[str]) -> tuple[Pane, ...]:
    """Cuts a listing where a line begins with one of `starts`. The first and last panes span all columns."""
    if not starts:
        return (Pane(text, 1, True),)
    lines = text.split("\n")
    cuts = [0, *(next(i for i, line in enumerate(lines) if line.startswith(start)) for start in starts), len(lines)]
    return tuple(
        Pane("\n".join(lines[low:high]).strip("\n"), low + 1, index in (0, len(starts)))
        for index, (low, high) in enumerate(pairwise(cuts))
    )


def highlighted(
    text: str, classes: Mapping[int, str] | None = None, attributes: Mapping[int, str] | None = None
) -> str:
    """Python source as HTML, one `<span class="mnist-line">` a line, with classes and attributes for some (1-based)."""
    pieces: list[list[str]] = [[] for _ in text.split("\n")]
    lines = text.split("\n")
    ends = [0] * len(lines)
    for token in tokenize.generate_tokens(io.StringIO(text + "\n").readline):
        kind = token_class(token)
        (row, column), (last_row, last_column) = token.start, token.end
        for at in range(row, min(last_row, len(lines)) + 1):
            start = column if at == row else 0
            stop = last_column if at == last_row else len(lines[at - 1])
            if stop <= start:
                continue
            line, done = lines[at - 1], ends[at - 1]
            pieces[at - 1].append(escape(line[done:start]))
            word = escape(line[start:stop])
            pieces[at - 1].append(f'<span class="{kind}">{word}</span>' if kind else word)
            ends[at - 1] = stop
    classes, attributes = classes or {}, attributes or {}
    return "".join(
        f'<span class="mnist-line {classes.get(i, "")}" {attributes.get(i, "")}>{"".join(p) or " "}</span>'
        for i, p in enumerate(pieces, start=1)
    )


def token_class(token: tokenize.TokenInfo) -> str:
    """The highlighting class of a token, or ''."""
    if token.type == tokenize.COMMENT:
        return "mnist-comment"
    if token.type == tokenize.STRING or tokenize.tok_name[token.type].startswith("FSTRING"):
        return "mnist-string"
    if token.type == tokenize.NUMBER:
        return "mnist-number"
    if token.type == tokenize.NAME:
        if keyword.iskeyword(token.string):
            return "mnist-keyword"
        if hasattr(builtins, token.string):
            return "mnist-builtin"
    return ""


def lines_with(text: str, fragments: Sequence[str]) -> list[int]:
    """The 1-based lines of `text` that contain one of `fragments`."""
    return [i for i, line in enumerate(text.split("\n"), start=1) if any(fragment in line for fragment in fragments)]
