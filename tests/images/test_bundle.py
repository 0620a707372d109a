"""The archive under attack, and the folder that it is unpacked into."""

import hashlib
import lzma
import os
import shutil
import tarfile
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnist_demo.errors import DataError
from mnist_demo.images import bundle
from mnist_demo.images.bundle import FILE_SHA256

STAND_INS = {name: f"{name} ".encode() * (50 + i) for i, name in enumerate(FILE_SHA256)}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four short files in MNIST's place, so that packing and unpacking takes no time."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in STAND_INS.items()}
    monkeypatch.setattr(bundle, "FILE_SHA256", hashes)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw files"
    folder.mkdir()
    for name, content in STAND_INS.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def archive(small: None, raw: Path, tmp_path: Path) -> Path:  # noqa: ARG001
    path = tmp_path / "mnist.tar.xz"
    bundle.build_archive(raw, path)
    return path


def unpacked(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((root / "MNIST" / "raw").iterdir())}


def refused(archive: Path, cache: Path) -> str:
    """The one sentence, and nothing left behind."""
    with pytest.raises(DataError) as refusal:
        bundle.mnist_root(cache, archive)
    assert list(cache.iterdir()) == []
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


# --- the archive that ships --------------------------------------------------------------------


def test_the_archive_that_ships_is_small_and_unpacks_to_mnist(tmp_path: Path) -> None:
    assert bundle.ARCHIVE.stat().st_size < 9_500_000
    root = bundle.mnist_root(tmp_path)
    raw_files = root / "MNIST" / "raw"
    assert {path.name for path in raw_files.iterdir()} == set(FILE_SHA256)
    for name, expected in FILE_SHA256.items():
        assert hashlib.sha256((raw_files / name).read_bytes()).hexdigest() == expected
    assert [path.name for path in tmp_path.iterdir()] == [root.name]
    before = (raw_files / "train-images-idx3-ubyte").stat().st_mtime_ns
    assert bundle.mnist_root(tmp_path) == root
    assert (raw_files / "train-images-idx3-ubyte").stat().st_mtime_ns == before


# --- archives that are not what they should be -------------------------------------------------


