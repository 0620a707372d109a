"""A small page with all four components and no engine: buttons feed them invented values, boxes show their events."""

import io
import json
import math
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
from PIL import Image, ImageDraw, ImageStat

from mnist_demo.ui.components import Packed
from mnist_demo.ui.components.bars import answer, bars_value, create_bars
from mnist_demo.ui.components.canvas import CanvasPicture, canvas_picture, create_canvas, read_ink
from mnist_demo.ui.components.curves import Curve, CurvesValue, create_curves, curve, curves_value
from mnist_demo.ui.components.tiles import ColorMap, create_tiles, tile, tiles_value

EPOCHS = 40
NAN = math.nan


def invented_curve(name: str, points: int, *, dropout: float = 0.0, diverges: bool = False) -> Curve:
    """The first `points` points of an overfitting run (or of one with dropout, or of one that explodes)."""
    epochs = [index * 0.5 for index in range(points)]
    fast = [math.exp(-epoch / (3 + 6 * dropout)) for epoch in epochs]
    train = [2.25 * value + 0.06 + 0.15 * dropout for value in fast]
    rise = 0.009 * (1 - 1.8 * dropout)
    val = [1.9 * f + 0.38 + rise * e for f, e in zip(fast, epochs, strict=True)]
    running: list[float] = [NAN, *[t + 0.05 + 0.4 * dropout for t in train[1:]]][:points]
    if diverges:
        val = [2.3 * 30.0 ** min(epoch, 4) for epoch in epochs]
        train, running = list(val), list(val)
        val[8:] = train[8:] = running[8:] = [NAN] * max(0, points - 8)
    finite = [index for index, value in enumerate(val) if math.isfinite(value)]
    return curve(
        name,
        f"dropout {dropout:g}" if not diverges else "learning rate 3",
        epoch=epochs,
        examples=[int(epoch * 1000) for epoch in epochs],
        train_loss=train,
        val_loss=val,
        running_loss=running,
        train_accuracy=[1 - 0.9 * value for value in fast] if not diverges else [0.1] * points,
        val_accuracy=[(0.86 + 0.03 * dropout) - 0.76 * value for value in fast] if not diverges else [0.1] * points,
        best=min(finite, key=lambda index: val[index]) if finite else None,
        note="diverged: the loss became NaN at epoch 4" if diverges and points > 8 else "",
    )


def pair(points: int) -> CurvesValue:
    runs = [invented_curve("A", points), invented_curve("B", points, dropout=0.5)]
    return curves_value(runs, EPOCHS, seq=points)


def grow() -> Iterator[CurvesValue]:
    for points in range(1, 2 * EPOCHS + 2, 4):
        yield pair(points)
        time.sleep(0.05)


def diverging() -> CurvesValue:
    runs = [invented_curve("A", 41), invented_curve("B", 9, diverges=True)]
    return curves_value(runs, EPOCHS, cursor=12, seq=1000)


def many() -> CurvesValue:
    names = ["A", "B", "wide", "<b>deep & slow</b>", "C", "D"]
    runs = [invented_curve(n, 60, dropout=0.1 * index) for index, n in enumerate(names)]
    return curves_value(runs, EPOCHS, seq=2000)


def answers(seq: int) -> Packed:
    cnn = [0.001, 0.002, 0.004, 0.962, 0.0, 0.021, 0.0, 0.003, 0.006, 0.001]
    mlp = [0.01, 0.02, 0.04, 0.33, 0.0, 0.08, 0.0, 0.03, 0.46, 0.03]
    return bars_value(
        [
            answer("CNN", "shipped, 99.4% on the test set", cnn),
            answer("MLP with dropout", "shipped, 98.3%", cnn, refusal="This looks like two digits."),
            answer("Run A", "epoch 40", mlp),
        ],
        seq=seq,
    )


def stages(seq: int, facts: str) -> Packed:
    ramp = bytes((row * 9 + column) % 256 for row in range(28) for column in range(28))
    maps = [ColorMap.GRAY, ColorMap.DIVERGING, ColorMap.HEAT]
    tiles = [tile(f"stage {m}", ramp, note="28 x 28", color_map=m) for m in maps]
    tiny = tile("tiny", bytes(range(4)), 2, 2, note=facts)  # here, because these alone drop what comes late
    return tiles_value([*tiles, tiny], seq=seq, selected=0, are_choices=True, drops_late=True)


def digit_png() -> bytes:
    image = Image.new("L", (28, 28))
    ImageDraw.Draw(image).line([(9, 6), (19, 6), (12, 22)], fill=255, width=3)
    with io.BytesIO() as buffer:
        image.save(buffer, "PNG")
        return buffer.getvalue()


def build_page() -> gr.Blocks:
    """The page; `in_flight` counts how many drawings were answered at once."""
    in_flight: list[int] = []

    def recognize(value: Any) -> tuple[Packed, Packed]:
        in_flight.append(1)
        time.sleep(0.15)
        png, seq = read_ink(value)
        image = Image.open(io.BytesIO(png)).convert("L") if png else Image.new("L", (1, 1))
        facts = {"bytes": len(png), "seq": seq, "size": image.size, "at_once": len(in_flight)}
        facts["ink"] = ImageStat.Stat(image).mean[0] / 255
        facts |= {key: value[key] for key in ("final", "strokes")}
        in_flight.pop()
        shown = answers(seq) if png else bars_value([], message="Draw a digit", seq=seq)
        return shown, stages(seq, json.dumps(facts))

    def chosen(event: gr.SelectData) -> str:
        return json.dumps([event.index, event.value])

    with gr.Blocks(title="Components", analytics_enabled=False) as page:
        with gr.Tab("Train"):
            curves = create_curves()
            grow_button = gr.Button("Grow")
            diverge_button = gr.Button("Diverge")
            many_button = gr.Button("Many")
        with gr.Tab("Draw"):
            with gr.Row():
                with gr.Column(min_width=300):
                    canvas = create_canvas()
                with gr.Column(scale=2, min_width=300):
                    bars = create_bars()
            tiles = create_tiles()
            load_button = gr.Button("Load")
            picked = gr.Textbox(label="picked", elem_id="picked")

        def load() -> CanvasPicture:
            return canvas_picture(digit_png(), seq=time.time_ns() // 1_000_000)

        quiet: dict[str, Any] = {"show_progress": "hidden"}
        grow_button.click(grow, outputs=curves, **quiet)
        diverge_button.click(diverging, outputs=curves, **quiet)
        many_button.click(many, outputs=curves, **quiet)
        canvas.input(recognize, canvas, [bars, tiles], queue=False, trigger_mode="always_last", **quiet)
        canvas.release(recognize, canvas, [bars, tiles], queue=False, trigger_mode="multiple", **quiet)
        load_button.click(load, outputs=canvas, **quiet)
        for component in (curves, bars, tiles):
            component.select(chosen, outputs=picked, queue=False, **quiet)
    return page
