"""Drawings become what MNIST could contain; pictures made to do harm are refused in one sentence."""

import base64
import io
import struct
import time
import zlib

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from mnist_demo.errors import InvalidDrawing
from mnist_demo.experiment.config import Experiment
from mnist_demo.images import sketch
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.learning import networks
from mnist_demo.learning.training import advance, start

Pixels = NDArray[np.uint8]


def png(pixels: Pixels, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def enlarged(digit: Pixels, side: int = 280) -> Pixels:
    return np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))


def seen(ink: Pixels) -> NDArray[np.float64]:
    return sketch.preprocess(ink)[-1].image.astype(float)


def stroke(rows: slice, columns: slice, side: int = 280, ink: int = 255) -> Pixels:
    canvas = np.zeros((side, side), np.uint8)
    canvas[rows, columns] = ink
    return canvas


SEVEN = np.maximum(stroke(slice(60, 85), slice(90, 180)), stroke(slice(60, 220), slice(155, 180)))


def test_digits_enlarged_and_read_back_lose_at_most_one_point(training_data: TrainingData) -> None:
    experiment = Experiment(train_size=6_000, epochs=4, learning_rate=2e-3)
    state, _ = advance(start(experiment), 10**6, TrainingData(training_data.train, training_data.val.first(10)))
    model = networks.build(experiment)
    model.load_state_dict(state.evaluated_weights)
    model.eval()
    val = training_data.val.first(1_000)
    read_back = torch.from_numpy(np.stack([sketch.preprocess(enlarged(d))[-1].image for d in val.images.numpy()]))

    def accuracy(images: torch.Tensor) -> float:
        with torch.no_grad():
            return (model(normalize(images)).argmax(dim=1) == val.labels).float().mean().item()

    assert accuracy(val.images) > 0.85
    assert accuracy(read_back) >= accuracy(val.images) - 0.01


def test_the_centre_is_where_mnist_has_it(training_data: TrainingData) -> None:
    """Index 14 and not 13.5: half a pixel beside it costs more than a point of accuracy."""
    places = np.arange(28)

    def centres(images: NDArray[np.float64]) -> NDArray[np.float64]:
        mass = images.sum((1, 2))
        return np.stack([(images.sum(2) @ places) / mass, (images.sum(1) @ places) / mass])

    originals = training_data.val.images[:300].numpy()
    read_back = np.stack([seen(enlarged(digit)) for digit in originals])
    np.testing.assert_allclose(centres(read_back).mean(1), centres(originals.astype(float)).mean(1), atol=0.1)


def test_place_and_size_make_no_difference() -> None:
    for shift in ((-50, -80), (-50, 90), (55, -80), (10, 10)):
        np.testing.assert_allclose(seen(np.roll(SEVEN, shift, (0, 1))), seen(SEVEN))
    for side in (140, 560, 1024):
        other = np.asarray(Image.fromarray(SEVEN).resize((side, side), Image.Resampling.NEAREST))
        assert np.abs(seen(other) - seen(SEVEN)).mean() < 6


def test_the_digit_fills_twenty_pixels_and_the_image_is_28(training_data: TrainingData) -> None:
    for digit in training_data.val.images[:50].numpy():
        stages = sketch.preprocess(enlarged(digit))
        image = stages[-1].image
        rows, columns = np.nonzero(image)
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
        assert all(stage.name for stage in stages)


def test_colours_of_ink_and_paper_make_no_difference() -> None:
    mask = SEVEN[..., None] > 0
    expected = seen(SEVEN)
    for ink, paper in (((0, 0, 0), (255, 255, 255)), ((255, 255, 255), (0, 0, 0)), ((0, 0, 0), (250, 240, 200))):
        canvas = np.where(mask, np.array(ink, np.uint8), np.array(paper, np.uint8)).astype(np.uint8)
        assert np.abs(seen(sketch.extract_ink(canvas)) - expected).mean() < 2
        opaque = np.dstack([canvas, np.full(SEVEN.shape, 255, np.uint8)])
        assert np.abs(seen(sketch.extract_ink(opaque)) - expected).mean() < 2
    transparent = np.dstack([np.zeros((*SEVEN.shape, 3), np.uint8), SEVEN])
    np.testing.assert_allclose(seen(sketch.extract_ink(transparent)), expected)


@pytest.mark.parametrize("value", [0, 1, 20, 255])
def test_a_canvas_of_one_colour_is_blank(value: int) -> None:
    for shape in ((280, 280, 3), (280, 280, 4), (28, 1024, 3)):
        assert sketch.preprocess(sketch.extract_ink(np.full(shape, value, np.uint8))) == []
    assert sketch.preprocess(np.zeros((280, 280), np.uint8)) == []


