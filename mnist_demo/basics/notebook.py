"""All examples as one Jupyter notebook, made from the same source that the page shows and runs.

It needs torch and torchvision only: its first code cell holds the drawing functions. The notebook format is plain
JSON (nbformat 4.5), so no package is needed to write it.
"""

import inspect
import json
from pathlib import Path

from mnist_demo.basics import pictures, plots, source
from mnist_demo.basics.chapters import CHAPTERS
from mnist_demo.basics.example import Example

STYLE = Path(__file__).with_name("pictures.css")
DRAWING = ("block", "pictures", "photo", "heat", "table", "bars", "curves", "histogram", "landscape")

INTRODUCTION = """# PyTorch basics, alive

Every example of the Basics tab, to run and change on your own machine. It needs `torch` and `torchvision` (one example
draws with `matplotlib`). The first lines of a cell are its values: change them and run the cell again.

Run the next two cells first: the drawing functions, and the data."""

SHOW = """
import sys

from IPython.display import HTML, display

STYLE = {style}


def show(*things):
    \"\"\"Show texts, tensors and pictures in one row.\"\"\"
    each = STYLE if "google.colab" in sys.modules else ""  # there every output is a page of its own
    display(HTML(each + block(*things)))


display(HTML(STYLE))"""

DATA = """# The training set as the notes make it, and `digits`: its first 4,000 images as rows of numbers, with labels.
import os

from torchvision import datasets, transforms

root = os.environ.get("MNIST_ROOT", "~/.pytorch/MNIST_data/")
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
trainset = datasets.MNIST(root, download=True, train=True, transform=transform)
digits = trainset.data[:4000].float().view(4000, 784) / 127.5 - 1, trainset.targets[:4000]"""


def build_notebook() -> dict[str, object]:
    """The notebook as JSON types: an introduction, drawing, data, then every chapter and example."""
    cells = [
        markdown("introduction", INTRODUCTION),
        code("drawing", drawing_source(), {"jupyter": {"source_hidden": True}}),
        code("data", DATA),
    ]
    for number, chapter in enumerate(CHAPTERS, start=1):
        cells.append(markdown(f"chapter-{number}", f"## {number} {chapter.title}"))
        for example in chapter.examples:
            cells += example_cells(example)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def notebook_text() -> str:
    """The notebook as the text of an .ipynb file."""
    return json.dumps(build_notebook(), ensure_ascii=False, indent=1)


def example_cells(example: Example) -> list[dict[str, object]]:
    """The words of an example and its code, at the default values."""
    words = [f"### {example.title}", example.teaching]
    if example.today:
        words.append(f"> **The notes said:** {example.said}\n>\n> **Today:** {example.today}")
    # The tag lets "Run all" go on where a package that only this example needs is missing.
    tags: dict[str, object] = {"tags": ["raises-exception"]} if example.needs else {}
    return [
        markdown(f"{example.name}-words", "\n\n".join(words)),
        code(example.name, source.listing(example, example.defaults).text, tags),
    ]


def drawing_source() -> str:
    """The drawing modules inside one function, so that a cell's own names can't overwrite what they use."""
    texts = [inspect.getsource(module) for module in (pictures, plots)]
    lines = [line for text in texts for line in text.splitlines() if not line.startswith("from mnist_demo.")]
    inside = "\n".join(f"    {line}" if line else "" for line in lines)
    style = STYLE.read_text(encoding="utf-8")
    names = ", ".join(DRAWING)
    head = "# Drawing: how this notebook shows tensors, pictures and curves. Nothing to learn here."
    shown = SHOW.format(style=json.dumps(f"<style>{style}</style>"))
    return f"{head}\ndef drawing():\n{inside}\n    return {names}\n\n\n{names} = drawing()\n{shown}"


def markdown(name: str, text: str) -> dict[str, object]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def code(name: str, text: str, metadata: dict[str, object] | None = None) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": metadata or {},
        "source": text,
        "execution_count": None,
        "outputs": [],
    }
