"""The training loop of a run in plain PyTorch, with the one wrong line of a mistake marked.

Knows HTML. Does not know how the lines are made: that is `mnist_demo.export.script`.
"""

from html import escape

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.export.script import training_loop


def loop_html(pair: Pair) -> str:
    """Run B's loop if B makes a mistake, else run A's; a mistake's line is marked, with the right one."""
    name, experiment = ("B", pair.b) if pair.b.mistake != pair.a.mistake else ("A", pair.a)
    return f"<p>The loop of run {name}, as you would write it:</p>{_code_html(experiment)}"


def _code_html(experiment: Experiment) -> str:
    source = training_loop(experiment)
    rows = []
    for index, line in enumerate(source.lines):
        text = escape(line) or " "
        if index == source.wrong_line:
            rows.append(f'<mark class="mnist-wrong" title="the mistake">{text}</mark>')
            rows.append(f'<span class="mnist-right">{escape(source.right_line or "")}   # what belongs there</span>')
        else:
            rows.append(f"<span>{text}</span>")
    reason = f"<p>{escape(source.reason)}</p>" if source.reason else ""
    return f'<pre class="mnist-code" tabindex="0"><code>{"".join(rows)}</code></pre>{reason}'
