"""Imports that a piece of code needs, read from the file it stands in."""

import ast

from mnist_demo.export import syntax

SOURCE = (
    "import os, sys\nimport torch.nn.functional as F\nfrom math import pi as p, e\nif True:\n    from re import sub\n"
)


def found(*names: str) -> list[str]:
    return [line for _, line in syntax.imports(ast.parse(SOURCE), names)]


def test_only_what_is_needed_is_imported_under_its_own_name() -> None:
    assert found("sys", "p") == ["import sys", "from math import pi as p"]
    assert found("F", "sub") == ["import torch.nn.functional as F", "from re import sub"]
    assert found("pi", "torch") == []


def test_names_are_those_read_and_set() -> None:
    assert syntax.names_in(ast.parse("a = b.c(d='e')")) == {"a", "b"}


def test_a_file_is_its_tree_and_its_lines() -> None:
    tree, lines = syntax.parsed(syntax.__file__)
    assert ast.get_docstring(tree)
    assert lines[0].startswith('"""A Python file')
    assert syntax.parsed(syntax.__file__)[0] is tree
