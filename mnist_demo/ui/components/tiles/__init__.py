"""A row of small pixelated pictures with captions: what the network sees, weights, heat maps, mistakes.

Knows bytes, a width, a height and one of three colour maps. Does not know what the pictures mean or how numbers were
scaled to bytes, except that 128 is zero on the diverging map.
"""

import base64
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypedDict

import gradio as gr

from mnist_demo.ui.components import Packed, build_component, pack


class ColorMap(StrEnum):
    """How a byte becomes a colour."""

    GRAY = "gray"  # 0 black, 255 white
    DIVERGING = "diverging"  # 0 blue, 128 white, 255 vermillion
    HEAT = "heat"  # 0 black, through purple and orange, to pale yellow


class Tile(TypedDict):
    """One picture: base64 of `width * height` bytes, row by row."""

    caption: str
    width: int
    height: int
    pixels: str
    note: str
    map: str
    word: str


class TilesValue(TypedDict):
    """What the row shows; `size` is the side of a picture on the page in pixels; `selected` an index to outline."""

    tiles: list[Tile]
    size: int
    selected: int | None
    drops_late: bool
    are_choices: bool
    seq: int


def tile(
    caption: str,
    pixels: bytes,
    width: int = 28,
    height: int = 28,
    *,
    note: str = "",
    color_map: ColorMap = ColorMap.GRAY,
    word: str = "",
) -> Tile:
    """One picture from uint8 pixels, row by row; it explains itself by that word of the glossary.

    Raises ValueError where there are not `width * height` pixels.
    """
    if len(pixels) != width * height:
        raise ValueError(f"{width}x{height} pixels need {width * height} bytes, not {len(pixels)}")
    encoded = base64.b64encode(pixels).decode("ascii")
    return Tile(caption=caption, width=width, height=height, pixels=encoded, note=note, map=color_map.value, word=word)


def tiles_value(
    tiles: Sequence[Tile],
    *,
    size: int = 84,
    selected: int | None = None,
    drops_late: bool = False,
    are_choices: bool = False,
    seq: int = 0,
) -> Packed:
    """The value of the row. `seq` appears as `data-seq` once it is drawn.

    With `drops_late`, a value whose `seq` is lower than the one on the page is dropped. With `are_choices`, the tiles
    are buttons. Both must be the same in all values of one row.
    """
    value = TilesValue(
        tiles=list(tiles), size=size, selected=selected, drops_late=drops_late, are_choices=are_choices, seq=seq
    )
    return pack(value)


def create_tiles(
    value: Packed | None = None,
    label: str = "What the network sees",
    elem_id: str | None = "tiles",
) -> gr.HTML:
    """The row. Event `select`: a choice was clicked; `SelectData.index` is its place, `.value` its caption."""
    shown = tiles_value([]) if value is None else value
    return build_component(Path(__file__).parent, shown, label, elem_id)
