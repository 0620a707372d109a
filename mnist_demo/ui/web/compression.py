"""Makes what is sent smaller: the page, answers, and streams event by event. Browsers may keep what never changes.

Knows HTTP's headers. Does not know what is sent. Gradio compresses its own scripts, but not the page, its
configuration, answers and events.
"""

import functools
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import brotli
from starlette.datastructures import Headers, MutableHeaders

Message = MutableMapping[str, Any]
App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

SMALLEST = 600  # bytes that are worth it
LEVEL = 5
PAGE_QUALITY = 10  # of 11; a page is packed once: it is the same for all who open it
KINDS = ("text/html", "application/json", "text/event-stream", "text/css", "application/manifest+json")
FOR_EVER = "public, max-age=31536000, immutable"  # what lies in assets/ has its hash in its name


class Compression:
    """An ASGI application around another, which sends gzip to whoever takes it."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Passes a request on, and its answer back compressed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        takes = Headers(raw=scope["headers"]).get("accept-encoding", "")
        await self._app(scope, receive, _Answer(send, takes, scope["path"]).send)


@functools.lru_cache(maxsize=4)
def _packed(page: bytes) -> bytes:
    packed: bytes = brotli.compress(page, quality=PAGE_QUALITY)
    return packed


class _Answer:
    def __init__(self, send: Any, takes: str, path: str) -> None:
        self._send, self._takes, self._path = send, takes, path
        self._start: Message | None = None
        self._zip: Any = None

    async def send(self, message: Message) -> None:
        """Holds the head back until the first piece of the body says whether compressing is worth it."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        body, is_more = message.get("body", b""), message.get("more_body", False)
        if self._start is not None and not is_more and self._is_page() and "br" in self._takes:
            message = {**message, "body": self._packed_page(body)}
            await self._send(self._start)
            self._start = None
        if self._start is not None:
            self._zip = self._compressor(len(body), is_more)
            await self._send(self._start)
            self._start = None
        if self._zip is not None:
            # After each piece the receiver can read all of it: an event must not wait for the next one.
            end = zlib.Z_SYNC_FLUSH if is_more else zlib.Z_FINISH
            message = {**message, "body": self._zip.compress(body) + self._zip.flush(end)}
        await self._send(message)

    def _is_page(self) -> bool:
        assert self._start is not None
        headers = Headers(raw=self._start["headers"])
        return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers

    def _packed_page(self, body: bytes) -> bytes:
        """The page by Brotli, after its headers are set: it finds what repeats over more than gzip's 32 kB."""
        assert self._start is not None
        packed = _packed(body)
        headers = MutableHeaders(raw=self._start["headers"])
        headers.add_vary_header("Accept-Encoding")
        headers["content-encoding"], headers["content-length"] = "br", str(len(packed))
        return packed

    def _compressor(self, length: int, is_more: bool) -> Any:
        """The compressor of this answer, after its headers are set; None for an answer that is sent as it is."""
        assert self._start is not None
        headers = MutableHeaders(raw=self._start["headers"])
        if self._path.startswith("/assets/") and self._start["status"] == 200:
            headers.setdefault("cache-control", FOR_EVER)
        is_stream = headers.get("content-type", "").startswith("text/event-stream")
        is_worth_it = is_stream or is_more or length >= SMALLEST
        if not headers.get("content-type", "").startswith(KINDS) or "content-encoding" in headers or not is_worth_it:
            return None
        headers.add_vary_header("Accept-Encoding")
        if "gzip" not in self._takes:
            return None
        headers["content-encoding"] = "gzip"
        del headers["content-length"]
        return zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
