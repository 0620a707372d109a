"""How the page is served and how the server ends.

The page answers as soon as it is built; the workers start in the background. Knows uvicorn and Gradio's web
application. Does not know what the page shows (`app`), which requests are allowed (`door`) or what runs before
(`start`).
"""

import functools
import gc
import os
import resource
import secrets
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import gradio as gr
import matplotlib as mpl
import torch
import uvicorn
from fastapi import FastAPI
from gradio import networking

from mnist_demo.cluster import Cluster
from mnist_demo.cluster.elsewhere import scheduler_address
from mnist_demo.cluster.workers import worker_count
from mnist_demo.learning import zerogpu
from mnist_demo.learning.chunks import warm
from mnist_demo.serving.runs import RunStore
from mnist_demo.ui.app import build_app
from mnist_demo.ui.theme import CSS, THEME
from mnist_demo.ui.web import head
from mnist_demo.ui.web.compression import Compression
from mnist_demo.ui.web.door import Door
from mnist_demo.ui.web.page import APP_SETTINGS, Page
from mnist_demo.ui.web.parking import UploadParking
from mnist_demo.ui.web.sessions import MAX_SESSIONS, OpenPages, SessionMessages, SessionStates

QUEUE_LENGTH = 64
HANDLER_THREADS = 160
POLL_SECONDS = 0.05  # between Gradio's looks for queued calls; its default of a millisecond takes a tenth of a core
PROGRESS_POLL_SECONDS = 0.5  # and for progress bars, of which this page has none
GRACE_SECONDS = 1.0  # for answers under way when the server ends
SPARE_DESCRIPTORS = 150  # for workers, files and libraries
MOST_CONNECTIONS = 4_000


def serve_page(listening: socket.socket, root: Path) -> None:
    """Serves the page until a signal. The page answers first; the workers warm up in the background.

    `root` is where torchvision finds MNIST.
    """
    torch.set_num_threads(1)  # answers are small; the cores are for the workers
    mpl.use("agg")  # or Gradio asks pyplot for it while the first visitor waits: a quarter of a second, or one if busy
    cluster = Cluster(scheduler_address(), worker_count(), functools.partial(warm, root))
    try:
        engine = zerogpu.ZeroGpu(cluster, zerogpu.lend()) if zerogpu.is_here() else cluster
        page = build_app(engine, RunStore(), root)
        page.share = os.environ.get("GRADIO_SHARE", "").lower() == "true"

        # The collector passes over what stays for good: its longest pause would hold every visitor up.
        gc.collect()
        gc.freeze()

        def when_open() -> None:
            cluster.begin()
            if page.share:
                threading.Thread(target=_share, args=(listening.getsockname()[1],), daemon=True).start()

        server = PageServer(page, listening, when_open)
        print(f"MNIST Lab is at {server.address}.", flush=True)
        server.run([listening])
    finally:
        cluster.close()


def _share(port: int) -> None:
    """Makes Gradio's temporary public link, and prints it."""
    try:
        address = networking.setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None)
        print(f"For a week it is also at {address.replace('http:', 'https:')}.", flush=True)
    except Exception as error:
        print(f"A public link could not be made ({type(error).__name__}: {error}).", file=sys.stderr)


class PageServer(uvicorn.Server):
    """The server of a page; `run([listening])` serves until a signal or `should_exit`.

    `when_open` is called as soon as it answers requests.
    """

    def __init__(self, page: Page, listening: socket.socket, when_open: Callable[[], object]) -> None:
        self.page = page
        host, port = listening.getsockname()[:2]
        self.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        connections = min(MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_DESCRIPTORS)
        super().__init__(
            uvicorn.Config(
                Compression(web_app(page, listening, when_open)),
                log_config=None,
                access_log=False,
                ws="none",
                lifespan="on",
                limit_concurrency=max(1, connections),
                timeout_graceful_shutdown=GRACE_SECONDS,  # type: ignore[arg-type]  # a float does as well
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the streams that pages hold open, then everything else."""
        self.page._queue.close()  # type: ignore[no-untyped-call]
        self.page.is_running = False
        self.page.app.stop_event.set()
        await super().shutdown(sockets)


def web_app(page: Page, listening: socket.socket, when_open: Callable[[], object]) -> Door:
    """The page as an ASGI application, behind its door."""
    host, port = listening.getsockname()[:2]
    uploads = Path(os.environ.get("GRADIO_TEMP_DIR", tempfile.gettempdir())) / f"mnist-lab-{os.getuid()}" / str(port)
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)  # where Gradio puts uploads, from now on
    pages = OpenPages()
    page.max_threads, page.state_session_capacity = HANDLER_THREADS, MAX_SESSIONS
    page.queue(max_size=QUEUE_LENGTH)
    page._queue.sleep_when_free, page._queue.progress_update_sleep_when_free = POLL_SECONDS, PROGRESS_POLL_SECONDS
    page._queue.pending_messages_per_session = SessionMessages(pages)
    page.has_launched = True  # now Gradio checks where a file lies

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        when_open()
        yield

    outside = FastAPI(lifespan=lifespan, openapi_url=None)
    head.install(outside)
    gr.mount_gradio_app(
        outside,
        page,
        "/",
        server_name=host,
        server_port=port,
        app_kwargs=dict(APP_SETTINGS),
        root_path=os.environ.get("GRADIO_ROOT_PATH"),
        allowed_paths=[],
        show_error=False,
        max_file_size="8mb",
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        favicon_path=str(head.ICON),
        theme=THEME,
        css=CSS,
    )
    page.app = outside.routes[-1].app  # type: ignore[attr-defined]  # Gradio keeps the one it made before
    page.app.state_holder = SessionStates(pages)
    page.app.state_holder.set_blocks(page)
    return Door(outside, page, UploadParking(uploads), pages)