@pytest.mark.parametrize(
    "ink",
    [
        np.full((280, 280), 255, np.uint8),
        np.full((1024, 1024), 255, np.uint8),
        stroke(slice(140, 141), slice(140, 141)),
        stroke(slice(0, 1), slice(0, 280)),
        stroke(slice(0, 280), slice(279, 280)),
        stroke(slice(0, 28), slice(0, 28), side=28),
        np.eye(1024, dtype=np.uint8) * 255,
        np.eye(1024, dtype=np.uint8) * 33,
        np.fliplr(np.eye(280, dtype=np.uint8)) * 40,
        np.maximum(stroke(slice(0, 1), slice(0, 1), 1024), stroke(slice(1023, 1024), slice(1023, 1024), 1024)),
        np.maximum(stroke(slice(0, 1), slice(0, 1), ink=33), stroke(slice(279, 280), slice(279, 280), ink=33)),
        np.random.default_rng(0).integers(0, 256, (280, 280), np.uint8),
        np.random.default_rng(0).integers(0, 256, (28, 1024), np.uint8),
    ],
    ids=range(13),
)
def test_any_ink_gives_an_image_or_counts_as_blank(ink: Pixels) -> None:
    before, original = time.process_time(), ink.copy()
    stages = sketch.preprocess(ink)
    assert time.process_time() - before < 2
    np.testing.assert_array_equal(ink, original)
    assert not stages or (stages[-1].image.shape == (28, 28) and stages[-1].image.dtype == np.uint8)


@pytest.mark.parametrize(
    "canvas",
    [
        np.zeros((280, 280), np.float32),
        np.zeros((280, 280), bool),
        np.zeros(280, np.uint8),
        np.zeros((0, 0), np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((1, 10_000, 4), np.uint8),
        np.zeros((27, 280), np.uint8),
        np.zeros((280, 1025), np.uint8),
        np.zeros((280, 280, 1), np.uint8),
        np.zeros((280, 280, 5), np.uint8),
        np.zeros((1, 280, 280, 3), np.uint8),
    ],
    ids=lambda canvas: f"{canvas.dtype}{canvas.shape}",
)
def test_what_is_no_canvas_is_refused(canvas: Pixels) -> None:
    with pytest.raises(InvalidDrawing, match=r"\.$"):
        sketch.extract_ink(canvas)


# --- picture files -----------------------------------------------------------------------------------


def one_bit(side: int) -> bytes:
    """A square PNG of zeros, written by hand: Pillow would need the memory that reading it must not."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(side * (1 + (side + 7) // 8)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


PICTURE = png(255 - SEVEN)


@pytest.mark.parametrize(
    "picture",
    [
        b"",
        b"text named .png",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='280' height='280'/>",
        png(SEVEN, "GIF"),
        png(SEVEN, "BMP"),
        png(SEVEN, "TIFF"),
        png(np.zeros((1, 1), np.uint8)),
        png(np.zeros((1, 10_000), np.uint8)),
        png(np.zeros((280, 1025), np.uint8)),
        one_bit(13_300),
        one_bit(13_500),
        one_bit(1_025),
        PICTURE[: len(PICTURE) // 2],
        PICTURE[:20],
        b"\0" * 2_000_001,
    ],
    ids=range(15),
)
def test_pictures_that_cannot_be_read(picture: bytes) -> None:
    before = time.process_time()
    with pytest.raises(InvalidDrawing) as refusal:
        sketch.read_picture(picture)
    assert time.process_time() - before < 1
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "1", "P", "LA", "I;16"])
def test_every_colour_mode_is_read_or_cannot_be_written(kind: str, mode: str) -> None:
    image = Image.fromarray(255 - SEVEN)
    is_wide = mode == "I;16"
    image = Image.fromarray((255 - SEVEN).astype(np.uint16) * 257) if is_wide else image.convert(mode)
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind)
    except (OSError, KeyError):
        return
    canvas = sketch.read_picture(buffer.getvalue())
    assert canvas.shape == (280, 280, 4)
    assert canvas.dtype == np.uint8
    assert np.abs(seen(sketch.extract_ink(canvas)) - seen(SEVEN)).mean() < 8


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_damaged_picture_is_a_picture_or_refused(kind: str) -> None:
    whole = png(255 - SEVEN[::4, ::4], kind)
    rng = np.random.default_rng(0)
    for attempt in range(300):
        damaged = bytearray(whole)
        for position in rng.integers(0, len(whole), 3):
            damaged[position] ^= int(rng.integers(1, 256))
        blob = bytes(damaged if attempt % 2 else whole[: attempt * len(whole) // 300])
        try:
            assert sketch.read_picture(blob).shape[2] == 4
        except InvalidDrawing:
            continue


def test_base64_with_and_without_its_prefix() -> None:
    text = base64.b64encode(PICTURE).decode()
    expected = sketch.read_picture(PICTURE)
    np.testing.assert_array_equal(sketch.read_base64(text), expected)
    np.testing.assert_array_equal(sketch.read_base64(f"data:image/png;base64,{text}"), expected)


@pytest.mark.parametrize("text", ["", " ", "not base64", "٥" * 8, "A" * 7, "\ud800", "\0", "A" * 4_000_004, "=" * 8])
def test_what_is_not_base64(text: str) -> None:
    with pytest.raises(InvalidDrawing):
        sketch.read_base64(text)
