"""Pictures of tensors as small pieces of HTML: number grids, images, tables. Standard library and torch only.

The notebook carries this file's source, so an example draws there what it draws in the app. Colours come from CSS
variables with fallbacks; zero is transparent, so that every picture reads on light and on dark paper.
"""

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from html import escape

import torch
from torch import Tensor

POSITIVE = (0, 114, 178)  # Okabe-Ito blue
NEGATIVE = (213, 94, 0)  # Okabe-Ito vermillion
LARGEST_NUMBERED = 12  # rows and columns up to which cells carry their number
LARGEST_GRID = 64  # rows and columns drawn at most


class Picture(str):
    """HTML that is a finished picture; Jupyter shows it as such."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def block(*things: object) -> str:
    """One line of output as HTML: texts as they are, pictures and tensors side by side in their order.

    A text directly before a picture or tensor is its caption.
    """
    parts: list[str] = []
    caption: str | None = None
    for thing in things:
        if isinstance(thing, str) and not isinstance(thing, Picture):
            parts += [] if caption is None else [text(caption)]
            caption = thing
            continue
        picture = thing if isinstance(thing, Picture) else drawn(thing)
        parts.append(figure(picture, caption))
        caption = None
    parts += [] if caption is None else [text(caption)]
    return f'<div class="mnist-show">{"".join(parts)}</div>'


def drawn(thing: object) -> str:
    """A tensor as a grid of its numbers, anything else as the text Python prints for it."""
    if isinstance(thing, Tensor) and 0 < thing.dim() <= 3 and thing.numel() > 0:
        return tensor_grid(thing)
    return text(str(thing))


def text(line: str) -> str:
    return f'<pre class="mnist-text">{escape(line)}</pre>'


def figure(picture: str, caption: str | None) -> str:
    below = "" if caption is None else f"<figcaption>{escape(caption)}</figcaption>"
    return f'<figure class="mnist-figure">{below}{picture}</figure>'


def number(value: float) -> str:
    """Three significant digits, as short as they go: 0.5, -1.23, 1.2e+05."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if float(value).is_integer() and abs(value) < 10_000:
        return str(int(value))
    return f"{value:.2f}" if 0.01 <= abs(value) < 100 else f"{value:.3g}"


