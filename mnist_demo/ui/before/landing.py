"""The stage before the first training: a canvas, and a weak and a good network that read it.

Where they disagree, a training shows why. Knows which two are asked. Does not know how a drawing is read.
"""

import gradio as gr

from mnist_demo.learning import checkpoints
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.answers import Reader, read_drawing
from mnist_demo.ui.components.bars import create_bars
from mnist_demo.ui.components.canvas import create_canvas
from mnist_demo.ui.drawing.picture_panel import build_picture_words
from mnist_demo.ui.values import Drawn
from mnist_demo.ui.visit import Lab, Shown

READERS = {
    "mlp-overfitted": ("Weak", "trained on 1,000 digits", "a"),
    "cnn": ("Good", "trained on 55,000", "b"),
}
INVITATION = (
    '<p class="mnist-invitation"><b>Draw a digit:</b> two networks read it while you draw. Where they disagree, '
    'ask why, and <button type="button" id="train-both">train both</button> yourself.</p>'
)


class Landing:
    """Built inside the current Blocks context; gone with the first training."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        shipped = checkpoints.shipped()
        self.readers = [Reader(name, detail, shipped[key], color) for key, (name, detail, color) in READERS.items()]
        with gr.Column(elem_id="landing") as self.column:
            gr.HTML(INVITATION, padding=False)
            with gr.Row():
                with gr.Column(min_width=200):
                    canvas = create_canvas(elem_id="first-canvas")
                    build_picture_words(lab, canvas, "first-words")
                bars = self.bars = create_bars(elem_id="first-bars")
        lab.on(canvas.release, self.read, [canvas], [bars], trigger_mode="multiple")
        lab.on(canvas.input, self.read, [canvas], [bars], trigger_mode="always_last")

    async def read(self, visitor: Visitor, drawing: Drawn) -> Shown:
        """What the two say of the drawing."""
        visitor.drawing = drawing.png
        answers = await self.lab.read_drawing(lambda: read_drawing(drawing, self.readers, can_explain=False))
        return {self.bars: answers.bars}
