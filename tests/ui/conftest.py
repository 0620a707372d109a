"""A real browser for the tests of the page, found or fetched; a page that must stay clean; and the app, served.

`page` fails at the end of a test on any console error, page error or request that left 127.0.0.1.
"""

import functools
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, expect, sync_playwright

from mnist_demo.cluster import Cluster
from mnist_demo.learning.chunks import warm
from mnist_demo.serving.runs import RunStore
from mnist_demo.ui.app import build_app
from mnist_demo.ui.web.page import Page as MnistPage
from mnist_demo.ui.web.serve import PageServer
from mnist_demo.ui.web.start import listen

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
ATTEMPTS = 2  # on a busy machine the first may be too slow
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def _on_path(_: Playwright) -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def _of_playwright(playwright: Playwright) -> str | None:
    path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _downloaded(playwright: Playwright) -> str | None:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    _is_done(command, timeout_seconds=300)
    return _of_playwright(playwright)


def _from_debian(playwright: Playwright) -> str | None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return None
    install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    if not _is_done(install, timeout_seconds=600):
        _is_done(["apt-get", "update"], timeout_seconds=300)
        _is_done(install, timeout_seconds=600)
    return _on_path(playwright)


def _is_done(command: list[str], timeout_seconds: float) -> bool:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        result = subprocess.run(command, env=quiet, capture_output=True, timeout=timeout_seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def _launch(playwright: Playwright) -> Browser:
    """The first browser that starts: one may be present and yet lack its system libraries."""
    sources: tuple[Callable[[Playwright], str | None], ...] = (
        _on_path,
        _of_playwright,
        _downloaded,
        _from_debian,
    )
    failures: list[str] = []
    for source in sources:
        path = source(playwright)
        for _ in range(ATTEMPTS if path else 0):
            try:
                return playwright.chromium.launch(executable_path=path, args=list(FLAGS), timeout=60_000)
            except Exception as error:
                failures.append(f"{path}: {str(error)[:400]}")
    return pytest.fail(
        "No Chromium could be found, downloaded or started: install Chromium or Google Chrome "
        "(on Debian: `apt-get install chromium`) and run the tests again.\n" + "\n".join(failures)
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop in this thread, where `asyncio.run` then refuses to start."""
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        expect.set_options(timeout=30_000)  # the machine may be busy
        yield browser
        browser.close()


@pytest.fixture
def touched(browser: Browser) -> Iterator[Page]:
    """A page on a telephone."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh visitor, 1,280 x 900; checked for errors and for strangers at the end."""
    faults: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(f"console error: {message.text} ({message.location.get('url', '')})")

    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname != "127.0.0.1":
            faults.append(f"request to another host: {request.url}")

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.on("console", on_console)
    page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
    page.on("request", on_request)
    yield page
    context.close()
    assert not faults, "\n".join(faults)


def in_themes(page: Page) -> Iterator[str]:
    """Light, then dark, as the visitor's system changes between them."""
    themes: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
    for theme in themes:
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            "isDark => document.body.classList.contains('dark') === isDark && "
            "document.getAnimations().every((one) => one.playState !== 'running')",
            arg=theme == "dark",
        )
        yield theme


@dataclass(frozen=True)
class ServedApp:
    """The app behind its address, and what the server keeps."""

    address: str
    store: RunStore
    cluster: Cluster
    server: Any  # Gradio's web application


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(page: MnistPage) -> Iterator[str]:
    """The address of a page, served as `python app.py` serves it, in a thread."""
    with listen("127.0.0.1", 0) as listening:
        is_open = threading.Event()
        server = PageServer(page, listening, is_open.set)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        is_open.wait(timeout=60)
        yield server.address
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def app(mnist_root: Path) -> Iterator[ServedApp]:
    """The whole app with two real workers; one for all tests."""
    store = RunStore()
    with Cluster.start(warm=functools.partial(warm, mnist_root)) as cluster:
        cluster.run_blocking(abs, 1)  # so that no test waits for the workers
        blocks = build_app(cluster, store, mnist_root)
        with served(blocks) as address:
            yield ServedApp(address, store, cluster, blocks.app)
