"""A Python file as its tree and its lines, and the import lines that a piece of it needs.

Knows syntax only. `cut` uses it for programs, Basics for its examples.
"""

import ast
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from pathlib import Path


@cache
def parsed(path: str) -> tuple[ast.Module, tuple[str, ...]]:
    """A source file's tree and its lines."""
    source = Path(path).read_text(encoding="utf-8")
    return ast.parse(source), tuple(source.splitlines())


@lru_cache(maxsize=1024)  # most parts of two programs are the same
def names_in(code: str) -> frozenset[str]:
    """Every name that a piece of code reads or sets."""
    return frozenset(inner.id for inner in ast.walk(ast.parse(code)) if isinstance(inner, ast.Name))


def imports(tree: ast.Module, names: Collection[str]) -> Iterator[tuple[ast.stmt, str]]:
    """Each import of a module (also inside a top-level `if`) that `names` need, with its line."""
    for node in (inner for outer in tree.body for inner in (outer.body if isinstance(outer, ast.If) else [outer])):
        if isinstance(node, ast.ImportFrom):
            used = [alias for alias in node.names if (alias.asname or alias.name) in names]
            if used:
                yield node, ast.unparse(ast.ImportFrom(node.module, used, node.level))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if (alias.asname or alias.name).split(".")[0] in names:
                    yield node, ast.unparse(ast.Import([alias]))
