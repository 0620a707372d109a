"""Where the app starts. It checks what can go wrong before it loads the libraries, which takes seconds.

Opens the port, unpacks MNIST, then calls `serve`. Knows the environment's settings. Imports no library itself.
"""

import logging
import os
import signal
import socket
import sys
import time
from collections import Counter

from mnist_demo.errors import CannotStart, MnistLabError
from mnist_demo.images.bundle import mnist_root

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 7860
LOG_LINES = 5  # of one kind a minute: a server out of descriptors would write thousands of the same


def main() -> int:
    """Serves the app until it is stopped; returns the exit status. If it cannot start, it prints why in one line."""
    try:
        serve()
    except MnistLabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def serve(port: int | None = None) -> None:
    """Serves the page until SIGINT or SIGTERM. Raises CannotStart or DataError."""
    # As process 1 of a container, a program without its own handler ignores SIGTERM.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(NotTooOften())
    try:
        with listen(os.environ.get("GRADIO_SERVER_NAME") or DEFAULT_HOST, port or _port()) as listening:
            root = mnist_root()
            from mnist_demo.ui.web.serve import serve_page  # here: it takes seconds

            serve_page(listening, root)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address, from now on. Raises CannotStart."""
    try:
        family, *_, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        server = socket.create_server(address[:2], family=family, backlog=1024)
        # Named as TCP, or asyncio leaves Nagle's algorithm on, and an answer in two pieces takes 40 ms longer.
        return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=server.detach())
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise CannotStart(
            f"The page cannot be served at {host}, port {port} ({reason}): set GRADIO_SERVER_PORT to a port that is "
            "free."
        ) from error


def _port() -> int:
    text = os.environ.get("GRADIO_SERVER_PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CannotStart(f"GRADIO_SERVER_PORT must be a number from 1 to 65535, not {text[:40]!r}.")
    return int(text)


class NotTooOften(logging.Filter):
    """Lets through a few records of each kind a minute, then says once that it leaves out more of that kind."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: Counter[tuple[str, int]] = Counter()
        self._minute = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written. Records from the same line of the program are of one kind."""
        if (minute := int(time.monotonic() // 60)) != self._minute:
            self._minute = minute
            self._seen.clear()
        kind = (record.pathname, record.lineno)
        self._seen[kind] += 1
        if self._seen[kind] == LOG_LINES:
            record.msg = f"{record.msg} (more of this kind is not written within this minute)"
        return self._seen[kind] <= LOG_LINES
