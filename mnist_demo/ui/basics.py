"""The Basics tab: examples in a list, one of them in a panel with its code, its controls and its output.

Knows the component and its events. Does not know what an example computes and shows: that is `mnist_demo.basics`.
One HTML component holds everything, so forty examples cost the page no more than one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.basics import chapters, checklist
from mnist_demo.basics.view import answer, catalogue, notes_view, view
from mnist_demo.basics.workbench import Workbench

HERE = Path(__file__).parent / "components" / "basics"
PICTURES_CSS = Path(checklist.__file__).with_name("pictures.css")


def build_basics_tab(find_root: Callable[[], Path]) -> gr.HTML:
    """Builds the tab inside the current Blocks context. `find_root()` is called when an example first needs MNIST.

    Returns the panel: its button "Train this" fires `submit` with a value, and `experiment_of(value)` is what to train.
    """
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
        show_progress_on=[],
        api_name="run_example",
        api_visibility="undocumented",  # its value is the whole panel: for the page, not for programs
        trigger_mode="multiple",
    )
    return panel
