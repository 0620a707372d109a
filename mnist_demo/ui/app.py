"""The page as a whole: its tabs, its header, and what a leaving visitor deletes. How it is served: see `serve`."""

from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.basics import glossary
from mnist_demo.basics.view import pair_of
from mnist_demo.cluster.engine import Engine
from mnist_demo.learning import checkpoints
from mnist_demo.serving.runs import RunStore
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.serving.visitors import Visitor, Visitors
from mnist_demo.ui.basics import build_basics_tab
from mnist_demo.ui.before.lesson_panel import FREE
from mnist_demo.ui.components.words import create_words
from mnist_demo.ui.draw import DrawTab
from mnist_demo.ui.drawing.own_panel import Digits, pair_with
from mnist_demo.ui.train import TrainTab
from mnist_demo.ui.train_api import build_train_api
from mnist_demo.ui.visit import Lab, Shown, visitor_id
from mnist_demo.ui.web.page import Page

HEADER = """<header class="mnist-header"><h1>MNIST Lab</h1>
<p>Train two networks that differ in one knob, watch why they learn or fail, then draw digits on them.</p></header>"""


def build_app(cluster: Engine, store: RunStore, root: Path) -> Page:
    """The page's components and events, not yet served. `root` is where torchvision finds MNIST."""
    lab = Lab(Visitors(store), cluster, root)
    shelf = ModelShelf(checkpoints.shipped(), lab.visitors)
    page = Page(title="MNIST Lab", analytics_enabled=False, delete_cache=(600, 3600))
    with page:
        gr.HTML(HEADER, elem_id="header", padding=False)
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Train", id="train") as tab:
                train_tab = TrainTab(lab)
                build_train_api(lab)
            with gr.Tab("Draw", id="draw") as draw_tab:
                draw = DrawTab(lab, shelf, draw_tab, train_tab.ended)
            train_tab.scrubber.connect(draw.canvas, tab, tabs, train_tab.ended)
            with gr.Tab("Basics", id="basics"):
                basics = build_basics_tab(lambda: root)

        create_words(glossary.told())

        def train_this(visitor: Visitor, value: dict[str, Any]) -> Shown:
            """An example's experiment as run A on the Train tab, beside a run B that differs in one knob."""
            return {**train_tab.setup.show(visitor, FREE, pair_of(value)), tabs: gr.Tabs(selected="train")}

        def train_with(visitor: Visitor, sent: Digits, *values: Any) -> Shown:
            """A visitor's own digits for run B; run A is the one on the Train tab."""
            pair = pair_with(visitor, sent, train_tab.setup.form.read(values).a)
            return {**train_tab.setup.show(visitor, FREE, pair), tabs: gr.Tabs(selected="train")}

        own, setup = draw.own, train_tab.setup
        asked = [own.digits, *setup.form.inputs]
        lab.on(own.digits.input, train_with, asked, [*setup.outputs, tabs], tell=own.words)
        lab.on(basics.submit, train_this, [basics], [*train_tab.setup.outputs, tabs])

        def leave(request: gr.Request) -> None:
            lab.visitors.leave(visitor_id(request))

        page.unload(leave)
        train_tab.open(page)
    return page
