"""Unpacks MNIST's four files from the bundled archive, checks them, and puts them where torchvision finds them.

Knows files and hashes. Does not know images. Imports only the standard library, so an error is reported before any
slow library is loaded.
"""

import contextlib
import functools
import hashlib
import io
import lzma
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mnist_demo.errors import DataError

ARCHIVE = Path(__file__).parents[1] / "assets" / "mnist.tar.xz"
ARCHIVE_SHA256 = "2c3dcecd42d3dc978bed1346792529d804ba2618d4ad53e8a0ce744463764e99"  # as it ships
FILE_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
UNPACKED_BYTES = 54_950_048


def default_cache_dir() -> Path:
    """The folder for unpacked data: MNIST_DEMO_CACHE, else the user's cache, else the temporary folder."""
    if chosen := os.environ.get("MNIST_DEMO_CACHE"):
        return Path(chosen)
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        (base / "mnist-lab").mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a container whose home is read-only, or a user without one
        base = Path(tempfile.gettempdir())
    return base / "mnist-lab"


def mnist_root(cache_dir: Path | None = None, archive: Path = ARCHIVE) -> Path:
    """The folder in which `torchvision.datasets.MNIST(root, download=False)` finds all of MNIST.

    Checks the SHA-256 of all four files. Unpacks the bundled archive on the first call, and again if a file has
    changed. The finished folder is moved into place as a whole, so two processes may do this at the same time.
    Raises DataError if the archive is missing, any file in it differs, or nothing can be written.
    """
    cache_dir = cache_dir or default_cache_dir()
    root = cache_dir / "mnist-1"
    if _is_complete(root):
        return root
    try:
        _unpack(archive, cache_dir, root)
    except OSError as error:
        raise DataError(
            f"MNIST cannot be unpacked into {cache_dir} ({error.strerror}): set MNIST_DEMO_CACHE to a writable folder."
        ) from error
    return root


@functools.cache  # hashing 55 MB takes a fifth of a second, so once per process
def root_here(root: Path) -> Path:
    """`root` if MNIST is there, else the result of `mnist_root`: another machine's worker has other folders."""
    return root if _is_complete(root) else mnist_root()


def _unpack(archive: Path, cache_dir: Path, root: Path) -> None:
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=cache_dir) as room:  # reports a full disk before seconds of unpacking
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(room.fileno(), 0, UNPACKED_BYTES)
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        fresh = Path(scratch) / "root"
        raw = fresh / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for name, content in _read_archive(archive):
            (raw / name).write_bytes(content)
        if not _is_complete(root):
            with contextlib.suppress(FileNotFoundError):  # not there, or another process moved it away
                root.rename(Path(scratch) / "broken")
        try:
            fresh.rename(root)
        except OSError:  # another process was faster
            if not _is_complete(root):
                raise


def build_archive(raw_folder: Path, archive: Path = ARCHIVE) -> None:
    """Packs the four raw IDX files of `raw_folder` into `archive`; the same files always give the same bytes.

    Raises DataError if a file is missing or is not MNIST's.
    """
    contents = {}
    for name in FILE_SHA256:
        path = raw_folder / name
        if not path.is_file():
            raise DataError(f"{path} is missing: it must be one of MNIST's raw IDX files.")
        contents[name] = path.read_bytes()
        _verify(name, contents[name])
    unfinished = archive.with_name(f"{archive.name}.part")
    with tarfile.open(unfinished, "w:xz", preset=9, format=tarfile.USTAR_FORMAT) as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    unfinished.replace(archive)  # the old archive is unchanged until here


def _is_complete(root: Path) -> bool:
    try:
        for name, expected in FILE_SHA256.items():
            with (root / "MNIST" / "raw" / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    return False
    except OSError:
        return False
    return True


def _read_archive(archive: Path) -> Iterator[tuple[str, bytes]]:
    if not archive.is_file():
        raise DataError(
            f"The MNIST archive {archive.name} is missing from {archive.parent}: restore it from the "
            "repository, or rebuild it with `python -m mnist_demo archive FOLDER`."
        )
    try:
        with tarfile.open(archive, "r:xz") as tar:
            for name in FILE_SHA256:
                member = tar.extractfile(name)
                content = member.read() if member else b""
                _verify(name, content)
                yield name, content
    except (tarfile.TarError, lzma.LZMAError, KeyError, EOFError, OSError) as error:
        raise DataError(
            f"The MNIST archive {archive.name} is damaged ({type(error).__name__}: {error}); its "
            f"SHA-256 is {hashlib.sha256(archive.read_bytes()).hexdigest()}, expected {ARCHIVE_SHA256}: restore it."
        ) from error


def _verify(name: str, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != FILE_SHA256[name]:
        raise DataError(f"{name} is not MNIST's: its SHA-256 is {found}, expected {FILE_SHA256[name]}.")
