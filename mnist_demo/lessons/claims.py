"""The small language that claims are written in: `b.last.val_accuracy - a.last.val_accuracy >= 0.06`.

Behind ` | ` every sentence that the app says of training has such a claim, or one word for why nothing can be measured
(`Mark`). Knows which words an expression may use, and evaluates it. Does not know the names of a run's numbers: they
are in `experiment.summary`.
"""

import ast
from collections.abc import Mapping
from enum import StrEnum

from mnist_demo.experiment.summary import NotMeasured


class Mark(StrEnum):
    """Why a sentence has no claim."""

    DEFINITION = "definition"  # what a word means, or arithmetic that holds for any run
    SOURCE = "source"  # what others have shown; it names them and the year
    ADVICE = "advice"
    QUESTION = "question"


def parted(line: str) -> tuple[str, str, Mark | None]:
    """`sentence | expression` or `sentence | mark` as (sentence, expression, mark); a marked one has no expression.

    Raises ValueError for a sentence without either.
    """
    sentence, bar, behind = (part.strip() for part in line.partition(" | "))
    if not bar or not behind:
        raise ValueError(f"A sentence needs a claim or a mark behind ' | ': {line}")
    return (sentence, "", Mark(behind)) if behind in set(Mark) else (sentence, behind, None)


_ALLOWED = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Add, ast.Sub),
    *(ast.Mult, ast.Div, ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Load, ast.Constant, ast.Call),
)


def is_true(expression: str, names: Mapping[str, object]) -> bool:
    """Evaluates a claim like `b.last.val_accuracy - a.last.val_accuracy >= 0.06`.

    Comparisons, sums, products, `and`, `or`, `not`, `abs(...)`, and the attributes of what `names` holds with their
    elements; a number that is NaN or was not measured makes its comparison false. Raises ValueError for anything else.
    """
    tree = ast.parse(expression, mode="eval")
    for node in ast.walk(tree):
        is_known = isinstance(node, _ALLOWED) and not (isinstance(node, ast.Attribute) and node.attr.startswith("_"))
        is_other_call = isinstance(node, ast.Call) and ast.unparse(node.func) != "abs"
        if not is_known or is_other_call or (isinstance(node, ast.Name) and node.id not in {*names, "abs"}):
            raise ValueError(f"A claim may not say {ast.unparse(node)!r}: {expression}")
    try:
        return bool(eval(compile(tree, "<claim>", "eval"), {"__builtins__": {"abs": abs}, **names}))
    except (TypeError, IndexError, ZeroDivisionError, NotMeasured):
        return False
