"""Where uploads wait: a share for each address and for all, given back as files are read or grow old."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from mnist_demo.ui.web import parking
from mnist_demo.ui.web.parking import UploadParking


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "MAX_BYTES", 100)
    monkeypatch.setattr(parking, "MAX_BYTES_OF_ONE", 60)


def upload(lot: UploadParking, path: Path, size: int, sender: str = "1.1.1.1") -> int:
    """Sends a file of so many bytes that Gradio would put at `path`; the status of the answer."""
    statuses: list[int] = []

    async def gradio(_scope: Any, _receive: Any, send: Any) -> None:
        path.write_bytes(b"x" * size)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps([str(path)]).encode()})

    async def note(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {"type": "http", "client": (sender, 1), "headers": [(b"content-length", str(size).encode())]}
    asyncio.run(lot.park(gradio, scope, None, note))
    (status,) = statuses
    return status


@pytest.mark.usefixtures("small")
def test_one_sender_has_a_share_and_all_have_a_bound(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    lot = UploadParking(folder)
    assert upload(lot, folder / "a", 40) == 200
    assert upload(lot, folder / "b", 40) == 429, "more than one address may have"
    assert upload(lot, folder / "b", 20) == 200
    assert upload(lot, folder / "c", 50, "2.2.2.2") == 429, "more than all may have"
    assert upload(lot, folder / "c", 40, "2.2.2.2") == 200


@pytest.mark.usefixtures("small")
def test_a_file_that_was_read_gives_its_room_back(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    lot = UploadParking(folder)
    assert upload(lot, folder / "a", 60) == 200
    assert upload(lot, folder / "b", 60) == 429
    (folder / "a").unlink()
    assert upload(lot, folder / "b", 60) == 200


def test_old_files_go_and_what_lay_there_before_the_start_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "left over").touch()
    late = 0.0
    lot = UploadParking(folder, lambda: (folder / "a").stat().st_mtime + late)
    assert not (folder / "left over").exists()
    upload(lot, folder / "a", 5)
    late = 9.0
    lot.sweep(10)
    assert (folder / "a").exists()
    late = 10.0
    lot.sweep(10)
    assert not (folder / "a").exists()
