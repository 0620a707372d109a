"""How far a long command is: a bar on a terminal, or a line now and then if the output goes to a file."""

import sys
from typing import Any

from tqdm import tqdm

LINE_SECONDS = 30.0


class _Lines:
    """A file for tqdm: each redraw of the bar becomes one line."""

    def write(self, text: str) -> None:
        if line := text.strip("\r\n "):
            print(line, file=sys.stderr, flush=True)

    def flush(self) -> None:
        """Each line is there at once."""


def progress(unit: str, total: int | None = None, done: int = 0) -> Any:
    """A tqdm bar, to be updated by units and closed; its `write` prints a result above it."""
    if sys.stderr.isatty():
        return tqdm(total=total, initial=done, unit=unit, leave=False)
    rarely = {"delay": LINE_SECONDS, "mininterval": LINE_SECONDS, "maxinterval": LINE_SECONDS}
    return tqdm(total=total, initial=done, unit=unit, leave=False, ascii=" #", ncols=80, file=_Lines(), **rarely)
