"""What a failed call answers: whatever goes wrong behind the door reaches the caller as a sentence and a status.

Gradio's components fail in many ways at values that no page sends, which Gradio would pass on as `{"error": null}`
and 500. Knows errors; which requests are calls at all is for the `door`, what a call does for the handlers.
"""

import logging
import traceback
from collections.abc import Mapping
from typing import Any

import gradio as gr
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

from mnist_demo.errors import EngineUnavailable, MnistLabError

UNREADABLE = "The server cannot use these values; if the page has sent them, load it again."
FAILED = "The server failed at this call, which is its own fault; load the page again and try once more."
MAX_CHARACTERS = 300  # Gradio's own messages repeat the bad value, however long, and name Python's types
STATUS = "mnist_demo.status"  # key in the request's scope: the status that the answer to a failed call gets


class Refused(Exception):
    """A request that goes no further: its status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Page(gr.Blocks):
    """`gr.Blocks` whose every failed call is a `gr.Error` with one plain sentence."""

    async def process_api(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """What a call returns. Raises gr.Error for anything that is wrong with it."""
        try:
            answer: dict[str, Any] = await super().process_api(*arguments, **options)
            return answer
        except MnistLabError as error:
            status = 503 if isinstance(error, EngineUnavailable) else 422
            raise _answer(options, status, _sendable(str(error))) from error
        except gr.Error as error:
            raise _answer(options, 422, _sentence(str(error.message))) from error
        except Exception as error:
            if _is_of_event_data(error):
                raise _answer(options, 422, UNREADABLE) from error
            logging.getLogger(__name__).warning("A call failed.", exc_info=error)
            raise _answer(options, 500, FAILED) from error

    async def preprocess_data(self, *arguments: Any, **options: Any) -> Any:
        """What the components make of a call's values. Raises gr.Error for values that are none of theirs."""
        try:
            return await super().preprocess_data(*arguments, **options)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(UNREADABLE) from error


def _answer(options: Mapping[str, Any], status: int, sentence: str) -> gr.Error:
    """The error to raise; Gradio would send it as 500, so the status goes to the door beside it."""
    scope = getattr(getattr(options.get("request"), "request", None), "scope", None)
    if isinstance(scope, dict):
        scope[STATUS] = status
    return gr.Error(sentence, print_exception=False)


def _is_of_event_data(error: Exception) -> bool:
    """Whether Gradio failed to make what was clicked (`gr.SelectData`) of what the caller sent as such."""
    frames = [frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return frames[-1] == "gradio.events"


def _sentence(message: str) -> str:
    """Gradio's message as a sentence."""
    if len(message) > MAX_CHARACTERS or "<class" in message:
        return UNREADABLE
    return _sendable(message if message.endswith((".", "!", "?")) else f"{message}.")


def _sendable(text: str) -> str:
    """Half a surrogate pair, repeated in a message, cannot be sent back."""
    return text.encode("utf-8", "replace").decode()


async def tell_refused(_request: object, refusal: Refused) -> JSONResponse:
    """What a request gets that the door refuses, even while Gradio reads its body."""
    return JSONResponse({"error": refusal.sentence}, refusal.status)


async def tell_unusable(_request: Request, error: Exception) -> JSONResponse:
    """What a request gets whose fields Gradio's own models refuse."""
    logging.getLogger(__name__).info("A request was refused.", exc_info=error)
    return JSONResponse({"error": UNREADABLE}, 422)


async def tell_failed(_request: Request, error: Exception) -> JSONResponse:
    """What a request gets that failed outside of any call."""
    logging.getLogger(__name__).warning("A request failed.", exc_info=error)
    return JSONResponse({"error": FAILED}, 500)


# For Gradio's web application.
APP_SETTINGS: dict[str, Any] = {
    "exception_handlers": {Refused: tell_refused, RequestValidationError: tell_unusable, Exception: tell_failed},
}
