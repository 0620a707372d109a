"""The panel to load your own checkpoint, which then answers on the canvas.

Knows the file field and its words. The checks are `mnist_demo.serving.uploads`, run on a worker with a deadline.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.errors import InvalidCheckpoint, InvalidExperiment, MnistLabError
from mnist_demo.experiment.choices import Network
from mnist_demo.experiment.choices import words as words_of
from mnist_demo.experiment.config import DEFAULT_HIDDEN_SIZES, Experiment
from mnist_demo.experiment.knobs import to_text
from mnist_demo.learning import checkpoints
from mnist_demo.serving import uploads
from mnist_demo.serving.shelf import MAX_ASKED, ModelShelf
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.values import Text
from mnist_demo.ui.visit import Lab, Shown, note_html, prose_html

DEADLINE_SECONDS = 15.0
UPLOADS = (
    "A MNIST Lab file (.safetensors), or one of `torch.save(model.state_dict(), 'checkpoint.pth')`. "
    "An MLP is recognized by shapes, whatever the names; activation and pixel scale are tried on validation "
    "images. For a CNN, choose the network below: names may differ, shapes and order must be the same."
)


def build_upload_panel(lab: Lab, shelf: ModelShelf, models: gr.Dropdown) -> Any:
    """Builds the panel inside the current Blocks context. A loaded network joins the list of models.

    Returns the event of a loaded checkpoint.
    """
    with gr.Accordion("Load a checkpoint", open=False):
        gr.HTML(prose_html(UPLOADS))
        with gr.Row():
            network = gr.Dropdown(
                [(words_of(each), each.value) for each in Network], value=Network.MLP, label="Network", min_width=110
            )
            sizes = gr.Textbox(
                to_text(DEFAULT_HIDDEN_SIZES[Network.MLP]), label="Hidden sizes", max_lines=1, min_width=110
            )
        file = gr.File(
            label="Checkpoint, at most 8 MB",
            file_types=[".safetensors", *checkpoints.PTH_ENDINGS],
            height=120,
            elem_id="upload",
        )
        words = gr.HTML("", elem_id="upload-words")

    async def load(visitor: Visitor, path: Text | None, chosen: Network, hidden_sizes: Text) -> Shown:
        experiment, unknown = None, None
        try:
            experiment = Experiment.from_dict({"network": chosen, "hidden_sizes": hidden_sizes})
        except InvalidExperiment as error:  # one of our own files does not need it
            unknown = error
        try:
            blob = _read(path)
            accepted = await lab.cluster.run(
                uploads.examine, blob, experiment, lab.root, deadline_seconds=DEADLINE_SECONDS
            )
        except MnistLabError as error:
            raise unknown or error from error
        name = f"{Path(path or '').name[:40]} (yours)"
        key = shelf.add_upload(name, checkpoints.unpack(accepted.blob), visitor)
        visitor.asked = tuple([key, *shelf.asked_by(visitor)][:MAX_ASKED])
        shown = gr.update(choices=shelf.choices(visitor), value=list(visitor.asked))
        return {models: shown, words: note_html(f"{name} now reads your drawing. {accepted.words}")}

    def offer_sizes(_visitor: Visitor, chosen: Network) -> Shown:
        return {sizes: to_text(DEFAULT_HIDDEN_SIZES[chosen])}

    lab.on(network.input, offer_sizes, [network], [sizes])
    # The file arrives as the path of the upload, so Gradio's own check stays on.
    waiting = {"preprocess": True, "queue": True, "show_progress": "minimal"}
    return lab.on(file.upload, load, [file, network, sizes], [models], tell=words, **waiting)


def _read(path: str | None) -> bytes:
    if path is None or not Path(path).is_file():
        raise InvalidCheckpoint("No file has arrived: choose a .safetensors or .pth file.")
    if Path(path).stat().st_size > checkpoints.MAX_BYTES:
        raise InvalidCheckpoint(f"The file is larger than {checkpoints.MAX_BYTES // 1_000_000} MB.")
    return Path(path).read_bytes()
