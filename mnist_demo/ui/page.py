"""The page's one door for calls: whatever goes wrong behind it, or before it, reaches the caller as a sentence.

A browser sends what the components allow, a program whatever it likes: Gradio's components then fail in many ways,
which it would pass on as `{"error": null}`. Knows errors and the size of a request; what a call does is for the
handlers.
"""

import logging
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse

from mnist_demo.errors import MnistLabError

UNREADABLE = "The server cannot use these values; if the page has sent them, load it again."
MAX_BODY_BYTES = 16_000_000  # an upload has 8 MB at most; a larger body would be parsed before anybody looks at it
MAX_CHARACTERS = 300  # Gradio's own messages repeat the bad value, however long, and name Python's types


class Page(gr.Blocks):
    """`gr.Blocks` whose every failed call is a `gr.Error` with one plain sentence."""

    async def process_api(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """What a call returns. Raises gr.Error for anything that is wrong with it."""
        try:
            answer: dict[str, Any] = await super().process_api(*arguments, **options)
            return answer
        except MnistLabError as error:
            raise gr.Error(_sendable(str(error)), print_exception=False) from error
        except gr.Error as error:
            raise gr.Error(_sentence(str(error.message)), print_exception=False) from error
        except Exception as error:
            logging.getLogger(__name__).warning("A call failed.", exc_info=error)
            raise gr.Error(UNREADABLE, print_exception=False) from error


def _sentence(message: str) -> str:
    """Gradio's message as a sentence."""
    if len(message) > MAX_CHARACTERS or "<class" in message:
        return UNREADABLE
    return _sendable(message if message.endswith((".", "!", "?")) else f"{message}.")


def _sendable(text: str) -> str:
    """Half a surrogate pair, repeated in a message, cannot be sent back."""
    return text.encode("utf-8", "replace").decode()


async def tell_unusable(_request: Request, error: Exception) -> JSONResponse:
    """What a request gets that failed outside of any call, such as one to a function that does not exist."""
    logging.getLogger(__name__).warning("A request failed.", exc_info=error)
    return JSONResponse({"error": UNREADABLE}, 500)


# For `launch`: what surrounds every request.
APP_SETTINGS: dict[str, Any] = {
    "middleware": [Middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY_BYTES)],
    "exception_handlers": {Exception: tell_unusable},
}
