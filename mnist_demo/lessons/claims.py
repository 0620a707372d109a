"""The small language that claims are written in: `b.last.val_accuracy - a.last.val_accuracy >= 0.06`.

Knows which words an expression may use, and evaluates it. Does not know the names of a run's numbers: they are in
`experiment.summary`.
"""

import ast
from collections.abc import Mapping

from mnist_demo.experiment.summary import NotMeasured, RunSummary

_ALLOWED = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Add, ast.Sub),
    *(ast.Mult, ast.Div, ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Load, ast.Constant, ast.Call),
)


def is_true(expression: str, summaries: Mapping[str, RunSummary]) -> bool:
    """Evaluates a claim like `b.last.val_accuracy - a.last.val_accuracy >= 0.06`.

    Comparisons, sums, products, `and`, `or`, `not`, `abs(...)`, and the attributes of a RunSummary with their
    elements; a number that is NaN or was not measured makes its comparison false. Raises ValueError for anything else.
    """
    tree = ast.parse(expression, mode="eval")
    for node in ast.walk(tree):
        is_known = isinstance(node, _ALLOWED) and not (isinstance(node, ast.Attribute) and node.attr.startswith("_"))
        is_other_call = isinstance(node, ast.Call) and ast.unparse(node.func) != "abs"
        if not is_known or is_other_call or (isinstance(node, ast.Name) and node.id not in {*summaries, "abs"}):
            raise ValueError(f"A claim may not say {ast.unparse(node)!r}: {expression}")
    try:
        return bool(eval(compile(tree, "<claim>", "eval"), {"__builtins__": {"abs": abs}, **summaries}))
    except (TypeError, IndexError, ZeroDivisionError, NotMeasured):
        return False
