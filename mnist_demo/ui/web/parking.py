"""Where uploaded files wait until a handler has read them: how many bytes, from whom, and for how long.

Knows Gradio's upload folder and the sender's address. Does not look into files.
"""

import json
import shutil
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse

MAX_BYTES = 256_000_000  # of all
MAX_BYTES_OF_ONE = 128_000_000  # of one address: a class behind one router has it together
READ_AFTER_SECONDS = 30.0  # a file is read when it arrives; one older than this may be deleted to make room
FORGOTTEN_AFTER_SECONDS = 600.0
FULL = "Too many files have been sent in the last half minute: wait a moment and send yours again."

Message = MutableMapping[str, Any]
Call = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


class UploadParking:
    """The upload folder, emptied at the start. A sender over their share has to wait."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._clock = folder, clock
        self._arriving: dict[str, int] = {}  # address -> bytes announced and not yet written to a file
        self._senders: dict[Path, str] = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    async def park(self, app: Call, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Lets an upload through to `app` if there is room for it, else answers 429 with a sentence."""
        sender = scope["client"][0] if scope.get("client") else ""
        length = int(dict(scope["headers"]).get(b"content-length", b"0"))
        if not self._has_room(sender, length):
            await JSONResponse({"error": FULL}, 429)(scope, receive, send)
            return
        answer = bytearray()

        async def send_reading(message: Message) -> None:
            if len(answer) < 100_000:
                answer.extend(message.get("body", b""))
            await send(message)

        self._arriving[sender] = self._arriving.get(sender, 0) + length
        try:
            await app(scope, receive, send_reading)
        finally:
            self._arriving[sender] -= length
            if not self._arriving[sender]:
                del self._arriving[sender]
            for path in _paths(bytes(answer)):
                self._senders[path] = sender

    def sweep(self, age_seconds: float) -> None:
        """Deletes the files that have waited at least so long."""
        for path, (_, changed_at) in self._files().items():
            if self._clock() - changed_at >= age_seconds:
                path.unlink(missing_ok=True)
        self._senders = {path: sender for path, sender in self._senders.items() if path.exists()}

    def _has_room(self, sender: str, length: int) -> bool:
        self.sweep(FORGOTTEN_AFTER_SECONDS)
        for _ in range(2):
            files = {path: size for path, (size, _) in self._files().items()}
            mine = sum(size for path, size in files.items() if self._senders.get(path) == sender)
            mine += self._arriving.get(sender, 0)
            everybodys = sum(files.values()) + sum(self._arriving.values())
            if mine + length <= MAX_BYTES_OF_ONE and everybodys + length <= MAX_BYTES:
                return True
            self.sweep(READ_AFTER_SECONDS)
        return False

    def _files(self) -> dict[Path, tuple[int, float]]:
        """Size and time of each waiting file, also half-arrived ones; without those the app made for downloads."""
        found = {}
        for path in [*self._folder.glob("tmp*"), *self._senders]:
            try:
                if path.is_file():
                    found[path] = (path.stat().st_size, path.stat().st_mtime)
            except OSError:  # read and deleted meanwhile
                continue
        return found


def _paths(answer: bytes) -> list[Path]:
    """The files that Gradio's answer to an upload names."""
    try:
        value = json.loads(answer)
    except ValueError:
        return []
    return [Path(each) for each in value if isinstance(each, str)] if isinstance(value, list) else []
