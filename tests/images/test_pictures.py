"""Pictures as people have them are opened upright and small; what cannot be is refused with its true reason, soon."""

import base64
import io
import struct
import time
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images.pictures import FORMATS, read_base64, read_picture
from mnist_demo.images.sketch import extract_ink, preprocess

Pixels = NDArray[np.uint8]
SEVEN = np.zeros((280, 280), np.uint8)
SEVEN[60:85, 90:180] = SEVEN[60:220, 155:180] = 255


def png(pixels: NDArray[np.generic], kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def seen(picture: Pixels) -> NDArray[np.float64]:
    return preprocess(extract_ink(picture))[-1].image.astype(float)


EXPECTED = preprocess(SEVEN)[-1].image.astype(float)


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
        png(np.zeros((1, 1), np.uint8)),
        png(np.zeros((1, 10_000), np.uint8)),
        png(np.zeros((7, 7), np.uint8)),
        one_bit(13_300),
        one_bit(13_500),
        one_bit(7_072),  # 50,013,184 pixels
        PICTURE[: len(PICTURE) // 2],
        PICTURE[:20],
        b"\0" * 16_000_001,
    ],
    ids=range(12),
)
def test_pictures_that_cannot_be_read(picture: bytes) -> None:
    before = time.process_time()
    with pytest.raises(InvalidDrawing) as refusal:
        read_picture(picture)
    assert time.process_time() - before < 1
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "1", "P", "LA", "I;16"])
def test_every_colour_mode_is_read_or_cannot_be_written(kind: str, mode: str) -> None:
    image = Image.fromarray(255 - SEVEN)
    is_wide = mode == "I;16"
    image = Image.fromarray((255 - SEVEN).astype(np.uint16) * 257) if is_wide else image.convert(mode)
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind)
    except (OSError, KeyError, ValueError):
        return
    canvas = read_picture(buffer.getvalue())
    assert canvas.shape == (280, 280, 4)
    assert canvas.dtype == np.uint8
    assert np.abs(seen(canvas) - EXPECTED).mean() < 8


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_picture_is_a_picture_or_refused(kind: str) -> None:
    whole = png(255 - SEVEN[::4, ::4], kind)
    rng = np.random.default_rng(0)
    for attempt in range(300):
        damaged = bytearray(whole)
        for position in rng.integers(0, len(whole), 3):
            damaged[position] ^= int(rng.integers(1, 256))
        blob = bytes(damaged if attempt % 2 else whole[: attempt * len(whole) // 300])
        try:
            assert read_picture(blob).shape[2] == 4
        except InvalidDrawing:
            continue


def test_base64_with_and_without_its_prefix() -> None:
    text = base64.b64encode(PICTURE).decode()
    expected = read_picture(PICTURE)
    np.testing.assert_array_equal(read_base64(text), expected)
    np.testing.assert_array_equal(read_base64(f"data:image/png;base64,{text}"), expected)


@pytest.mark.parametrize("text", ["", " ", "not base64", "٥" * 8, "A" * 7, "\ud800", "\0", "A" * 22_000_000, "=" * 8])
def test_what_is_not_base64(text: str) -> None:
    with pytest.raises(InvalidDrawing):
        read_base64(text)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_is_upright_however_the_camera_was_held(kind: str, orientation: int) -> None:
    stored = {1: SEVEN, 2: SEVEN[:, ::-1], 3: SEVEN[::-1, ::-1], 4: SEVEN[::-1], 5: SEVEN.T}
    stored |= {6: np.rot90(SEVEN), 7: SEVEN[::-1, ::-1].T, 8: np.rot90(SEVEN, -1)}
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(png(255 - np.ascontiguousarray(stored[orientation]), kind, exif=exif))
    assert np.abs(seen(picture) - EXPECTED).mean() < 4


@pytest.mark.parametrize("largest", [255, 1023, 4095, 65535])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_that_hold_fewer(kind: str, largest: int) -> None:
    grey = ((255 - SEVEN).astype(np.float64) / 255 * largest).astype(np.uint16)
    assert np.abs(seen(read_picture(png(grey, kind))) - EXPECTED).mean() < 2


@pytest.mark.parametrize("shape", [(8, 8), (20, 20), (28, 1000), (1025, 1025), (3024, 4032), (7000, 7100)])
def test_any_size_up_to_fifty_megapixels_comes_out_within_bounds(shape: tuple[int, int]) -> None:
    pixels = np.full(shape, 255, np.uint8)
    pixels[shape[0] // 4 : shape[0] // 2, shape[1] // 4 : shape[1] // 2] = 0
    for kind in ("JPEG", "PNG"):
        picture = read_picture(png(pixels, kind))
        height, width = picture.shape[:2]
        assert 28 <= min(height, width) <= max(height, width) <= 1024
        assert width / height == pytest.approx(shape[1] / shape[0], rel=0.1)
        assert picture[height * 3 // 8, width * 3 // 8, 0] < 60
        assert picture[height * 3 // 4, width * 3 // 4, 0] > 200


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(100), "HEIC"),
        (b"\0\0\0\x18ftypmif1" + bytes(100), "HEIC"),
        (b"\0\0\0\x18ftypavif" + bytes(100), "AVIF"),
        (b"\0\0\0\x18ftypisom" + bytes(100), "video"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"", "empty"),
        (PICTURE[: len(PICTURE) // 2], "cut off"),
        (one_bit(13_300), "50 megapixels"),
        (png(np.zeros((5_000, 4_001), np.uint8), "WEBP"), "20 megapixels"),
        (png(np.zeros((28, 1_100), np.uint8)), "too narrow to read a digit"),
        (png(np.zeros((7, 9), np.uint8)), "9 by 7"),
    ],
)
def test_a_refusal_names_the_true_reason(picture: bytes, reason: str) -> None:
    with pytest.raises(InvalidDrawing, match=reason):
        read_picture(picture)
