"""The page as a whole: its tabs, its header, what a visitor leaves behind. How it is served is for `serve`."""

from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.cluster.engine import Engine
from mnist_demo.experiment.pair import Pair
from mnist_demo.learning import checkpoints
from mnist_demo.serving.runs import RunStore
from mnist_demo.serving.shelf import ModelShelf
from mnist_demo.ui.basics import build_basics_tab, experiment_of
from mnist_demo.ui.before.lesson_panel import FREE
from mnist_demo.ui.draw import build_draw_tab
from mnist_demo.ui.page import Page
from mnist_demo.ui.train import TrainTab
from mnist_demo.ui.visit import QUICK, Visit, owner_of

HEADER = """<header class="mnist-header"><h1>MNIST Lab</h1>
<p>Train two networks that differ in one knob, watch why they learn or fail, then draw digits on them.</p></header>"""


def build_app(cluster: Engine, store: RunStore, root: Path) -> Page:
    """The page's components and events, not yet served. `root` is where torchvision finds MNIST."""
    visit = Visit(store, cluster, root)
    shelf = ModelShelf(checkpoints.shipped(), store)
    page = Page(title="MNIST Lab", analytics_enabled=False, delete_cache=(600, 3600))
    with page:
        gr.HTML(HEADER)
        with gr.Tabs() as tabs:
            with gr.Tab("Train", id="train") as tab:
                train_tab = TrainTab(visit)
            with gr.Tab("Draw", id="draw") as draw_tab:
                canvas = build_draw_tab(visit, shelf, draw_tab, train_tab.finished.change)
            train_tab.scrubber.connect(canvas, tab, tabs)
            with gr.Tab("Basics", id="basics"):
                basics = build_basics_tab(lambda: root)

        def train_this(value: Any) -> list[Any]:
            """An example's experiment as runs A and B on the Train tab, ready to change one knob."""
            experiment = experiment_of(value)
            return [*train_tab.setup.show(FREE, Pair(a=experiment, b=experiment)), gr.Tabs(selected="train")]

        basics.panel.submit(train_this, basics.panel, [*train_tab.setup.outputs, tabs], **QUICK)

        def leave(request: gr.Request) -> None:
            store.drop_owner(owner_of(request))
            shelf.drop_owner(owner_of(request))

        page.unload(leave)
        train_tab.open(page)
    return page
