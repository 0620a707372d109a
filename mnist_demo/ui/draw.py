"""The Draw tab: a canvas, what the networks see, and the answers of up to three of them while the pen moves.

Knows the tab's controls and what each one calls. Does not know how a drawing is read (`mnist_demo.inference.recognize`)
or which networks there are (`mnist_demo.serving.shelf`).
"""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from PIL import Image

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images.sketch import Preprocessing, Stage
from mnist_demo.inference.recognize import with_dropout_on
from mnist_demo.serving.shelf import MAX_ASKED, TOO_MANY, ModelShelf
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.answers import Reader, read_drawing
from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.bars import COLORS, bars_value, create_bars
from mnist_demo.ui.components.canvas import Drawing, create_canvas
from mnist_demo.ui.components.tiles import Tile, create_tiles, tile, tiles_value
from mnist_demo.ui.drawing.digits import build_digits_panel
from mnist_demo.ui.drawing.own_panel import build_own_panel
from mnist_demo.ui.drawing.picture_panel import build_picture_words
from mnist_demo.ui.drawing.predict_api import build_predict_api
from mnist_demo.ui.drawing.upload_panel import build_upload_panel
from mnist_demo.ui.drawing.why_panel import build_why_panel
from mnist_demo.ui.values import Drawn, Slugs, Steps, Text
from mnist_demo.ui.visit import QUICK, Lab, Shown, error_html

FLICKER_SECONDS = 0.6
SENT_SIDE = 112  # pixels, of a stage's picture
FORGET = "eval"
CHOOSE = "Choose a network to read the drawing."
LEAVE_OUT = {
    Preprocessing.SPECKS: "removing stray specks",
    Preprocessing.CROP: "cropping to the ink, and evening the stroke width",
    Preprocessing.WIDTH: "evening the stroke width",
    Preprocessing.FIT: "fitting into 20×20",
    Preprocessing.CENTRE: "centring by mass",
}


