"""What every part of the page works with: the runs, the workers, the images, and who is asking."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.cluster.engine import Engine
from mnist_demo.serving.runs import Run, RunStore

# For handlers that answer at once: not queued behind trainings, no overlay, not in the API listing.
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True)
class Visit:
    """The server's side of every visit."""

    store: RunStore
    cluster: Engine
    root: Path  # where torchvision finds MNIST
    # Who wants a drawing read waits here: torch answers in a millisecond, and more threads get in each other's way.
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    def runs(self, ids: Any, request: gr.Request | None) -> list[Run]:
        """The runs of those ids that this visitor still has; anything that is no list of ids has none."""
        if not isinstance(ids, list | tuple):
            return []
        mine = {run.id: run for run in self.store.of_owner(owner_of(request))}
        found = [mine[run_id] for run_id in ids if isinstance(run_id, str) and run_id in mine]
        self.store.touch(found)
        return found


def owner_of(request: gr.Request | None) -> str:
    """Who is asking: the session's random id; empty for a caller without one."""
    return str(request.session_hash) if request and request.session_hash else ""


def note_html(text: str) -> str:
    """A quiet line of plain text."""
    return f'<p class="mnist-note">{escape(text)}</p>' if text else ""


def table_html(head: Sequence[str], rows: Sequence[str], kind: str = "") -> str:
    """A table of numbers that scrolls sideways where it is too wide; rows are HTML, `kind` one more CSS class."""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    table = f"<thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="mnist-wide"><table class="mnist-numbers {kind}">{table}</table></div>'


def error_html(error: Exception) -> str:
    """An error's sentence, announced by screen readers."""
    return f'<p class="mnist-error" role="alert">{escape(str(error))}</p>'
