"""What the caller gets when a call fails: one sentence and an HTTP status, whatever went wrong.

Gradio's components fail in many ways at values that no page sends. Gradio would answer `{"error": null}` and 500.
Knows errors. Does not know which requests are calls (that is `door`) or what a call does (the handlers).
"""

import copy
import logging
import traceback
from collections.abc import Mapping
from typing import Any

import gradio as gr
from fastapi.exceptions import RequestValidationError
from gradio.blocks import Block
from starlette.requests import Request
from starlette.responses import JSONResponse

from mnist_demo.errors import EngineUnavailable, MnistLabError

UNREADABLE = "The request holds a value that is not valid here: reload the page and try again."
FAILED = "Something failed on the server: reload the page and try again."
MAX_CHARACTERS = 300  # Gradio's own messages repeat the bad value, however long, and name Python's types
STATUS = "mnist_demo.status"  # key in the request's scope: the status that the answer to a failed call gets


class Refused(Exception):
    """A request is refused, with this status and sentence."""

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
        """A call's values as the components read them. Raises gr.Error for values that they cannot read."""
        try:
            return await super().preprocess_data(*arguments, **options)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(UNREADABLE) from error

    async def postprocess_data(self, block_fn: Any, predictions: Any, *arguments: Any) -> list[Any]:
        """A handler's `{component: value}` as the page is sent it.

        Gradio would build a component anew for every output that stays as it is: with the sixty outputs of a training
        this took most of an update's time, and each visitor's session kept the copies (2026-11-26).
        """
        outputs = list(block_fn.outputs)
        if not (isinstance(predictions, dict) and predictions and all(isinstance(each, Block) for each in predictions)):
            return await super().postprocess_data(block_fn, predictions, *arguments)
        some = copy.copy(block_fn)
        some.outputs = [each for each in outputs if each in predictions]
        sent = iter(await super().postprocess_data(some, predictions, *arguments))
        return [next(sent) if each in predictions else gr.skip() for each in outputs]


def _answer(options: Mapping[str, Any], status: int, sentence: str) -> gr.Error:
    """The error to raise. Gradio would send it as 500, so the right status is handed to the door separately."""
    scope = getattr(getattr(options.get("request"), "request", None), "scope", None)
    if isinstance(scope, dict):
        scope[STATUS] = status
    return gr.Error(sentence, print_exception=False)


def _is_of_event_data(error: Exception) -> bool:
    """Whether Gradio could not read the caller's event data (`gr.SelectData`: what was clicked)."""
    frames = [frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return frames[-1] == "gradio.events"


def _sentence(message: str) -> str:
    """Gradio's message as a sentence."""
    if len(message) > MAX_CHARACTERS or "<class" in message:
        return UNREADABLE
    return _sendable(message if message.endswith((".", "!", "?")) else f"{message}.")


def _sendable(text: str) -> str:
    """The text without halves of surrogate pairs, which cannot be sent."""
    return text.encode("utf-8", "replace").decode()


async def tell_refused(_request: object, refusal: Refused) -> JSONResponse:
    """The answer to a request that the door refuses, even while Gradio reads its body."""
    return JSONResponse({"error": refusal.sentence}, refusal.status)


async def tell_unusable(_request: Request, error: Exception) -> JSONResponse:
    """The answer to a request whose fields Gradio's own models refuse."""
    logging.getLogger(__name__).info("A request was refused.", exc_info=error)
    return JSONResponse({"error": UNREADABLE}, 422)


async def tell_failed(_request: Request, error: Exception) -> JSONResponse:
    """The answer to a request that failed outside of any call."""
    logging.getLogger(__name__).warning("A request failed.", exc_info=error)
    return JSONResponse({"error": FAILED}, 500)


# For Gradio's web application.
APP_SETTINGS: dict[str, Any] = {
    "exception_handlers": {Refused: tell_refused, RequestValidationError: tell_unusable, Exception: tell_failed},
}
