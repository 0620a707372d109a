"""The archive under attack, the splits, and what happens to a pixel on its way to the network."""

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
import torch
from torchvision import datasets, transforms

from mnist_demo.errors import DataError
from mnist_demo.experiment.choices import Augmentation, Normalize
from mnist_demo.images import data
from mnist_demo.images.data import FILE_BYTES, FILE_SHA256, TrainingData, augment, noisy_labels, normalize

STAND_INS = {name: f"{name} ".encode() * (50 + i) for i, name in enumerate(FILE_SHA256)}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four short files in MNIST's place, so that packing and unpacking takes no time."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in STAND_INS.items()}
    monkeypatch.setattr(data, "FILE_SHA256", hashes)
    monkeypatch.setattr(data, "FILE_BYTES", {name: len(content) for name, content in STAND_INS.items()})


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
    data.build_archive(raw, path)
    return path


def unpacked(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((root / "MNIST" / "raw").iterdir())}


def refused(archive: Path, cache: Path) -> str:
    """The one sentence, and nothing left behind."""
    with pytest.raises(DataError) as refusal:
        data.mnist_root(cache, archive)
    assert list(cache.iterdir()) == []
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


# --- the archive that ships --------------------------------------------------------------------


def test_the_archive_that_ships_is_small_and_unpacks_to_mnist(tmp_path: Path) -> None:
    assert data.ARCHIVE.stat().st_size < 9_500_000
    root = data.mnist_root(tmp_path)
    raw_files = root / "MNIST" / "raw"
    assert {path.name: path.stat().st_size for path in raw_files.iterdir()} == FILE_BYTES
    for name, expected in FILE_SHA256.items():
        assert hashlib.sha256((raw_files / name).read_bytes()).hexdigest() == expected
    assert [path.name for path in tmp_path.iterdir()] == [root.name]
    before = (raw_files / "train-images-idx3-ubyte").stat().st_mtime_ns
    assert data.mnist_root(tmp_path) == root
    assert (raw_files / "train-images-idx3-ubyte").stat().st_mtime_ns == before


def test_torchvision_reads_it_with_the_line_of_the_notes(mnist_root: Path) -> None:
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    mnist = datasets.MNIST(str(mnist_root), train=True, download=False, transform=transform)
    image, label = mnist[0]
    assert len(mnist) == 60_000
    assert label == 5
    torch.testing.assert_close(normalize(mnist.data[:1])[0], image)


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
        assert data.ARCHIVE_SHA256 in sentence


def test_the_expected_hash_is_that_of_the_archive_that_ships() -> None:
    assert hashlib.sha256(data.ARCHIVE.read_bytes()).hexdigest() == data.ARCHIVE_SHA256


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
            root = data.mnist_root(cache, archive)
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