class DrawTab:
    """The tab, built inside the current Blocks context."""

    def __init__(self, lab: Lab, shelf: ModelShelf, tab: gr.Tab, ended: Sequence[Any]) -> None:
        """The list of networks is renewed when the tab is opened and after each training's end."""
        self.lab, self.shelf = lab, shelf
        with gr.Row(equal_height=False, elem_classes="mnist-one-column"):
            with gr.Column(scale=4, min_width=300, elem_classes="mnist-one-column"):
                self.canvas = create_canvas()
                build_picture_words(lab, self.canvas)
                self.own = build_own_panel(lab, shelf)
                below_canvas = gr.Column()
            with gr.Column(scale=6, min_width=300, elem_classes="mnist-one-column"):
                self.models = gr.Dropdown(
                    shelf.choices(),
                    value=shelf.default(),
                    multiselect=True,
                    label=f"Networks to ask (up to {MAX_ASKED})",
                    elem_id="models",
                )
                self.notice = gr.HTML("", elem_id="models-message", padding=False)
                self.bars = create_bars()
                self.tiles = create_tiles(label="From your drawing to what the network sees")
                self._build_mischief()
                build_why_panel(lab, shelf, self.canvas, self.models, self.skipped, self.bars)
                loaded = build_upload_panel(lab, shelf, self.models)
        with below_canvas:
            build_digits_panel(lab, shelf, self.canvas)
        self._connect(tab, ended, loaded)
        build_predict_api(lab)

    def _build_mischief(self) -> None:
        with gr.Accordion("Break it on purpose", open=False):
            self.skipped = gr.CheckboxGroup(
                [(words, step.name) for step, words in LEAVE_OUT.items()],
                label="Leave out a step of the preprocessing",
                elem_id="skip",
            )
            self.forgets = gr.CheckboxGroup(
                [("forget model.eval(): dropout stays on", FORGET)],
                label="Leave out a line of code (ask a network with dropout)",
                elem_id="forget",
            )

    def _connect(self, tab: gr.Tab, ended: Sequence[Any], loaded: Any) -> None:
        drawn, shown = [self.canvas, self.skipped, self.forgets], [self.bars, self.tiles]
        newest: dict[str, Any] = {"trigger_mode": "always_last"}
        # The call when the pen is lifted does not wait for the stroke's last answer.
        self.lab.on(self.canvas.release, self.read, drawn, shown, trigger_mode="multiple")
        for control in (self.canvas, self.skipped, self.forgets):
            self.lab.on(control.input, self.read, drawn, shown, **newest)
        flicker = gr.Timer(FLICKER_SECONDS, active=False)
        self.lab.on(flicker.tick, self.read, drawn, shown, **newest)
        self.forgets.input(
            None, self.forgets, flicker, js="(on) => ({__type__: 'update', active: on.length > 0})", **QUICK
        )
        chosen = self.lab.on(self.models.input, self.choose, [self.models], [], tell=self.notice, **newest)
        renewed = [
            self.lab.on(event, self.renew, [], [self.models]) for event in (tab.select, *(each.then for each in ended))
        ]
        for event in (chosen, loaded, *renewed):  # a run that trained further answers again
            self.lab.on(event.then, self.read, drawn, shown)

    def choose(self, visitor: Visitor, keys: list[Text]) -> Shown:
        """Other networks read the drawing from now on."""
        visitor.asked = tuple(dict.fromkeys(keys))[:MAX_ASKED]
        if len(keys) <= MAX_ASKED:
            return {}
        return {self.notice: error_html(InvalidDrawing(TOO_MANY))}

    def renew(self, visitor: Visitor) -> Shown:
        """Updates the list of networks with the visitor's present runs and uploads."""
        return {self.models: gr.update(choices=self.shelf.choices(visitor), value=self.shelf.asked_by(visitor))}

    async def read(self, visitor: Visitor, drawing: Drawn, skip: Steps, left_out: Slugs) -> Shown:
        """What each chosen network says of the drawing, and the stages it went through."""
        return await self.lab.read_drawing(self._read, visitor, drawing, skip, FORGET in left_out)

    def _read(self, visitor: Visitor, drawing: Drawing, skip: frozenset[Preprocessing], is_forgetful: bool) -> Shown:
        visitor.drawing, readers = drawing.png, []
        for place, key in enumerate(self.shelf.asked_by(visitor)):
            model = self.shelf.find(key, visitor)
            asked = with_dropout_on(model) if is_forgetful else model
            readers.append(Reader(*self.shelf.describe(key, visitor), asked, self._color(visitor, key, place)))
        bars, stages = read_drawing(drawing, readers, skip)
        if not readers:
            bars = bars_value([], message=CHOOSE, seq=drawing.seq)
        return {self.bars: bars, self.tiles: _stage_tiles(stages, drawing.seq)}

    def _color(self, visitor: Visitor, key: str, place: int) -> str:
        """A network's colour: that of run A or B on the Train tab, a shipped network's own, else one by its place."""
        shipped = [each for _, each in self.shelf.choices()]
        run_id = key.split(":")[1]
        if run_id in visitor.pair_ids:
            return "ab"[visitor.pair_ids.index(run_id)]
        return COLORS[2 + shipped.index(key) % 3] if key in shipped else COLORS[5 + place]


def _stage_tiles(stages: Sequence[Stage], seq: int) -> Packed:
    return tiles_value([_stage_tile(stage) for stage in stages], drops_late=True, seq=seq)


def _stage_tile(stage: Stage) -> Tile:
    """A stage's picture, hardly larger than it is shown: it is sent ten times a second."""
    picture = Image.fromarray(stage.image)
    picture.thumbnail((SENT_SIDE, SENT_SIDE), reducing_gap=2)
    return tile(stage.name, picture.tobytes(), picture.width, picture.height)
