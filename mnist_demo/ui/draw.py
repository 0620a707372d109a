"""The Draw tab: a canvas, what the networks see of it, and what up to three of them say while the pen moves.

Knows the tab's controls and what each asks for; reading a drawing is `mnist_demo.inference.recognize`, the networks
on offer are `models`.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from PIL import Image

from mnist_demo.errors import MnistLabError
from mnist_demo.images.sketch import Preprocessing, Stage
from mnist_demo.inference.recognize import with_dropout_on
from mnist_demo.serving.shelf import MAX_ASKED, ModelShelf, checked_keys
from mnist_demo.ui.answers import Reader, checked_steps, read_drawing
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.bars import bars_value, create_bars
from mnist_demo.ui.components.canvas import create_canvas
from mnist_demo.ui.components.tiles import Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.drawing.digits import build_digits_panel
from mnist_demo.ui.drawing.predict_api import build_predict_api
from mnist_demo.ui.drawing.upload_panel import build_upload_panel
from mnist_demo.ui.drawing.why_panel import build_why_panel
from mnist_demo.ui.visit import QUICK, Visit, owner_of

FLICKER_SECONDS = 0.6
SENT_SIDE = 112  # pixels, of a stage's picture
CHOOSE = "Choose who reads the drawing."
LEAVE_OUT = {
    Preprocessing.SPECKS: "removing stray specks",
    Preprocessing.CROP: "cropping to the ink, and with it the evening of strokes",
    Preprocessing.WIDTH: "evening the stroke width",
    Preprocessing.FIT: "fitting into 20×20",
    Preprocessing.CENTRE: "centring by mass",
}


def build_draw_tab(visit: Visit, shelf: ModelShelf, tab: gr.Tab, *refresh_on: Any) -> gr.HTML:
    """Builds the tab inside the current Blocks context; the list of models is renewed on those events.

    Returns the canvas.
    """
    with gr.Row(equal_height=False, elem_classes="mnist-one-column"):
        with gr.Column(scale=4, min_width=300, elem_classes="mnist-one-column"):
            canvas = create_canvas()
            below_canvas = gr.Column()
        with gr.Column(scale=6, min_width=300, elem_classes="mnist-one-column"):
            models = gr.Dropdown(
                shelf.choices(""),
                value=shelf.default(),
                multiselect=True,
                max_choices=MAX_ASKED,
                label="Who reads it (up to three)",
                elem_id="models",
            )
            bars = create_bars()
            tiles = create_tiles(label="From your drawing to what the network sees")
            with gr.Accordion("Break it on purpose", open=False):
                skipped = gr.CheckboxGroup(
                    [(words, step.name) for step, words in LEAVE_OUT.items()],
                    label="Leave out a step of the preprocessing",
                    elem_id="skip",
                )
                forgets = gr.Checkbox(
                    False,
                    label="Forget model.eval(): dropout stays on",
                    info="Ask a network with dropout.",
                    elem_id="forget",
                )
            build_why_panel(visit, shelf, [canvas, models, skipped], bars)
            loaded = build_upload_panel(visit, shelf, models)
    with below_canvas:
        build_digits_panel(visit, shelf, canvas, models)
    read = _reader(visit, shelf)
    asked = [canvas, models, skipped, forgets]
    shown = [bars, tiles]
    canvas.release(read, asked, shown, trigger_mode="multiple", **QUICK)  # does not wait for the stroke's last answer
    for control in (canvas, models, skipped, forgets):
        control.input(read, asked, shown, trigger_mode="always_last", **QUICK)
    loaded.then(read, asked, shown, **QUICK)
    flicker = gr.Timer(FLICKER_SECONDS, active=False)
    flicker.tick(read, asked, shown, trigger_mode="always_last", **QUICK)
    forgets.input(lambda is_on: gr.Timer(active=is_on is True), forgets, flicker, **QUICK)

    def renew(keys: Any, request: gr.Request) -> Any:
        choices = shelf.choices(owner_of(request))
        known = {key for _, key in choices}
        kept = [key for key in keys if key in known] if isinstance(keys, list) else []
        return gr.update(choices=choices, value=kept or shelf.default())

    renewed = gr.on([tab.select, *refresh_on], renew, models, models, **QUICK)
    renewed.then(read, asked, shown, **QUICK)  # a run that has gone on answers anew
    build_predict_api(visit)
    return canvas


def _reader(visit: Visit, shelf: ModelShelf) -> Callable[..., Any]:
    async def read(drawing: Any, keys: Any, skip: Any, is_forgetful: Any, request: gr.Request) -> tuple[Packed, Packed]:
        async with visit.reading:
            try:
                return await asyncio.to_thread(
                    _read, shelf, drawing, keys, checked_steps(skip), is_forgetful is True, owner_of(request)
                )
            except MnistLabError as error:
                raise gr.Error(str(error)) from error

    return read


def _read(
    shelf: ModelShelf, drawing: Any, keys: Any, skip: frozenset[Preprocessing], is_forgetful: bool, owner: str
) -> tuple[Packed, Packed]:
    """What each chosen model says of a drawing, and the stages it went through."""
    if keys == []:
        nobody = read_drawing(drawing, [], skip)
        return bars_value([], message=CHOOSE, seq=nobody.seq), _stage_tiles(nobody.stages, nobody.seq)
    readers = []
    for key in checked_keys(keys):
        model = shelf.find(key, owner)
        readers.append(Reader(*shelf.describe(key, owner), with_dropout_on(model) if is_forgetful else model))
    bars, stages, seq = read_drawing(drawing, readers, skip)
    return bars, _stage_tiles(stages, seq)


def _stage_tiles(stages: Sequence[Stage], seq: int) -> Packed:
    return tiles_value([_stage_tile(stage) for stage in stages], drops_late=True, seq=seq)


def _stage_tile(stage: Stage) -> Tile:
    """A stage hardly larger than it is shown: this crosses the wire ten times a second."""
    picture = Image.fromarray(stage.image)
    picture.thumbnail((SENT_SIDE, SENT_SIDE), reducing_gap=2)
    return tile(stage.name, picture.tobytes(), picture.width, picture.height)
