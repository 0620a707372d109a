"""The commands around the course: the bundled images made anew, the lessons listed."""

import gzip
import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from mnist_demo.images import bundle
from mnist_demo.lessons import lesson, lessons
from tests.cli.conftest import complaint, run

STAND_INS = {name: name.encode() * 50 for name in bundle.FILE_SHA256}


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Short files in place of MNIST's: two as they are, two as they are handed out."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in STAND_INS.items()}
    monkeypatch.setattr(bundle, "FILE_SHA256", hashes)
    folder = tmp_path / "raw"
    folder.mkdir()
    for index, (name, content) in enumerate(STAND_INS.items()):
        (folder / (f"{name}.gz" if index % 2 else name)).write_bytes(gzip.compress(content) if index % 2 else content)
    return folder


def test_the_archive_is_made_of_files_as_they_are_or_zipped(raw: Path, tmp_path: Path) -> None:
    assert run("archive", raw, "--output", tmp_path / "new.tar.xz") == 0
    with tarfile.open(tmp_path / "new.tar.xz") as tar:
        packed = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        assert {name: file.read() for name, file in packed.items() if file} == STAND_INS


def test_a_file_that_is_missing_or_damaged_is_named(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = list(STAND_INS)[1]
    whole = (raw / f"{name}.gz").read_bytes()
    for content in (None, b"", whole[:-3], b"no gzip", gzip.compress(b"another file")):
        (raw / f"{name}.gz").unlink(missing_ok=True)
        if content is not None:
            (raw / f"{name}.gz").write_bytes(content)
        assert run("archive", raw, "--output", tmp_path / "new.tar.xz") == 1
        assert name in complaint(capsys)
        assert not (tmp_path / "new.tar.xz").exists()


def test_lessons_as_json_carry_their_link(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lessons", "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["lesson"] for each in told] == [each.slug for each in lessons()]
    assert run("export", told[0]["link"]) == 0
    assert "torch" in capsys.readouterr().out
    assert lesson(told[0]["lesson"]) is not None
