"""What goes over the wire: compressed for those who take it, and a stream's events one by one."""

import asyncio
import gzip
import http.client
import json
import zlib
from typing import Any

import brotli
import pytest

from mnist_demo.ui.web.compression import Compression
from tests.ui.conftest import ServedApp


def ask(app: ServedApp, path: str, encoding: str = "gzip") -> tuple[http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(app.address.removeprefix("http://"), timeout=60)
    connection.request("GET", path, headers={"Accept-Encoding": encoding})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.headers, body


@pytest.mark.parametrize("path", ["/", "/config"])
def test_the_page_is_sent_compressed_to_whoever_takes_it(path: str, app: ServedApp) -> None:
    plain_headers, plain = ask(app, path, "identity")
    headers, packed = ask(app, path)
    assert "content-encoding" not in plain_headers
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == plain_headers["vary"]
    assert len(gzip.decompress(packed)) == len(plain)
    assert len(packed) < len(plain) / 4


def test_files_with_their_hash_in_their_name_are_kept_for_ever(app: ServedApp) -> None:
    _, page = ask(app, "/", "identity")
    name = page.partition(b"./assets/")[2].partition(b'"')[0].decode()
    assert "immutable" in ask(app, f"/assets/{name}")[0]["cache-control"]
    assert "cache-control" not in ask(app, "/")[0]


def test_each_event_of_a_stream_can_be_read_when_it_is_sent() -> None:
    events = [f"data: {json.dumps({'points': list(range(count))})}\n\n".encode() for count in range(1, 200)]

    async def stream(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for event in events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    received: list[Any] = []

    async def send(message: Any) -> None:
        received.append(message)

    scope = {"type": "http", "path": "/gradio_api/queue/data", "headers": [(b"accept-encoding", b"gzip, br")]}
    asyncio.run(Compression(stream)(scope, None, send))
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert [reader.decompress(message["body"]) for message in received[1:-1]] == events
    reader.decompress(received[-1]["body"])
    assert reader.eof
    assert sum(len(message["body"]) for message in received[1:]) < sum(map(len, events)) / 5


def test_the_page_is_smallest_for_who_takes_brotli(app: ServedApp) -> None:
    _, plain = ask(app, "/", "identity")
    headers, packed = ask(app, "/", "gzip, deflate, br, zstd")
    assert headers["content-encoding"] == "br"
    assert int(headers["content-length"]) == len(packed) < len(ask(app, "/")[1]) * 0.9
    assert len(brotli.decompress(packed)) == len(plain)
