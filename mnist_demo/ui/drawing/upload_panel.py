"""A checkpoint of one's own, loaded to answer on the canvas.

Knows the file field and the words around it; the checks are `mnist_demo.serving.uploads`, run on a worker with a
deadline.
"""

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.errors import InvalidCheckpoint, InvalidExperiment, MnistLabError
from mnist_demo.experiment.choices import Network
from mnist_demo.experiment.config import DEFAULT_HIDDEN_SIZES, Experiment
from mnist_demo.experiment.knobs import to_text
from mnist_demo.learning import checkpoints
from mnist_demo.serving import uploads
from mnist_demo.serving.shelf import MAX_ASKED, ModelShelf
from mnist_demo.ui.visit import QUICK, Visit, error_html, owner_of

DEADLINE_SECONDS = 15.0


def build_upload_panel(visit: Visit, shelf: ModelShelf, models: gr.Dropdown) -> Any:
    """Builds the panel inside the current Blocks context; what is loaded joins the list of models.

    Returns the event of a loaded checkpoint.
    """
    with gr.Accordion("Load a checkpoint", open=False):
        gr.Markdown(
            "One of ours (.safetensors), or a state dict saved by `torch.save(model.state_dict(), 'checkpoint.pth')`. "
            "A state dict holds no architecture: say which network it is of. Its names may be others than ours, if "
            "shapes and order are the network's."
        )
        with gr.Row():
            network = gr.Dropdown(list(Network), value=Network.MLP, label="Network", min_width=110)
            sizes = gr.Textbox(
                to_text(DEFAULT_HIDDEN_SIZES[Network.MLP]), label="Hidden sizes", max_lines=1, min_width=110
            )
        file = gr.File(
            label="Checkpoint, at most 8 MB", file_types=[".safetensors", ".pth"], height=120, elem_id="upload"
        )
        words = gr.HTML("", elem_id="upload-words")

    async def load(path: Any, chosen: Any, hidden_sizes: Any, keys: Any, request: gr.Request) -> tuple[Any, str]:
        experiment, unknown = None, None
        try:
            experiment = Experiment.from_dict({"network": chosen, "hidden_sizes": hidden_sizes})
        except InvalidExperiment as error:  # a file of ours does not need it
            unknown = error
        try:
            blob = _read(path)
            accepted = await visit.cluster.run(uploads.accept, blob, experiment, deadline_seconds=DEADLINE_SECONDS)
            name = f"{Path(path).name[:40]} (yours)"
            key = shelf.add_upload(name, checkpoints.unpack(accepted), owner_of(request))
        except MnistLabError as error:
            return gr.skip(), error_html(unknown or error)
        asked = [key, *(keys if isinstance(keys, list) else [])][:MAX_ASKED]
        shown = gr.update(choices=shelf.choices(owner_of(request)), value=asked)
        return shown, f'<p class="mnist-note">{escape(name)} now reads your drawing.</p>'

    network.input(_usual_sizes, network, sizes, **QUICK)
    return file.upload(
        load, [file, network, sizes, models], [models, words], show_progress="minimal", api_visibility="private"
    )


def _read(path: Any) -> bytes:
    if not isinstance(path, str) or not Path(path).is_file():
        raise InvalidCheckpoint("No file has arrived: choose a .safetensors or .pth file.")
    if Path(path).stat().st_size > checkpoints.MAX_BYTES:
        raise InvalidCheckpoint(f"The file is larger than {checkpoints.MAX_BYTES // 1_000_000} MB.")
    return Path(path).read_bytes()


def _usual_sizes(chosen: Any) -> str:
    return to_text(DEFAULT_HIDDEN_SIZES[Network(chosen)]) if chosen in set(Network) else ""
