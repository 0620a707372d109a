"""The endpoint `predict`, for programs: takes a picture, returns the shipped CNN's answer.

Knows how a picture may be sent, and which files a caller may name. `inference.recognize` reads the digit.
"""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from mnist_demo.errors import InvalidDrawing, MnistLabError
from mnist_demo.images.pictures import read_base64, read_picture
from mnist_demo.inference.recognize import recognize
from mnist_demo.ui.visit import Lab


def build_predict_api(lab: Lab) -> None:
    """Adds the endpoint inside the current Blocks context."""

    async def predict(image: str | dict[str, Any]) -> dict[str, Any]:
        """Reads the digit in a picture: a photo, scan or screenshot (PNG, JPEG, WebP, GIF, BMP or TIFF) of at most
        50 megapixels, or its base64 with or without `data:...;base64,` in front.

        Returns the digit (null where there is no answer), the probabilities of 0 to 9, and why the picture is
        refused, if it is. The shipped CNN answers; nothing is stored.
        """
        return await lab.read_drawing(answer_picture, image)

    gr.api(predict, api_name="predict", queue=False)  # type: ignore[attr-defined]  # exported, but not in __all__


def answer_picture(image: Any) -> dict[str, Any]:
    """What `predict` returns for any value that was sent. Raises gr.Error unless it is a picture."""
    try:
        prediction = recognize(read_base64(image) if isinstance(image, str) else read_picture(_taken_file(image)))
    except MnistLabError as error:
        raise gr.Error(str(error)) from error
    return {
        "digit": None if prediction.refusal else prediction.digit,
        "probabilities": [round(float(probability), 6) for probability in prediction.probabilities],
        "refusal": prediction.refusal,
    }


def _taken_file(file: Any) -> bytes:
    """The bytes of a file that the caller has uploaded; deletes it. Raises InvalidDrawing for anything else."""
    name = file.get("path") if isinstance(file, dict) else None
    uploads = Path(get_upload_folder()).resolve()
    path = Path(name).resolve() if isinstance(name, str) and "\0" not in name else uploads
    if not (path.is_relative_to(uploads) and path.is_file()):  # no other file on the server
        raise InvalidDrawing("The picture is a file to upload, or base64.")
    picture = path.read_bytes()  # of 16 MB at most, as every request
    path.unlink(missing_ok=True)
    return picture
