"""What a shared link and a browser's tab show of the page: ours, and nothing of Gradio's."""

import http.client
import re

from gradio.routes import templates

from mnist_demo.ui.web.head import DESCRIPTION, TEMPLATES, our_head
from tests.ui.conftest import ServedApp


def get(app: ServedApp, path: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(app.address.removeprefix("http://"), timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_the_head_is_ours(app: ServedApp) -> None:
    _, body = get(app, "/")
    head = body.decode().partition("window.gradio_config")[0]
    assert "<title>MNIST Lab</title>" in head
    assert head.count(DESCRIPTION) == 2
    assert not re.search("(og|twitter):[a-z]+.{1,20}Gradio|raw.githubusercontent|manifest", head)
    assert f'<meta property="og:image" content="{app.address}/screenshot.png" />' in head


def test_picture_and_icon_are_served(app: ServedApp) -> None:
    answer, picture = get(app, "/screenshot.png")
    assert (answer.status, picture[:4]) == (200, b"\x89PNG")
    answer, icon = get(app, "/favicon.ico")
    assert answer.headers["content-type"].startswith("image/svg")
    assert icon.startswith(b"<svg")


def test_both_templates_still_have_what_is_replaced() -> None:
    for name in TEMPLATES:
        source = our_head(templates.env.loader.loaders[-1].get_source(templates.env, name)[0])
        assert source.count("og:title") == 1
        assert "window.parent !== window" in source or "share" in name
