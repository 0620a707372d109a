"""Both runs as one program in plain PyTorch: the lines in which they differ are marked, and the line of a mistake.

Knows HTML. Does not know how the lines are made: that is `mnist_demo.export.script`.
"""

from html import escape

from mnist_demo.experiment.pair import Pair
from mnist_demo.export.script import REASONS, ComparedLine, compared


def loop_html(pair: Pair) -> str:
    """The program of both runs. A line of one run carries its letter, a line wrong in both the right one."""
    lines = compared(pair.a, pair.b)
    but = ", but for the marked lines" if any(line.whose for line in lines) else ""
    reasons = [f"<p>{escape(REASONS[each])}</p>" for each in {pair.a.mistake, pair.b.mistake} & REASONS.keys()]
    code = f'<pre class="mnist-code" tabindex="0"><code>{"".join(map(_row, lines))}</code></pre>'
    return f"<p>Both runs are this program{but}:</p>{''.join(reasons)}{code}"


def _row(line: ComparedLine) -> str:
    text = escape(line.text) or " "
    if line.right is not None:
        right = f'<span class="mnist-right">{escape(line.right)}   # what belongs there</span>'
        return f'<mark class="mnist-wrong" title="the mistake">{text}</mark>{right}'
    if line.whose:
        name = line.whose.upper()
        return f'<mark class="mnist-of-{line.whose}" title="run {name} only"><b>{name}</b>{text}</mark>'
    return f"<span>{text}</span>"
