"""How the page is served: where it says it is, and that it answers before its workers start."""

import asyncio
import json
import socket
import urllib.request

from mnist_demo.ui.web.start import listen
from tests.ui.conftest import ServedApp


def test_the_server_is_healthy_and_says_so(app: ServedApp) -> None:
    with urllib.request.urlopen(f"{app.address}/healthz", timeout=10) as answer:
        assert answer.status == 200


def test_only_what_the_page_needs_is_open(app: ServedApp) -> None:
    with urllib.request.urlopen(f"{app.address}/config", timeout=10) as answer:
        config = json.loads(answer.read())
    assert config["enable_queue"]
    assert not config["is_colab"]
    assert config["max_file_size"] == 8 * 1024 * 1024
    assert config["analytics_enabled"] is False


def test_quick_calls_show_no_progress(app: ServedApp) -> None:
    """Gradio's page walks through everything that any call has shown progress on, again at each call."""
    with urllib.request.urlopen(f"{app.address}/config", timeout=10) as answer:
        config = json.loads(answer.read())
    kinds = {each["id"]: each["type"] for each in config["components"]}
    quick = [
        each
        for each in config["dependencies"]
        if each["backend_fn"]
        and each["show_progress"] == "hidden"
        and {kinds[id_] for id_ in each["outputs"]} - {"api"}
    ]
    assert len(quick) > 40
    assert [each["api_name"] for each in quick if each["show_progress_on"] != []] == []


def test_an_answer_in_two_pieces_does_not_wait_for_the_first_ones_receipt() -> None:
    """By default TCP holds the second piece back, which takes 40 ms where the other side delays its receipts."""

    async def is_at_once() -> bool:
        accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0)
            writer.close()

        with listen("127.0.0.1", 0) as listening:
            async with await asyncio.start_server(accept, sock=listening):
                _, writer = await asyncio.open_connection(*listening.getsockname())
                writer.close()
                return await asyncio.wait_for(accepted, 10)

    assert asyncio.run(is_at_once())
