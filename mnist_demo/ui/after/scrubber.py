"""Looking back: cards, strip and closer looks follow the epoch chosen below the curves; the strip also a training.

Also shows early stopping for any patience, without retraining. Knows what shows what. Does not know what a run looked
like: that is `mnist_demo.serving.looks`.
"""

import time
from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from mnist_demo.errors import MnistLabError
from mnist_demo.hints.epochs import best_sentence, stopping_sentence
from mnist_demo.images.data import load_validation_data
from mnist_demo.images.pictures import read_picture
from mnist_demo.inference.recognize import Prediction, recognize_by
from mnist_demo.learning.checkpoints import Checkpoint
from mnist_demo.serving.looks import glance, nearest_place, nearest_point, scrub_epochs
from mnist_demo.serving.runs import Run
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.after.look_panel import LookPanel, chosen_cell, weight_tiles
from mnist_demo.ui.components.tiles import Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.run_view import NAMES, PairView
from mnist_demo.ui.values import Number, whole_number
from mnist_demo.ui.visit import QUICK, Lab, Shown, note_html, read

PATIENCE = 5
MAX_PATIENCE = 200
EMPTY = "Train a pair first. Then this says where early stopping would have ended each run."
TILE_SIZE = 32  # pixels
LIVE_SECONDS = 0.4  # between two strips of a training, at least,
LIVE_SECONDS_EACH = 0.3  # and that for each page that watches: a strip takes some 20 ms of the server
YOURS = "your digit"
NO_DRAWING = tile(YOURS, bytes(28 * 28), word=YOURS)