@pytest.mark.parametrize("damage", ["missing file", "short file", "no files", "empty folder", "a file in its place"])
def test_a_half_written_cache_is_replaced(damage: str, archive: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    root = data.mnist_root(cache, archive)
    raw_files = root / "MNIST" / "raw"
    if damage == "missing file":
        (raw_files / "t10k-images-idx3-ubyte").unlink()
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
    assert data.mnist_root(cache, archive) == root
    assert unpacked(root) == STAND_INS
    assert [path.name for path in cache.iterdir()] == [root.name]


def test_two_may_unpack_at_once(archive: Path, tmp_path: Path) -> None:
    for attempt in range(40):
        cache = tmp_path / str(attempt)
        (cache / "mnist-1" / "MNIST").mkdir(parents=True)  # broken: each of them wants to replace it
        together = threading.Barrier(2)

        def unpack(_: int, cache: Path = cache, together: threading.Barrier = together) -> Path:
            together.wait()
            return data.mnist_root(cache, archive)

        with ThreadPoolExecutor(2) as pool:
            roots = set(pool.map(unpack, range(2)))
        assert roots == {cache / "mnist-1"}
        assert unpacked(cache / "mnist-1") == STAND_INS
        assert [path.name for path in cache.iterdir()] == ["mnist-1"]


def test_another_may_finish_first(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = data.mnist_root(tmp_path / "another", archive)
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
    assert data.mnist_root(tmp_path / "cache", archive) == root
    assert unpacked(root) == STAND_INS


def test_a_cache_that_cannot_be_written_is_named(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_bytes(b"")
    with pytest.raises(DataError, match="MNIST_DEMO_CACHE"):
        data.mnist_root(tmp_path / "occupied" / "cache", archive)


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_DEMO_CACHE", str(tmp_path / "chosen"))
    assert data.default_cache_dir() == tmp_path / "chosen"
    monkeypatch.delenv("MNIST_DEMO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert data.default_cache_dir() == tmp_path / "xdg" / "mnist-lab"
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    assert data.default_cache_dir().parent == Path(tempfile.gettempdir())


# --- rebuilding the archive --------------------------------------------------------------------


def test_an_archive_is_rebuilt_byte_for_byte(archive: Path, raw: Path, tmp_path: Path) -> None:
    for path in raw.iterdir():
        os.utime(path, (0, 0))
        path.chmod(0o600)
    again = tmp_path / "elsewhere.tar.xz"
    data.build_archive(raw, again)
    assert again.read_bytes() == archive.read_bytes()
    assert unpacked(data.mnist_root(tmp_path / "cache", again)) == STAND_INS


@pytest.mark.parametrize("fault", ["missing", "changed"])
def test_rebuilding_from_wrong_files_leaves_the_old_archive_alone(fault: str, archive: Path, raw: Path) -> None:
    before = archive.read_bytes()
    victim = raw / "t10k-labels-idx1-ubyte"  # the last to be packed
    if fault == "missing":
        victim.unlink()
    else:
        victim.write_bytes(b"something else")
    with pytest.raises(DataError, match=victim.name):
        data.build_archive(raw, archive)
    assert archive.read_bytes() == before
    assert sorted(path.name for path in archive.parent.iterdir()) == ["mnist.tar.xz", "raw files"]


# --- splits ------------------------------------------------------------------------------------


def test_the_split_is_55_000_and_5_000_and_disjoint(training_data: TrainingData, mnist_root: Path) -> None:
    mnist = datasets.MNIST(str(mnist_root), train=True, download=False)
    train, val = training_data.train, training_data.val
    assert (len(train), len(val)) == (55_000, 5_000)
    assert train.images.dtype == torch.uint8
    assert train.images.shape == (55_000, 28, 28)
    assert train.labels.dtype == torch.int64
    originals = sorted(image.tobytes() for image in mnist.data.numpy())
    assert sorted(image.tobytes() for part in (train, val) for image in part.images.numpy()) == originals
    assert torch.bincount(val.labels, minlength=10).min() > 400


def test_the_split_is_the_same_for_ever(training_data: TrainingData) -> None:
    digest = hashlib.sha256(training_data.val.images.numpy().tobytes() + training_data.val.labels.numpy().tobytes())
    assert digest.hexdigest() == "a39db31f74ee0e037d120968ae8618d8507ab47bf73cad9b7f61f188f943ac4b"


def test_the_validation_images_alone_are_the_same(training_data: TrainingData, mnist_root: Path) -> None:
    alone = data.load_validation_data(mnist_root)
    assert torch.equal(alone.images, training_data.val.images)
    assert torch.equal(alone.labels, training_data.val.labels)
    assert alone.labels.dtype == training_data.val.labels.dtype


def test_splitting_does_not_touch_the_global_generator(mnist_root: Path) -> None:
    before = torch.get_rng_state()
    data.load_training_data.__wrapped__(mnist_root)
    assert torch.equal(torch.get_rng_state(), before)


def test_first_shares_memory(tiny_data: TrainingData) -> None:
    first = tiny_data.train.first(10)
    assert len(first) == 10
    assert first.images.data_ptr() == tiny_data.train.images.data_ptr()


# --- pixels ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "lowest", "middle", "highest"),
    [
        (Normalize.SYMMETRIC, -1.0, 2 * 51 / 255 - 1, 1.0),
        (Normalize.UNIT, 0.0, 51 / 255, 1.0),
        (Normalize.RAW, 0, 51, 255),
    ],
)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float64])
@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 1, 28, 28)])
def test_normalize(
    scale: Normalize, lowest: float, middle: float, highest: float, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    images = torch.zeros(shape, dtype=dtype)
    images[1], images[2] = 51, 255
    before = images.clone()
    pixels = normalize(images, scale)
    assert pixels.dtype == torch.float32
    assert pixels.shape == (3, 1, 28, 28)
    for image, value in zip(pixels, (lowest, middle, highest), strict=True):
        torch.testing.assert_close(image, torch.full((1, 28, 28), float(value)))
    assert torch.equal(images, before)


@pytest.mark.parametrize("how", list(Augmentation))
def test_augment_moves_images_and_leaves_its_argument_alone(how: Augmentation, tiny_data: TrainingData) -> None:
    images = tiny_data.train.images
    before = images.clone()
    torch.manual_seed(1)
    moved = augment(images, how)
    assert torch.equal(images, before)
    assert moved.dtype == torch.uint8
    assert moved.shape == images.shape
    changed = (moved != images).flatten(1).any(dim=1).float().mean().item()
    assert changed == 0 if how is Augmentation.NONE else changed > 0.9
    ink = moved.float().sum() / images.float().sum()
    assert 0.9 < ink < 1.1
    torch.manual_seed(1)
    assert torch.equal(augment(images, how), moved)
    if how is not Augmentation.NONE:
        assert not torch.equal(augment(images, how), moved)


def test_shift_is_by_whole_pixels_up_to_two_each_way_and_new_room_is_paper() -> None:
    images = torch.zeros(2_000, 28, 28, dtype=torch.uint8)
    images[:, 14, 14] = 200
    images[:, 0, 0] = 100  # may leave the image, must not come in again on the other side
    moved = augment(images, Augmentation.SHIFT)
    assert moved[:, 5:24, 5:24].flatten(1).sum(1).eq(200).all()
    offsets = {tuple(place[1:].tolist()) for place in (moved == 200).nonzero()}
    assert offsets == {(row, column) for row in range(12, 17) for column in range(12, 17)}
    assert moved[:, 3:12].sum() == 0
    assert moved[:, 17:].sum() == 0


def test_affine_is_small_and_unbiased() -> None:
    images = torch.zeros(4_000, 28, 28, dtype=torch.uint8)
    images[:, 13:15, 13:15] = 255
    moved = augment(images, Augmentation.AFFINE).double()
    places = torch.arange(28, dtype=torch.float64)
    mass = moved.sum((1, 2))
    rows, columns = (moved.sum(2) * places).sum(1) / mass, (moved.sum(1) * places).sum(1) / mass
    for place in (rows, columns):
        assert (place - 13.5).abs().max() < 2.2  # 1.5 pixels, scaled by up to 12 % and sheared
        assert place.mean().item() == pytest.approx(13.5, abs=0.1)
        assert place.std() > 0.5


# --- labels ------------------------------------------------------------------------------------


def test_noisy_labels_are_nested_in_share_and_size(training_data: TrainingData) -> None:
    labels = training_data.train.labels
    before = labels.clone()
    assert torch.equal(noisy_labels(labels, 0.0, seed=3), labels)
    wrong = {share: noisy_labels(labels, share, seed=3) for share in (0.1, 0.3, 1.0)}
    for fewer, more in ((0.1, 0.3), (0.3, 1.0)):
        is_replaced = wrong[fewer] != labels
        assert torch.equal(wrong[fewer][is_replaced], wrong[more][is_replaced])
    assert torch.equal(noisy_labels(labels[:500], 0.3, seed=3), wrong[0.3][:500])
    assert not torch.equal(noisy_labels(labels, 0.3, seed=4), wrong[0.3])
    for share, noisy in wrong.items():
        assert (noisy != labels).float().mean().item() == pytest.approx(0.9 * share, abs=0.01)
        assert noisy.dtype == torch.int64
    assert torch.bincount(wrong[1.0], minlength=10).float().div(55_000).sub(0.1).abs().max() < 0.01
    assert torch.equal(labels, before)
