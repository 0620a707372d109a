"""The Basics tab: the notes' examples in a list, one of them in a panel with its code, its controls and its output.

It knows how an example is shown and posted back; what an example computes is `mnist_demo.basics`. One HTML component
holds everything, so forty examples cost the page no more than one.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.basics import chapters, checklist, notebook, source
from mnist_demo.basics.controls import Choice, Control, Number, Value
from mnist_demo.basics.example import Example, Raised
from mnist_demo.basics.workbench import Workbench
from mnist_demo.errors import InvalidExperiment, MnistLabError
from mnist_demo.experiment.config import Experiment

HERE = Path(__file__).parent / "components" / "basics"
PICTURES_CSS = Path(checklist.__file__).with_name("pictures.css")
NO_LESSON = "PyTorch stopped here. Its message names the cause."


@dataclass(frozen=True)
class BasicsTab:
    """What the page around the tab needs.

    The button "Train this" fires `panel.submit` with the panel's value; `experiment_of(value)` is what to train.
    """

    panel: gr.HTML


def build_basics_tab(find_root: Callable[[], Path]) -> BasicsTab:
    """Build the tab inside the current Blocks context. `find_root()` is called when an example first needs MNIST."""
    workbench = Workbench(find_root)
    first = chapters.CHAPTERS[0].examples[0]
    panel = gr.HTML(
        value=view(workbench, first, first.defaults, 0) | {"catalogue": catalogue(), "checklist": notes_view()},
        html_template=(HERE / "template.html").read_text(encoding="utf-8"),
        css_template=(HERE / "style.css").read_text(encoding="utf-8") + PICTURES_CSS.read_text(encoding="utf-8"),
        js_on_load=(HERE / "script.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="mnist-basics",
    )

    def run_example(request: Any) -> dict[str, object]:
        return answer(workbench, request)

    panel.input(
        run_example,
        inputs=panel,
        outputs=panel,
        queue=False,
        show_progress="hidden",
        api_name="run_example",
        trigger_mode="multiple",
    )
    return BasicsTab(panel)


def catalogue() -> list[dict[str, object]]:
    """The list on the left: chapters with their examples' names and titles."""
    return [
        {
            "title": chapter.title,
            "examples": [{"name": e.name, "title": e.title, "corrects": bool(e.today)} for e in chapter.examples],
        }
        for chapter in chapters.CHAPTERS
    ]


def answer(workbench: Workbench, request: object) -> dict[str, object]:
    """The view for a visitor's {example, values, seq}; a bad value gives `refusal`, one sentence, instead of output."""
    if not isinstance(request, Mapping):
        return {"example": "", "seq": 0, "refusal": "Send an object with the name of an example and its values."}
    seq = request.get("seq")
    number = seq if isinstance(seq, int) and not isinstance(seq, bool) and 0 <= seq < 2**53 else 0
    if request.get("notebook") is True:
        return {"example": "", "seq": number, "notebook": notebook.notebook_text()}
    try:
        example = chapters.find_example(request.get("example"))
        values = example.read(request.get("values"))
        return view(workbench, example, values, number)
    except MnistLabError as error:  # a bad value, or MNIST cannot be unpacked
        name = request.get("example")
        known = name if isinstance(name, str) and name in chapters.EXAMPLES else ""
        return {"example": known, "seq": number, "refusal": str(error)}


def view(workbench: Workbench, example: Example, values: Mapping[str, Value], seq: int) -> dict[str, object]:
    """Run the example and gather everything the panel shows, as JSON types."""
    outcome = workbench.run(example, values)
    listing = source.listing(example, values)
    raised = outcome.raised
    line = listing.shown_line(raised.line) if raised else None
    panes = source.panes(listing.text, example.panes)
    return {
        "example": example.name,
        "seq": seq,
        "refusal": "",
        "chapter": next(c.title for c in chapters.CHAPTERS if example in c.examples),
        "title": example.title,
        "teaching": example.teaching,
        "said": example.said,
        "is_quote": checklist.is_quote(example.said),
        "today": example.today,
        "notes": checklist.passages(example.name),
        "controls": [control_view(control, values[control.name]) for control in example.controls],
        "code": "".join(pane_view(example, pane, line) for pane in panes),
        "panes": len(panes),
        "parts": list(example.parts),
        "can_train": example.knobs is not None,
        "text": listing.text,
        "output": "".join(outcome.blocks) + (error_view(raised) if raised else ""),
        "elapsed_ms": round(1000 * outcome.elapsed_seconds, 1),
    }


def control_view(control: Control, value: Value) -> dict[str, object]:
    """A control's declaration and present value for the script that draws it."""
    kind = "number" if isinstance(control, Number) else "choice" if isinstance(control, Choice) else "switch"
    return {"kind": kind, **asdict(control), "value": value}


def error_view(raised: Raised) -> str:
    """What PyTorch said, and what it teaches."""
    return (
        f'<div class="mnist-stopped"><pre>{escape(raised.kind)}: {escape(raised.message)}</pre>'
        f"<p>{escape(raised.lesson or NO_LESSON)}</p></div>"
    )


def pane_view(example: Example, pane: source.Pane, raised_line: int | None) -> str:
    """One column of code: each line marked with its part, and the line that raised."""
    marks = {
        line: f'data-part="{escape(part)}"'
        for part, fragments in example.parts.items()
        for line in source.lines_with(pane.text, fragments)
        if not pane.is_across
    }
    classes = {} if raised_line is None else {raised_line - pane.first + 1: "mnist-raised"}
    kind = "mnist-listing mnist-across" if pane.is_across else "mnist-listing"
    code = source.highlighted(pane.text, classes, marks)
    return f'<pre class="{kind}" tabindex="0" aria-label="Python code">{code}</pre>'


def notes_view() -> list[dict[str, str]]:
    """The whole of the notes: each passage of the checklist with its example and what is wrong in it."""
    return [
        {"text": checklist.text_of(row), "example": row.example, "correction": row.correction}
        for row in checklist.rows()
    ]


def experiment_of(request: object) -> Experiment:
    """The Experiment that trains what a visitor's {example, values} shows. Raises InvalidExperiment."""
    values = request if isinstance(request, Mapping) else {}
    example = chapters.find_example(values.get("example"))
    if example.knobs is None:
        raise InvalidExperiment(f"“{example.title}” is not a network to train: choose another example.")
    return Experiment.from_dict(example.knobs(example.read(values.get("values"))))
