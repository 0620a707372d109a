"""Which sessions Gradio keeps when it has seen too many: those of open pages stay.

A session is a name that the caller makes up. An open page keeps one stream open, its heartbeat. A program that only
makes up names has no heartbeat, so its sessions are forgotten first. Knows the two places where Gradio keeps sessions.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from gradio.blocks import Blocks
from gradio.state_holder import SessionState, StateHolder
from gradio.utils import LRUCache

MAX_SESSIONS = 300


class OpenPages:
    """The sessions with a heartbeat, counted: a page may open a second before it closes the first."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()

    def __contains__(self, session: str) -> bool:
        return session in self._count

    def __len__(self) -> int:
        return len(self._count)

    @contextmanager
    def open(self, session: str) -> Iterator[None]:
        """Counts a heartbeat as long as it lasts."""
        self._count[session] += 1
        try:
            yield
        finally:
            self._count[session] -= 1
            if not self._count[session]:
                del self._count[session]


class Session(SessionState):
    """The values of one page, without a copy of all components' settings.

    Gradio keeps that copy for links to what a session shows, which this page has not. Making it took a third of the
    server's time while a hundred visitors arrived (2026-11-26).
    """

    def __init__(self, page: Blocks) -> None:
        super().__init__(SimpleNamespace(default_config=page.default_config, blocks={}))  # type: ignore[arg-type]
        self.blocks_config.config_for_block = lambda *_: {}  # type: ignore[method-assign]


class SessionStates(StateHolder):
    """The values that pages keep on the server (`gr.State`): those of open pages, and of the sessions used last."""

    def __init__(self, pages: OpenPages) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._pages = pages

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = Session(self.blocks)
        return super().__getitem__(session_id)

    def update(self, session_id: str) -> None:
        """Notes that a session was used. If there are too many, forgets the one not used for longest."""
        with self.lock:
            if session_id in self.session_data:
                self.session_data.move_to_end(session_id)
            if len(self.session_data) > self.capacity + len(self._pages):
                forgotten = next(each for each in self.session_data if each not in self._pages)
                self.session_data.pop(forgotten, None)
                self.time_last_used.pop(forgotten, None)


class SessionMessages(LRUCache[str, Any]):
    """The messages of queued calls, by session. If there are too many, the oldest without an open page are dropped."""

    def __init__(self, pages: OpenPages, max_size: int = 2000) -> None:
        super().__init__(max_size)
        self._pages = pages

    def __missing__(self, session: str) -> Any:
        """Messages that nobody will read: of a call whose session was dropped. Gradio's queue would end at an error."""
        return asyncio.Queue()

    def __setitem__(self, session: str, messages: Any) -> None:
        if session not in self and len(self) >= self.max_size:
            self.pop(next((each for each in self if each not in self._pages), next(iter(self))))
        super().__setitem__(session, messages)