class Scrubber:
    """The strip of an epoch below the curves, and the looks beside them; each built where the tab wants it."""

    def __init__(self, lab: Lab, view: PairView) -> None:
        self.lab, self.view = lab, view

    def build_strip(self) -> None:
        """Of each run: its answer to the visitor's drawing, some of its first layer, its first mistakes."""
        with gr.Row(elem_classes="mnist-strip"):
            self.strip = [
                create_tiles(label=f"Run {name}: your drawing, first layer, mistakes", elem_id=f"strip-{name.lower()}")
                for name in NAMES
            ]

    def build_looks(self) -> None:
        """The closer looks, inside the current Tabs context."""
        self.looks = LookPanel(self.lab)
        with gr.Tab("Stop early", id="stop-early"):
            self.patience = gr.Slider(
                1, 20, step=1, value=PATIENCE, label="Patience (epochs)", elem_id="patience", buttons=[]
            )
            self.stopping = gr.HTML(note_html(EMPTY), elem_id="stopping")

    @property
    def outputs(self) -> list[Any]:
        """What `open` fills."""
        return [self.stopping, *self.strip]

    def open(self, visitor: Visitor, patience: float | None) -> Shown:
        """After a training."""
        visitor.look_at(None)
        return {**self.stop_early(visitor, patience), **self._strip(visitor)}

    def connect(self, canvas: gr.HTML, tab: gr.Tab, tabs: gr.Tabs, ended: Sequence[Any]) -> None:
        """Connects everything, once the Draw tab's canvas is there; `tab` is the one that this panel is in."""
        lab = self.lab
        newest: dict[str, Any] = {"trigger_mode": "always_last"}
        moved = lab.on(self.view.charts.select, self.follow, [], [self.view.cards, *self.strip], **newest)
        for event in (moved, *ended):  # last, because it answers thousands of images
            lab.on(event.then, self.look, [], self.looks.outputs, **newest)
        lab.on(tab.select, self.refresh, [], self.strip)  # the drawing may be another one
        lab.on(self.looks.confusion.select, self.click_cell, [], self.looks.outputs)
        self.looks.connect(canvas).then(lambda: gr.Tabs(selected="draw"), None, tabs, **QUICK)
        lab.on(self.patience.input, self.stop_early, [self.patience], [self.stopping])

    async def follow(self, visitor: Visitor, event: gr.SelectData) -> Shown:
        """An epoch was chosen below or on the curves: cards, strip and the Draw tab's networks are of it."""
        epoch = read(Number, event.value)
        if not visitor.measured_pair or visitor.is_training:
            return {}
        epochs = scrub_epochs(visitor.measured_pair)
        visitor.look_at(epochs[nearest_place(epochs, epoch)])
        return {self.view.cards: self.view.cards_html(visitor), **await self.refresh(visitor)}

    async def refresh(self, visitor: Visitor) -> Shown:
        """The strip at the epoch looked at, or at the newest point."""
        return await self.lab.read_drawing(self._strip, visitor)

    def glance(self, visitor: Visitor) -> Shown:
        """The strip of a training, if a newer one is ready. Asks for the next one, in time, but waits for none."""
        ready, watching = visitor.strip, self.lab.driver.watching
        if ready and not ready.done():
            return {}
        if time.monotonic() - visitor.glanced_at >= max(LIVE_SECONDS, LIVE_SECONDS_EACH * watching):
            visitor.glanced_at = time.monotonic()
            visitor.strip = self.lab.strips.submit(self._strip, visitor)
        else:
            visitor.strip = None
        return ready.result() if ready else {}

    async def look(self, visitor: Visitor) -> Shown:
        """Weights, confusion matrices and the images of the chosen cell at the epoch looked at.

        Shows nothing if the visitor has moved the slider meanwhile: a later, quicker look may already be on the page.
        """
        pair_of_runs, epoch = visitor.measured_pair, visitor.epoch
        if not pair_of_runs or visitor.is_training:
            return {}
        shown = await self.looks.show(visitor, _epoch(visitor, pair_of_runs))
        return shown if visitor.epoch == epoch else {}

    async def click_cell(self, visitor: Visitor, event: gr.SelectData) -> Shown:
        """A cell of a matrix was clicked: shows its images, now and at every point the slider moves to."""
        visitor.cell = chosen_cell(event)
        return await self.look(visitor)

    def stop_early(self, visitor: Visitor, patience: Number | None) -> Shown:
        """The best epoch of each run, and where early stopping would have ended it."""
        epochs = whole_number(patience, 1, MAX_PATIENCE, PATIENCE)
        sentences = [
            f"{best_sentence(name, run.history)} {stopping_sentence(name, run.history, epochs, run.experiment.epochs)}"
            for name, run in zip(NAMES, visitor.measured_pair, strict=False)
        ]
        return {self.stopping: "".join(f"<p>{escape(each)}</p>" for each in sentences) or note_html(EMPTY)}

    def _strip(self, visitor: Visitor) -> Shown:
        pair_of_runs = visitor.measured_pair
        if not pair_of_runs:
            return {each: tiles_value([]) for each in self.strip}
        epoch = _epoch(visitor, pair_of_runs)
        place = scrub_epochs(pair_of_runs).index(epoch)
        models = [_model(visitor, run, epoch) for run in pair_of_runs]
        answers = iter(_answers(visitor.drawing, [model for model in models if model]))
        rows = [self._row(model, next(answers)) if model else [] for model in models]
        return {each: tiles_value(row, size=TILE_SIZE, seq=place) for each, row in zip(self.strip, rows, strict=True)}

    def _row(self, model: Checkpoint, answer: Tile) -> list[Tile]:
        seen = glance(model, self.lab.root)
        images = load_validation_data(self.lab.root).images
        mistakes = [tile(f"read {digit}", images[at].numpy().tobytes(), word="read") for at, digit in seen.mistakes]
        return [answer, *weight_tiles(seen.units, seen.weights, model.experiment), *mistakes]


def _model(visitor: Visitor, run: Run, epoch: float) -> Checkpoint | None:
    """The network kept nearest to an epoch; None if the run has diverged, or has none yet."""
    try:
        return visitor.store.checkpoint(run, nearest_point(run, epoch))
    except MnistLabError:
        return None


def _answers(png: bytes, models: Sequence[Checkpoint]) -> list[Tile]:
    """What each network reads in a drawing, below the picture that it sees."""
    answers = recognize_by(read_picture(png)[..., 0], models) if png and models else []
    return [_answer_tile(each) for each in answers] or [NO_DRAWING] * len(models)


def _answer_tile(answer: Prediction) -> Tile:
    if not answer.stages:
        return NO_DRAWING
    pixels = answer.stages[-1].image.tobytes()
    if answer.digit is None:
        return tile("no digit", pixels, word=YOURS)
    return tile(f"{answer.digit}, {answer.confidence:.0%}", pixels, word=YOURS)


def _epoch(visitor: Visitor, pair_of_runs: Sequence[Run]) -> float:
    """The epoch looked at: the last one if none was chosen."""
    return scrub_epochs(pair_of_runs)[-1] if visitor.epoch is None else visitor.epoch
