"""The Draw tab: a canvas, what the networks see of it, and what up to three of them say while the pen moves.

Knows the tab's controls and what each asks for; reading a drawing is `mnist_demo.inference`, the networks
on offer are `models`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from mnist_demo.errors import MnistLabError
from mnist_demo.inference import BLANK, Prediction, recognize, with_dropout_on
from mnist_demo.sketch import Step, read_base64, read_picture
from mnist_demo.ui.components.bars import Answer, BarsValue, answer, bars_value, create_bars
from mnist_demo.ui.components.canvas import CanvasPicture, canvas_picture, create_canvas, read_ink
from mnist_demo.ui.components.tiles import TilesValue, create_tiles, tile, tiles_value
from mnist_demo.ui.digits import first_validation_digits, to_png
from mnist_demo.ui.models import MAX_ASKED, ModelShelf, checked_keys
from mnist_demo.ui.upload_panel import build_upload_panel
from mnist_demo.ui.visit import QUICK, Visit, owner_of
from mnist_demo.ui.why_panel import build_why_panel

CONCURRENT_READINGS = 2  # torch computes one answer in about a millisecond; more threads only get in each other's way
FLICKER_SECONDS = 0.6


def build_draw_tab(visit: Visit, shelf: ModelShelf, tab: gr.Tab, *refresh_on: Any) -> None:
    """Builds the tab inside the current Blocks context; the list of models is renewed on those events."""
    images = first_validation_digits(visit.root)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=300):
            canvas = create_canvas()
            with gr.Accordion("A digit from MNIST", open=False):
                digits = create_tiles(_example_tiles(images), label="One of each digit", elem_id="digits")
        with gr.Column(scale=6, min_width=300):
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
                    [(step.value, step.name) for step in Step],
                    label="Leave out a step of the preprocessing",
                    elem_id="skip",
                )
                forgets = gr.Checkbox(
                    False,
                    label="Forget model.eval(): dropout stays on",
                    info="Ask a network with dropout.",
                    elem_id="forget",
                )
            build_why_panel(visit, shelf, canvas, models, bars)
            loaded = build_upload_panel(visit, shelf, models)
    read = _reader(shelf)
    asked = [canvas, models, skipped, forgets]
    shown = [bars, tiles]
    for control in (canvas, models, skipped, forgets):
        control.input(read, asked, shown, trigger_mode="always_last", **QUICK)
    loaded.then(read, asked, shown, **QUICK)
    flicker = gr.Timer(FLICKER_SECONDS, active=False)
    flicker.tick(read, asked, shown, trigger_mode="always_last", **QUICK)
    forgets.input(lambda is_on: gr.Timer(active=is_on is True), forgets, flicker, **QUICK)

    def load_digit(event: gr.SelectData, drawing: Any) -> CanvasPicture:
        index = event.index if isinstance(event.index, int) else 0
        _, seq = read_ink(drawing)
        return canvas_picture(to_png(images[index % len(images)]), seq + 1)

    digits.select(load_digit, canvas, canvas, **QUICK)

    def renew(keys: Any, request: gr.Request) -> Any:
        choices = shelf.choices(owner_of(request))
        known = {key for _, key in choices}
        kept = [key for key in keys if key in known] if isinstance(keys, list) else []
        return gr.Dropdown(choices=choices, value=kept or shelf.default())

    renewed = gr.on([tab.select, *refresh_on], renew, models, models, **QUICK)
    renewed.then(read, asked, shown, **QUICK)  # a run that has gone on answers anew
    gr.api(predict, api_name="predict", queue=False)  # type: ignore[attr-defined]  # exported, but not in __all__


def predict(image: str) -> dict[str, Any]:
    """Reads the digit in a picture: a base64 PNG, JPEG or WebP, with or without `data:image/png;base64,` in front.

    Returns the digit (null where there is no answer), the probabilities of 0 to 9, and why the picture is
    refused, if it is. The shipped CNN answers; nothing is stored.
    """
    try:
        prediction = recognize(read_base64(image))
    except MnistLabError as error:
        raise gr.Error(str(error)) from error
    return {
        "digit": None if prediction.refusal else prediction.digit,
        "probabilities": [round(float(probability), 6) for probability in prediction.probabilities],
        "refusal": prediction.refusal,
    }


def _reader(shelf: ModelShelf) -> Callable[..., Any]:
    gate = asyncio.Semaphore(CONCURRENT_READINGS)

    async def read(
        drawing: Any, keys: Any, skip: Any, is_forgetful: Any, request: gr.Request
    ) -> tuple[BarsValue, TilesValue]:
        async with gate:
            try:
                return await asyncio.to_thread(
                    _read, shelf, drawing, keys, _steps(skip), is_forgetful is True, owner_of(request)
                )
            except MnistLabError as error:
                raise gr.Error(str(error)) from error

    return read


def _read(
    shelf: ModelShelf, drawing: Any, keys: Any, skip: frozenset[Step], is_forgetful: bool, owner: str
) -> tuple[BarsValue, TilesValue]:
    """What each chosen model says of a drawing, and the stages it went through."""
    picture, seq = read_ink(drawing)
    if not picture:
        return bars_value([], message=BLANK, seq=seq), tiles_value([], seq=seq)
    canvas = read_picture(picture)[..., 0]
    answers, stages = [], []
    for key in checked_keys(keys):
        model = shelf.find(key, owner)
        prediction = recognize(canvas, with_dropout_on(model) if is_forgetful else model, skip)
        answers.append(_answer(*shelf.describe(key, owner), prediction))
        stages = prediction.stages
    if not stages:
        return bars_value([], message=BLANK, seq=seq), tiles_value([], seq=seq)
    pictures = [tile(each.name, each.image.tobytes(), each.image.shape[1], each.image.shape[0]) for each in stages]
    return bars_value(answers, seq=seq), tiles_value(pictures, seq=seq)


def _answer(name: str, detail: str, prediction: Prediction) -> Answer:
    if prediction.digit is None:
        return answer(name, detail, None, refusal=prediction.refusal)
    return answer(name, detail, prediction.probabilities.tolist(), refusal=prediction.refusal)


def _steps(names: Any) -> frozenset[Step]:
    if not isinstance(names, list) or not all(isinstance(name, str) and name in Step.__members__ for name in names):
        raise gr.Error("The steps to leave out are a list of names of steps.")
    return frozenset(Step[name] for name in names)


def _example_tiles(images: list[NDArray[np.uint8]]) -> TilesValue:
    return tiles_value([tile(str(digit), image.tobytes()) for digit, image in enumerate(images)], size=48)