def test_a_missing_archive_is_named_with_a_way_out(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    sentence = refused(tmp_path / "gone.tar.xz", cache)
    assert "gone.tar.xz" in sentence
    assert "python -m mnist_demo archive" in sentence


def test_a_changed_file_inside_is_named_with_both_hashes(archive: Path, raw: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    name = "t10k-labels-idx1-ubyte"
    changed = bytearray(STAND_INS[name])
    changed[7] ^= 1
    (raw / name).write_bytes(changed)
    with tarfile.open(archive, "w:xz") as tar:
        for path in raw.iterdir():
            tar.add(path, path.name)
    sentence = refused(archive, cache)
    assert name in sentence
    assert hashlib.sha256(changed).hexdigest() in sentence
    assert hashlib.sha256(STAND_INS[name]).hexdigest() in sentence


def test_a_truncated_archive_is_named_with_both_hashes(archive: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    whole = archive.read_bytes()
    for length in range(0, len(whole) * 3 // 4, 7):
        archive.write_bytes(whole[:length])
        sentence = refused(archive, cache)
        assert archive.name in sentence
        assert hashlib.sha256(whole[:length]).hexdigest() in sentence
        assert bundle.ARCHIVE_SHA256 in sentence


def test_the_expected_hash_is_that_of_the_archive_that_ships() -> None:
    assert hashlib.sha256(bundle.ARCHIVE.read_bytes()).hexdigest() == bundle.ARCHIVE_SHA256


@pytest.mark.parametrize("damage", ["one byte flipped", "truncated"])
def test_damage_anywhere_is_refused_or_harmless(damage: str, archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    for position in range(0, len(whole), 5):
        cache = tmp_path / f"cache{position}"
        cache.mkdir()
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        archive.write_bytes(damaged if damage == "one byte flipped" else whole[:position])
        try:
            root = bundle.mnist_root(cache, archive)
        except DataError:
            assert list(cache.iterdir()) == []
        else:
            assert unpacked(root) == STAND_INS


@pytest.mark.parametrize(
    "content",
    [b"", b"not an archive", lzma.compress(b""), lzma.compress(b"no tar" * 500), lzma.compress(bytes(20_000))],
)
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (tmp_path / "mnist.tar.xz").write_bytes(content)
    assert hashlib.sha256(content).hexdigest() in refused(tmp_path / "mnist.tar.xz", cache)


@pytest.mark.parametrize("kind", [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_an_entry_that_is_no_file_is_refused(kind: bytes, archive: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    with tarfile.open(archive, "w:xz") as tar:
        for name in FILE_SHA256:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    refused(archive, cache)


# --- the cache ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage", ["missing file", "short file", "a byte flipped", "no files", "empty folder", "a file in its place"]
)
def test_a_half_written_cache_is_replaced(damage: str, archive: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    root = bundle.mnist_root(cache, archive)
    raw_files = root / "MNIST" / "raw"
    if damage == "missing file":
        (raw_files / "t10k-images-idx3-ubyte").unlink()
    elif damage == "a byte flipped":
        content = bytearray(STAND_INS["train-images-idx3-ubyte"])
        content[100] ^= 1
        (raw_files / "train-images-idx3-ubyte").write_bytes(content)
    elif damage == "short file":
        (raw_files / "t10k-images-idx3-ubyte").write_bytes(b"short")
    else:
        for path in raw_files.iterdir():
            path.unlink()
        if damage != "no files":
            raw_files.rmdir()
            (root / "MNIST").rmdir()
        if damage == "a file in its place":
            root.rmdir()
            root.write_bytes(b"")
    assert bundle.mnist_root(cache, archive) == root
    assert unpacked(root) == STAND_INS
    assert [path.name for path in cache.iterdir()] == [root.name]


def test_two_may_unpack_at_once(archive: Path, tmp_path: Path) -> None:
    for attempt in range(40):
        cache = tmp_path / str(attempt)
        (cache / "mnist-1" / "MNIST").mkdir(parents=True)  # broken: each of them wants to replace it
        together = threading.Barrier(2)

        def unpack(_: int, cache: Path = cache, together: threading.Barrier = together) -> Path:
            together.wait()
            return bundle.mnist_root(cache, archive)

        with ThreadPoolExecutor(2) as pool:
            roots = set(pool.map(unpack, range(2)))
        assert roots == {cache / "mnist-1"}
        assert unpacked(cache / "mnist-1") == STAND_INS
        assert [path.name for path in cache.iterdir()] == ["mnist-1"]


def test_another_may_finish_first(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = bundle.mnist_root(tmp_path / "another", archive)
    root = tmp_path / "cache" / "mnist-1"
    (root / "MNIST").mkdir(parents=True)
    rename = Path.rename

    def overtaken(path: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        shutil.rmtree(root)
        if target == root:
            shutil.copytree(finished, root)
        return path.rename(target)

    monkeypatch.setattr(Path, "rename", overtaken)
    assert bundle.mnist_root(tmp_path / "cache", archive) == root
    assert unpacked(root) == STAND_INS


def test_a_cache_that_cannot_be_written_is_named(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_bytes(b"")
    with pytest.raises(DataError, match="MNIST_DEMO_CACHE"):
        bundle.mnist_root(tmp_path / "occupied" / "cache", archive)


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_DEMO_CACHE", str(tmp_path / "chosen"))
    assert bundle.default_cache_dir() == tmp_path / "chosen"
    monkeypatch.delenv("MNIST_DEMO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert bundle.default_cache_dir() == tmp_path / "xdg" / "mnist-lab"
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    assert bundle.default_cache_dir().parent == Path(tempfile.gettempdir())
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", classmethod(no_home))
    assert bundle.default_cache_dir().parent == Path(tempfile.gettempdir())


def no_home(_: type[Path]) -> Path:
    """`Path.home` of a user without a home and without an entry in the password file."""
    raise RuntimeError("Could not determine home directory.")


# --- rebuilding the archive --------------------------------------------------------------------


def test_an_archive_is_rebuilt_byte_for_byte(archive: Path, raw: Path, tmp_path: Path) -> None:
    for path in raw.iterdir():
        os.utime(path, (0, 0))
        path.chmod(0o600)
    again = tmp_path / "elsewhere.tar.xz"
    bundle.build_archive(raw, again)
    assert again.read_bytes() == archive.read_bytes()
    assert unpacked(bundle.mnist_root(tmp_path / "cache", again)) == STAND_INS


@pytest.mark.parametrize("fault", ["missing", "changed"])
def test_rebuilding_from_wrong_files_leaves_the_old_archive_alone(fault: str, archive: Path, raw: Path) -> None:
    before = archive.read_bytes()
    victim = raw / "t10k-labels-idx1-ubyte"  # the last to be packed
    if fault == "missing":
        victim.unlink()
    else:
        victim.write_bytes(b"something else")
    with pytest.raises(DataError, match=victim.name):
        bundle.build_archive(raw, archive)
    assert archive.read_bytes() == before
    assert sorted(path.name for path in archive.parent.iterdir()) == ["mnist.tar.xz", "raw files"]
