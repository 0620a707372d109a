"""Where the page can live: as a user without a home or a folder to write in, below a path of a proxy that strips it."""

import base64
import io
import json
import os
import re
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from PIL import Image

from mnist_demo.images.data import TrainingData
from tests.ui.conftest import free_port
from tests.ui.web.test_start import running

PATH = "/lab"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """An environment without a home, a cache or settings of its own, but for the port and the path."""
    others = re.compile("HOME|XDG|GRADIO|MNIST_DEMO")
    kept = {name: value for name, value in os.environ.items() if not others.match(name)}
    return {**kept, "TMPDIR": str(tmp_path), "GRADIO_SERVER_PORT": str(free_port()), "GRADIO_ROOT_PATH": PATH}


@pytest.fixture
def as_another(tmp_path: Path) -> list[str]:
    """What makes a command that of a user whom no list names; where root runs the tests, else it is one's own.

    Such a user may write in the temporary folder alone. To read is allowed: the tests' Python may lie in root's home.
    """
    if os.getuid() != 0 or not shutil.which("setpriv"):
        return []
    tmp_path.chmod(0o777)
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", *reading]


@contextmanager
def proxy(port: int) -> Iterator[str]:
    """A server that answers below PATH alone, with what the page answers there without it."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            if not self.path.startswith(f"{PATH}/"):
                return self.send_error(404)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = urllib.request.Request(
                f"http://127.0.0.1:{port}{self.path.removeprefix(PATH)}", body or None, dict(self.headers.items())
            )
            try:
                with DIRECT.open(asked, timeout=120) as answer:
                    content = answer.read()
            except urllib.error.HTTPError as refusal:
                return self.send_error(refusal.code)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return None

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}{PATH}"
        server.shutdown()


def status_of(address: str) -> int:
    try:
        with DIRECT.open(address, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def call(lab: str, name: str, *values: object) -> Any:
    """What an endpoint of the page answers, as README's curl asks it."""
    body = json.dumps({"data": values}).encode()
    asked = urllib.request.Request(f"{lab}/gradio_api/run/{name}", body, {"Content-Type": "application/json"})
    with DIRECT.open(asked, timeout=120) as answer:
        return json.load(answer)["data"][0]


def test_a_user_without_a_home_serves_it_below_a_path(
    settings: dict[str, str], as_another: list[str], training_data: TrainingData
) -> None:
    picture = io.BytesIO()
    Image.fromarray(255 - training_data.val.images[0].numpy()).resize((280, 280)).save(picture, "PNG")
    with running(settings, *as_another), proxy(int(settings["GRADIO_SERVER_PORT"])) as lab:
        page = DIRECT.open(f"{lab}/", timeout=60).read().decode()
        found = [address for address in re.findall(r'(?:src|href)="([^"]+)"', page) if "://" not in address]
        assert [address for address in found if address.startswith("/") and not address.startswith(PATH)] == []
        for address in found:
            if not address.startswith(("#", "data:")):
                assert status_of(urljoin(f"{lab}/", address)) == 200, address
        digit = call(lab, "predict", base64.b64encode(picture.getvalue()).decode())["digit"]
        assert digit == training_data.val.labels[0]
        training = call(lab, "train_start", "train_size=100&epochs=1")
        ends_at = time.monotonic() + 200
        while (status := call(lab, "train_status", training))["is_training"]:
            assert time.monotonic() < ends_at
            time.sleep(0.2)
        assert status["a"]["points"][-1]["epoch"] == 1
