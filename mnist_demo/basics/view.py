"""An example as a page shows it, in JSON types: its text, its code as HTML, its controls and its output.

Every value a visitor sends comes through `answer`. Does not know the page.
"""

from collections.abc import Mapping
from dataclasses import asdict
from html import escape

from mnist_demo.basics import chapters, checklist, notebook, source
from mnist_demo.basics.controls import Choice, Control, Number, Value
from mnist_demo.basics.example import Example, Raised
from mnist_demo.basics.workbench import Workbench
from mnist_demo.errors import InvalidExperiment, MnistLabError
from mnist_demo.experiment.config import TRAIN_IMAGES, Experiment
from mnist_demo.experiment.pair import Pair

NO_LESSON = "PyTorch stopped here. Its message names the cause."


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
    """PyTorch's message as HTML, and what it teaches."""
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


def pair_of(request: object) -> Pair:
    """Run A trains what a visitor's {example, values} shows; run B is the same with another value of one control.

    Raises InvalidExperiment for an example without a network to train.
    """
    sent = request if isinstance(request, Mapping) else {}
    example = chapters.find_example(sent.get("example"))
    if example.knobs is None:
        raise InvalidExperiment(f"“{example.title}” is not a network to train: choose another example.")
    values = example.read(sent.get("values"))
    a = Experiment.from_dict(example.knobs(values))
    others = ({**values, control.name: other} for control in example.controls for other in _others(control, values))
    usual = a.replace(patience=0) if a.patience else a.replace(train_size=min(5 * a.train_size, TRAIN_IMAGES))
    b = next((b for each in others if (b := Experiment.from_dict(example.knobs(each))) != a), usual)
    return Pair(a=a, b=b)


def _others(control: Control, values: Mapping[str, Value]) -> list[Value]:
    """Other values of a control, the most useful first: twice a number, or half of it. Another seed is not useful."""
    value = values[control.name]
    if control.name == "seed":
        return []
    if isinstance(control, Number):
        near = [2 * float(value), float(value) / 2]
        fitting = [each for each in near if control.minimum <= each <= control.maximum]
        return [control.read(each) for each in fitting if not control.is_whole or each == int(each)]
    return [other for other in control.extremes if other != value]
