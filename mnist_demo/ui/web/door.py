"""Checks every request before Gradio gets it.

A browser sends what the page lets it send; a program can send anything. Refused here, each with one sentence: bodies
that are not calls, too long or too slow; values that name an address or a file on the server; parts of Gradio that
this app does not use. Knows HTTP and the shape of a call. Does not know what a call means: that is the handlers'.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from gradio.utils import get_upload_folder
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import PlainTextResponse

from mnist_demo.ui.web.page import STATUS, Page, Refused, tell_refused
from mnist_demo.ui.web.parking import UploadParking
from mnist_demo.ui.web.sessions import OpenPages

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

API = "/gradio_api/"
MAX_CALL_BYTES = 5_000_000  # a picture as base64 has 4 MB at most
MAX_UPLOAD_BYTES = 8_200_000  # a file of 8 MB and what multipart adds
CALL_SECONDS = 20.0  # for a body to arrive
UPLOAD_SECONDS = 120.0
# Parts of Gradio that this app does not use: reloading changed code, videos, proxies, lists of files.
CLOSED = ("dev/", "process_recording", "vibe", "proxy=", "component_server", "stream/", "file=http", "file/http", "mcp")

NOT_A_CALL = "A call is a JSON object with a list `data`; see /gradio_api/info for what each endpoint takes."
NO_FUNCTION = "The server has no such function: reload the page."
NO_FILE = "Upload the file first: the server opens no other files and no web addresses."
TOO_LARGE = "The request is too large: send at most {:,} bytes."
TOO_SLOW = "The request did not arrive within {:g} seconds: send it again."
CLOSED_HERE = "There is nothing at this address."


class Call(BaseModel):
    """The body of a call. Further fields, which Gradio's clients send, are allowed."""

    model_config = ConfigDict(strict=True)

    data: list[Any]
    fn_index: int | None = None
    session_hash: str | None = Field(default=None, max_length=100)
    trigger_id: int | None = None
    batched: Literal[False] | None = None
    request: None = None


class Door:
    """An ASGI application in front of Gradio's."""

    def __init__(self, app: App, page: Page, parking: UploadParking, pages: OpenPages) -> None:
        self._app, self._page, self._parking, self._pages = app, page, parking, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or lets Gradio answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["status"] = scope.get(STATUS, message["status"])
            await send(message)

        try:
            await self._answer(scope, receive, send_noting)
        except Refused as refusal:
            if not started:
                await (await tell_refused(scope, refusal))(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path == "/healthz":
            await PlainTextResponse("ok")(scope, receive, send)
            return
        inside = path.removeprefix(API)
        if inside == path or scope["method"] not in ("POST", "GET", "HEAD"):
            await self._app(scope, receive, send)
        elif inside.lower().startswith(CLOSED):
            raise Refused(404, CLOSED_HERE)
        elif inside.startswith("heartbeat/"):
            with self._pages.open(inside.removeprefix("heartbeat/")):
                await self._app(scope, receive, send)
        elif inside.startswith("upload_progress"):
            with suppress(TimeoutError):
                async with asyncio.timeout(UPLOAD_SECONDS):
                    await self._app(scope, receive, send)
                    return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif scope["method"] != "POST":
            await self._app(scope, receive, send)
        elif inside.rstrip("/") == "upload":
            await self._parking.park(self._app, scope, _timed(scope, receive, MAX_UPLOAD_BYTES, UPLOAD_SECONDS), send)
        else:
            body = await _whole_body(_timed(scope, receive, MAX_CALL_BYTES, CALL_SECONDS))
            self._check(inside, body)
            await self._app(scope, _replayed(body, receive), send)

    def _check(self, inside: str, body: bytes) -> None:
        """Raises Refused for a body that calls no existing function, or names a file or address it may not use."""
        action, _, name = inside.rstrip("/").partition("/")
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused(422, NOT_A_CALL) from error
        if not all(is_harmless(each) for each in _objects(value)):
            raise Refused(422, NO_FILE)
        if action in ("run", "api", "call") or inside.startswith("queue/join"):
            try:
                call = Call.model_validate({"data": []} | value if name.startswith("v2/") else value)
            except (ValidationError, TypeError) as error:
                raise Refused(422, NOT_A_CALL) from error
            if action == "queue" and call.session_hash is None:
                raise Refused(422, NOT_A_CALL)
            names = {each.api_name for each in self._page.fns.values()}
            is_known = call.fn_index in self._page.fns if call.fn_index is not None else name in names
            if not is_known:
                raise Refused(404, NO_FUNCTION)


def is_harmless(value: dict[str, Any]) -> bool:
    """Whether an object in a call names only uploaded files, and only their own addresses."""
    path, url = value.get("path"), value.get("url")
    if isinstance(url, str) and not (isinstance(path, str) and unquote(url).endswith(f"{API}file={path}")):
        return False
    return not isinstance(path, str) or _is_uploaded(path)


def _is_uploaded(path: str) -> bool:
    uploads = Path(get_upload_folder()).resolve()
    try:
        return Path(path).resolve().is_relative_to(uploads) and Path(path).is_file()
    except (OSError, ValueError, RuntimeError):  # too long, or a NUL in it
        return False


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in a value, however deep."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(item for item in each if isinstance(item, dict | list))


def _timed(scope: Scope, receive: Receive, most_bytes: int, seconds: float) -> Receive:
    """`receive` with a limit on the body's length and on the time it takes to arrive. Raises Refused."""
    limit = asyncio.get_running_loop().time() + seconds
    length = dict(scope["headers"]).get(b"content-length", b"")
    taken = int(length) if length.isdigit() else 0
    if taken > most_bytes:
        raise Refused(413, TOO_LARGE.format(most_bytes))
    total, is_over = 0, False

    async def receive_in_time() -> Message:
        nonlocal total, is_over
        if is_over:
            return await receive()  # waits for the caller to disconnect
        try:
            async with asyncio.timeout_at(limit):
                message = await receive()
        except TimeoutError:
            raise Refused(408, TOO_SLOW.format(seconds)) from None
        total += len(message.get("body", b""))
        if total > most_bytes:
            raise Refused(413, TOO_LARGE.format(most_bytes))
        is_over = not message.get("more_body", False)
        return message

    return receive_in_time


async def _whole_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, NOT_A_CALL)
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns a body already read, and then waits for the caller to disconnect."""
    waiting = [body]

    async def receive_again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return receive_again