def tensor_grid(tensor: Tensor) -> str:
    """A tensor (n,), (rows, columns) or (k, rows, columns) as coloured cells: blue positive, vermillion negative."""
    values = tensor.detach().cpu()
    if values.dim() == 3:
        return f'<div class="mnist-row">{"".join(tensor_grid(layer) for layer in values[:8])}</div>'
    values = values.reshape(-1, values.shape[-1])[:LARGEST_GRID, :LARGEST_GRID].double()
    rows, columns = values.shape
    if max(rows, columns) > LARGEST_NUMBERED:
        return heat_image(values, cell=max(2, min(8, 240 // max(rows, columns))))
    largest = values[values.isfinite()].abs().max().item() if values.isfinite().any() else 1.0
    cells = "".join(
        "<tr>" + "".join(cell(v, largest, tensor.is_floating_point()) for v in row) + "</tr>" for row in values.tolist()
    )
    kind = "mnist-tensor mnist-many" if columns > 8 else "mnist-tensor"
    return f'<table class="{kind}" aria-label="tensor {tuple(tensor.shape)}">{cells}</table>'


def cell(value: float, largest: float, is_real: bool) -> str:
    share = min(1.0, abs(value) / largest) if largest > 0 and value == value else 0.0
    red, green, blue = POSITIVE if value >= 0 else NEGATIVE
    tiny = is_real and 0 < abs(value) < 0.01 < largest < 1000
    shown = "0.00" if tiny else number(value) if is_real else str(int(value))
    return f'<td style="background:rgba({red},{green},{blue},{0.06 + 0.44 * share:.2f})">{shown}</td>'


def heat_image(values: Tensor, cell: int = 8) -> str:
    """A matrix (rows, columns) as coloured pixels without numbers; `cell` is the side of one in CSS pixels."""
    finite = values.nan_to_num(0.0, 0.0, 0.0)
    share = (finite.abs() / finite.abs().max().clamp_min(1e-12)).clamp(0, 1)
    colour = torch.where((finite >= 0).unsqueeze(-1), torch.tensor(POSITIVE), torch.tensor(NEGATIVE))
    rgba = torch.cat([colour, (255 * share).unsqueeze(-1)], dim=-1).to(torch.uint8)
    rows, columns = values.shape
    return image_tag(png(rgba), columns * cell, rows * cell, f"matrix of {rows} by {columns}")


def png(pixels: Tensor) -> bytes:
    """PNG of uint8 pixels: (height, width) grey, or (height, width, 4) red, green, blue, alpha."""
    height, width = pixels.shape[:2]
    flat = pixels.reshape(height, -1)
    lines = torch.cat([torch.zeros(height, 1, dtype=torch.uint8), flat], dim=1)  # filter 0 in front
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if pixels.dim() == 2 else 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.numpy().tobytes(), 6)), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def image_tag(data: bytes, width: int, height: int, words: str) -> str:
    source = base64.b64encode(data).decode()
    return (
        f'<img class="mnist-pixels" alt="{escape(words)}" width="{width}" height="{height}" '
        f'src="data:image/png;base64,{source}">'
    )


def grey(image: Tensor, low: float | None = None, high: float | None = None) -> Tensor:
    """Any image as uint8 greys from `low` = black to `high` = white (its own extremes if None)."""
    values = image.detach().double().nan_to_num()
    low = values.min().item() if low is None else low
    high = values.max().item() if high is None else high
    return (255 * (values - low) / max(high - low, 1e-12)).clamp(0, 255).to(torch.uint8)


def pictures(
    batch: Tensor,
    captions: Sequence[object] | None = None,
    size: int = 56,
    low: float | None = None,
    high: float | None = None,
) -> Picture:
    """Images (N, 1, height, width), (N, height, width) or (height, width) in rows, each with its caption."""
    batch = batch.detach()
    batch = batch.reshape(-1, *batch.shape[-2:])  # (N, height, width)
    low = batch.min().item() if low is None else low
    high = batch.max().item() if high is None else high
    words = [""] * len(batch) if captions is None else [str(caption) for caption in captions]
    tiles = "".join(
        f"<span>{image_tag(png(grey(one, low, high)), size, size, word or 'image')}<small>{escape(word)}</small></span>"
        for one, word in zip(batch, words, strict=False)
    )
    return Picture(f'<div class="mnist-images">{tiles}</div>')


def photo(data: bytes, width: int, height: int) -> Picture:
    """A finished PNG, drawn at `width` by `height` CSS pixels."""
    return Picture(image_tag(data, width, height, "image"))


def heat(matrix: Tensor, cell: int = 8) -> Picture:
    """A matrix (rows, columns), or k of them in a row, as coloured pixels: blue positive, vermillion negative."""
    layers = matrix.detach().double().reshape(-1, *matrix.shape[-2:])
    return Picture(f'<div class="mnist-row">{"".join(heat_image(layer, cell) for layer in layers)}</div>')


def table(rows: Sequence[Sequence[object]], header: Sequence[object] = ()) -> Picture:
    """A plain table; floats are shortened to three significant digits."""
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(short(value))}</td>" for value in row) + "</tr>" for row in rows)
    top = f"<thead><tr>{head}</tr></thead>" if header else ""
    return Picture(f'<table class="mnist-table">{top}<tbody>{body}</tbody></table>')


def short(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)


def bars(values: Mapping[str, float], highest: float | None = None) -> Picture:
    """Named amounts as horizontal bars, in the order given. Negative ones are vermillion."""
    top = highest or max((abs(v) for v in values.values() if v == v), default=1.0) or 1.0
    lines = []
    for name, value in values.items():
        width = 100 * min(1.0, abs(value) / top) if value == value else 0
        kind = "mnist-negative" if value < 0 else ""
        lines.append(
            f'<tr><th scope="row">{escape(name)}</th><td><div class="mnist-bar {kind}" '
            f'style="width:{width:.1f}%"></div></td><td>{number(value)}</td></tr>'
        )
    return Picture(f'<table class="mnist-bars">{"".join(lines)}</table>')
