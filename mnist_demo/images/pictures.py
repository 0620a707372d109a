"""Reads a picture file into pixels: upright, 8 bits per channel, at most 1,024 pixels a side.

Knows file formats, camera orientation and harmful files. Does not know ink or paper. The size is read from the header
first. The decoded picture (200 MB for 50 megapixels, an eighth of that for a JPEG) is shrunk in bands, which needs
little more memory.
"""

import base64
import binascii
import contextlib
import io
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_demo.errors import InvalidDrawing

MIN_SIDE, MAX_SIDE = 28, 1024  # pixels of the result
SMALLEST = 8  # pixels a side of a picture that is enlarged
MAX_PIXELS = 50_000_000
MAX_WEBP_PIXELS = 20_000_000  # the WebP decoder needs four times the memory of the others
MAX_BYTES = 16_000_000
MAX_BASE64 = MAX_BYTES * 4 // 3 + 100  # characters
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
SEND = "send a PNG, JPEG, WebP, GIF, BMP or TIFF file"
_ORIENTATION = 0x0112  # EXIF's tag
_TURNED = {  # EXIF's number -> what puts the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BAND = 64  # rows of the shrunk picture made at a time
_HEIC = (
    "This is a HEIC picture, as iPhones take them, which is not read here: share it as JPEG, or choose "
    "Settings > Camera > Formats > Most Compatible and take it again."
)


def read_picture(picture: bytes) -> NDArray[np.uint8]:
    """Decodes a picture file to (H, W, 4) RGBA, each side 28 to 1,024 pixels; of an animation, the first picture.

    Raises InvalidDrawing, with the reason, if it is not a picture, too large or too small.
    """
    if len(picture) > MAX_BYTES:
        raise InvalidDrawing(f"The picture has {len(picture):,} bytes; {MAX_BYTES:,} is the most.")
    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
            _check_size(image.width, image.height, MAX_WEBP_PIXELS if image.format == "WEBP" else MAX_PIXELS)
            image.draft(image.mode, (MAX_SIDE, MAX_SIDE))  # a JPEG is made smaller while it is decoded
            image.load()
            upright = _shrunk(image)
            turn = _TURNED.get(_orientation(image))
    except InvalidDrawing:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidDrawing(f"The picture is too large; {MAX_PIXELS // 1_000_000} megapixels are the most.") from error
    except Exception as error:  # a damaged file can make its decoder raise anything
        raise InvalidDrawing(_why_unreadable(picture)) from error
    return np.asarray(_enlarged(upright if turn is None else upright.transpose(turn)))


def read_base64(text: str) -> NDArray[np.uint8]:
    """Like `read_picture`, for base64 text, with or without `data:image/...;base64,` in front."""
    if len(text) > MAX_BASE64:
        raise InvalidDrawing(f"The picture has {len(text):,} characters; {MAX_BASE64:,} is the most.")
    try:
        return read_picture(base64.b64decode(text.rpartition(",")[2], validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidDrawing("The picture is not valid base64.") from error


def _check_size(width: int, height: int, most: int) -> None:
    size = f"The picture is {width:,} by {height:,} pixels"
    if width * height > most:
        raise InvalidDrawing(f"{size}; {most // 1_000_000} megapixels are the most.")
    if min(width, height) < SMALLEST:
        raise InvalidDrawing(f"{size}; each side must have at least {SMALLEST}.")
    if max(width, height) * MIN_SIDE > min(width, height) * MAX_SIDE:
        raise InvalidDrawing(f"{size}: it is too narrow to read a digit from.")


def _shrunk(image: Image.Image) -> Image.Image:
    """The loaded picture as RGBA, at most 1,024 pixels a side: each block of pixels becomes its mean."""
    factor = ceil(max(image.size) / MAX_SIDE)
    bands = []
    for top in range(0, image.height, factor * _BAND):
        band = image.crop((0, top, image.width, min(top + factor * _BAND, image.height)))
        bands.append(np.asarray(_to_8_bit(band, image).convert("RGBA").reduce(factor)))
    return Image.fromarray(np.concatenate(bands))


def _to_8_bit(band: Image.Image, whole: Image.Image) -> Image.Image:
    """Reduces grey of more than 8 bits to its upper 8, based on the largest value: 16-bit files often hold 8 or 12."""
    if whole.mode == "F":
        low, high = (float(bound) for bound in whole.getextrema())  # type: ignore[arg-type]
        return Image.fromarray((np.asarray(band) - low) / max(high - low, 1e-9) * 255).convert("L")
    if not whole.mode.startswith("I"):
        return band
    largest = int(whole.getextrema()[1])  # type: ignore[arg-type]
    bits = max(8, largest.bit_length())
    return Image.fromarray((np.asarray(band).astype(np.int64) >> (bits - 8)).clip(0, 255).astype(np.uint8))


def _orientation(image: Image.Image) -> int:
    """How the camera was held, 1 to 8; 1 if the file does not say so or cannot be read."""
    with contextlib.suppress(Exception):  # an unreadable note of the camera is no reason to refuse a picture
        return int(image.getexif().get(_ORIENTATION, 1))
    return 1


def _enlarged(image: Image.Image) -> Image.Image:
    scale = MIN_SIDE / min(image.size)
    if scale <= 1:
        return image
    return image.resize((ceil(image.width * scale), ceil(image.height * scale)), Image.Resampling.BILINEAR)


def _why_unreadable(picture: bytes) -> str:
    start = picture[:64].lstrip().lower()
    brand = picture[8:12] if picture[4:8] == b"ftyp" else b""
    if brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
        return _HEIC
    others = {"an AVIF picture": brand == b"avif", "a video": bool(brand), "a PDF": start.startswith(b"%pdf")}
    others |= {"an SVG drawing": b"<svg" in picture[:1000].lower(), "a web page": start.startswith(b"<")}
    kind = next((kind for kind, is_it in others.items() if is_it), None)
    if kind:
        return f"This is {kind}, not a photo or drawing that can be read here: {SEND}."
    if not picture:
        return f"The file is empty: {SEND}."
    if picture.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"BM")):
        return "The picture is damaged or cut off: save or send it again."
    return f"This is not a picture that can be read: {SEND}."
