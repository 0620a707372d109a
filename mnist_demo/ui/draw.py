"""The Draw tab: a canvas, what the networks see of it, and what up to three of them say while the pen moves.

Knows which models a visitor may ask; reading a drawing is `mnist_demo.inference`.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import gradio as gr

from mnist_demo.checkpoints import Checkpoint
from mnist_demo.errors import InvalidDrawing, MnistLabError, UnknownRun
from mnist_demo.inference import BLANK, Prediction, recognize
from mnist_demo.runs import Run, RunStore
from mnist_demo.sketch import read_picture
from mnist_demo.ui.components.bars import Answer, BarsValue, answer, bars_value, create_bars
from mnist_demo.ui.components.canvas import create_canvas, read_ink
from mnist_demo.ui.components.tiles import TilesValue, create_tiles, tile, tiles_value
from mnist_demo.ui.visit import QUICK, owner_of

MAX_MODELS = 3
CONCURRENT_READINGS = 2  # torch computes one answer in about a millisecond; more threads only get in each other's way
NICE_NAMES = {
    "cnn": "CNN",
    "mlp-dropout": "MLP with dropout",
    "mlp-overfitted": "MLP, overfitted on 1,000 images",
}
DEFAULT_MODELS = ("shipped:cnn", "shipped:mlp-overfitted")


class ModelShelf:
    """The networks a visitor can ask by key: "shipped:<name>", or "run:<id>:best" and "run:<id>:last"."""

    def __init__(self, shipped: Mapping[str, Checkpoint], store: RunStore) -> None:
        self._shipped = shipped
        self._store = store

    def choices(self, owner: str) -> list[tuple[str, str]]:
        """(label, key) of every model this visitor may ask, the shipped ones first."""
        found = [(NICE_NAMES.get(name, name), f"shipped:{name}") for name in self._shipped]
        for run in self._store.of_owner(owner):
            if run.best is not None:
                best, last = run.history[run.best].epoch, run.history[-1].epoch
                found.append((f"Your run {run.name}, best (epoch {best:.3g})", f"run:{run.id}:best"))
                found.append((f"Your run {run.name}, last (epoch {last:.3g})", f"run:{run.id}:last"))
        return found

    def find(self, key: str, owner: str) -> Checkpoint:
        """The network of a key. Raises UnknownRun for a key that names none of this visitor's."""
        kind, _, name = key.partition(":")
        if kind == "shipped" and name in self._shipped:
            return self._shipped[name]
        run_id, _, which = name.partition(":")
        if kind != "run" or which not in ("best", "last"):
            raise UnknownRun("There is no such model; choose one from the list.")
        run = self._store.get(run_id, owner)
        return self._store.checkpoint(run, _index(run, which))

    def describe(self, key: str, owner: str) -> tuple[str, str]:
        """(name, one line about it) of a key that `find` knows."""
        labels = {key: label for label, key in self.choices(owner)}
        scores = self.find(key, owner).scores
        if "test_accuracy" in scores:
            return labels[key], f"{scores['test_accuracy']:.2%} of the test images"
        return labels[key], f"{scores.get('val_accuracy', 0):.1%} of the validation images"


def build_draw_tab(shelf: ModelShelf, tab: gr.Tab, *refresh_on: Any) -> None:
    """Builds the tab inside the current Blocks context; the list of models is renewed on those events."""
    available = [key for _, key in shelf.choices("")]
    chosen = [key for key in DEFAULT_MODELS if key in available] or available[:1]
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=300):
            canvas = create_canvas()
        with gr.Column(scale=6, min_width=300):
            models = gr.Dropdown(
                shelf.choices(""),
                value=chosen,
                multiselect=True,
                max_choices=MAX_MODELS,
                label="Who reads it (up to three)",
                elem_id="models",
            )
            bars = create_bars()
            tiles = create_tiles(label="From your drawing to what the network sees")
    gate = asyncio.Semaphore(CONCURRENT_READINGS)

    async def read(drawing: Any, keys: Any, request: gr.Request) -> tuple[BarsValue, TilesValue]:
        owner = owner_of(request)
        async with gate:
            return await asyncio.to_thread(_read, shelf, drawing, keys, owner)

    def renew(keys: Any, request: gr.Request) -> Any:
        choices = shelf.choices(owner_of(request))
        known = {key for _, key in choices}
        kept = [key for key in keys if key in known] if isinstance(keys, list) else []
        return gr.Dropdown(choices=choices, value=kept or chosen)

    canvas.input(read, [canvas, models], [bars, tiles], trigger_mode="always_last", **QUICK)
    models.input(read, [canvas, models], [bars, tiles], trigger_mode="always_last", **QUICK)
    gr.on([tab.select, *refresh_on], renew, models, models, **QUICK)


def _read(shelf: ModelShelf, drawing: Any, keys: Any, owner: str) -> tuple[BarsValue, TilesValue]:
    """What each chosen model says of a drawing, and the stages it went through."""
    try:
        picture, seq = read_ink(drawing)
        if not picture:
            return bars_value([], message=BLANK, seq=seq), tiles_value([], seq=seq)
        canvas = read_picture(picture)[..., 0]
        answers, stages = [], []
        for key in _keys(keys):
            prediction = recognize(canvas, shelf.find(key, owner))
            answers.append(_answer(*shelf.describe(key, owner), prediction))
            stages = prediction.stages
    except MnistLabError as error:
        raise gr.Error(str(error)) from error
    if not stages:
        return bars_value([], message=BLANK, seq=seq), tiles_value([], seq=seq)
    pictures = [tile(stage.name, stage.image.tobytes(), stage.image.shape[1], stage.image.shape[0]) for stage in stages]
    return bars_value(answers, seq=seq), tiles_value(pictures, seq=seq)


def _answer(name: str, detail: str, prediction: Prediction) -> Answer:
    return answer(name, detail, prediction.probabilities.tolist(), refusal=prediction.refusal)


def _keys(keys: Any) -> list[str]:
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise InvalidDrawing("The models to ask are a list of names.")
    if not 1 <= len(keys) <= MAX_MODELS:
        raise InvalidDrawing(f"Choose one to {MAX_MODELS} models to read the drawing, not {len(keys)}.")
    return keys


def _index(run: Run, which: str) -> int:
    last = len(run.history) - 1
    return last if which == "last" or run.best is None else run.best
