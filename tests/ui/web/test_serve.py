"""How the page is served: where it says it is, and that it answers before its workers start."""

import json
import urllib.request

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
