"""The augmentation "handwriting": imitates how people write a digit differently, a batch at a time.

Knows ways of writing: turned, slanted, stretched, bent, thick, thin; a slashed 0, a crossed 7, a
flagged or underlined 1, a closed 4. Does not know networks. Random numbers come from the generator that
is passed in (None: torch's own). Elastic bending after Simard et al., "Best practices for convolutional
neural networks applied to visual document analysis" (2003).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

STRENGTH = 1.25  # each image is deformed by up to this multiple of the amounts below; most are changed little
TURN, SHEAR = 0.2, 0.12  # standard deviations at strength one: radians, and shift over height
SCALE, STRETCH = 0.08, 0.08  # standard deviations of the logarithm of size, and of width over height
SHIFT, BEND = 0.8, 0.75  # pixels
HABIT = 0.15  # share of the 0s, 7s, 1s, 4s that get a slash, a bar, an underline, a lid
FLAG = 0.25  # share of the 1s that get an upstroke: MNIST has few, and without them they are read as 7


def vary(images: Tensor, labels: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Uint8 images (N, 28, 28), int64 labels (N,) -> changed images, same shape and dtype.

    A label of -1 means no digit: the picture is deformed like a digit, but no line is added.
    """
    pixels = add_habits(images.float(), labels, generator)  # (N, 28, 28), 0 .. 255
    return deform(change_width(pixels, generator), generator).round().clamp(0, 255).to(torch.uint8)


def change_width(pixels: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Thickens or thins the strokes of two in three images, by up to about a pixel."""
    amount = torch.rand(len(pixels), 1, 1, generator=generator) * 1.2 - 0.5  # below 0: thinner
    amount = amount.where(torch.rand(len(pixels), 1, 1, generator=generator) < 0.67, 0)
    sign = torch.where(amount > 0, 1.0, -1.0)
    target = sign * _largest_around(sign * pixels)
    return pixels + amount.abs() * (target - pixels)


def _largest_around(pixels: Tensor) -> Tensor:
    """The largest value in the 3x3 pixels around each: the same as `max_pool2d`, five times as fast."""
    wide = F.pad(pixels, (1, 1))
    rows = torch.maximum(torch.maximum(wide[..., :-2], wide[..., 2:]), pixels)
    tall = F.pad(rows, (0, 0, 1, 1))
    return torch.maximum(torch.maximum(tall[:, :-2], tall[:, 2:]), rows)


def deform(pixels: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Turns, shears, scales, stretches, shifts and gently bends images (N, 28, 28) about their centre of mass.

    Also moves the centre of mass to where `sketch` puts it, because an added flag has shifted it.
    """
    count, side = pixels.shape[0], pixels.shape[-1]
    strength = STRENGTH * torch.rand(count, generator=generator)
    turn, shear, scale, stretch, across, down = strength * torch.randn(6, count, generator=generator).clamp(-3, 3)
    turn, shear = TURN * turn, SHEAR * shear
    width, height = torch.exp(SCALE * scale + STRETCH * stretch), torch.exp(SCALE * scale - STRETCH * stretch)
    cos, sin = torch.cos(turn), torch.sin(turn)
    unit = 2 / side  # one pixel in the grid's coordinates
    centre_x, centre_y = _centre_of_mass(pixels)
    left = torch.stack([width * cos, shear - sin, (centre_x + across * SHIFT) * unit], dim=1)
    right = torch.stack([sin, height * cos, (centre_y + down * SHIFT) * unit], dim=1)
    grid = F.affine_grid(torch.stack([left, right], 1), [count, 1, side, side], align_corners=False)
    waves = _waves(side)
    bend = BEND * unit * strength[:, None, None, None] * torch.randn(count, 5, 5, 2, generator=generator)
    grid = grid + torch.einsum("nijc,yi,xj->nyxc", bend, waves, waves)
    return F.grid_sample(pixels[:, None], grid, mode="bicubic", align_corners=False)[:, 0]  # other modes blur


def _centre_of_mass(pixels: Tensor) -> Tensor:
    """Distance of the centre of mass of (N, 28, 28) from MNIST's, pixel (14, 14): (2, N), right and down."""
    position = torch.arange(pixels.shape[-1]) - pixels.shape[-1] / 2
    ink = pixels.sum(dim=(1, 2)).clamp(min=1e-6)
    return torch.stack([pixels.sum(dim=1) @ position / ink, pixels.sum(dim=2) @ position / ink])


def _waves(side: int) -> Tensor:
    """Five smooth bumps side by side, (side, 5). Their random sums have variance one at every pixel."""
    position = torch.linspace(0, 4, side)
    bumps = torch.exp(-((position[:, None] - torch.arange(5)) ** 2) / 0.8)
    waves: Tensor = bumps / bumps.norm(dim=1, keepdim=True)
    return waves


def add_habits(pixels: Tensor, labels: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Adds the lines that many people write, to a random share of the digits. Half the underlined 1s get flags."""
    chance = torch.rand(len(labels), generator=generator)
    most = {
        (0, _slash): HABIT,
        (7, _bar): HABIT,
        (1, _underline): HABIT,
        (4, _lid): HABIT,
        (1, _flag): HABIT / 2 + FLAG,
    }
    for (digit, line), below in most.items():
        at_least = HABIT / 2 if line is _flag else 0.0
        chosen = ((labels == digit) & (chance >= at_least) & (chance < below)).nonzero()[:, 0]
        if len(chosen):
            some = pixels[chosen]
            segment = _segment(*line(some, _extent(some), generator), pixels.shape[-1], generator)
            pixels = pixels.index_put((chosen,), torch.maximum(some, segment))
    return pixels


def _extent(pixels: Tensor) -> Tensor:
    """Left, top, right and bottom of the ink of images (N, 28, 28): (4, N)."""
    is_ink = pixels > 100
    sides = []
    for axis in (1, 2):  # over rows: columns with ink; over columns: rows with ink
        has_ink = is_ink.any(dim=axis).float()
        first = has_ink.argmax(dim=1)
        last = pixels.shape[-1] - 1 - has_ink.flip(1).argmax(dim=1)
        sides.append((first.float(), last.float()))
    (left, right), (top, bottom) = sides
    return torch.stack([left, top, right, bottom])


def _uniform(count: int, low: float, high: float, generator: torch.Generator | None) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


def _slash(pixels: Tensor, extent: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Through a 0, inside it or sticking out: from lower left to upper right, one in four nearly level or upright."""
    left, top, right, bottom = extent
    half = torch.stack([right - left, top - bottom], dim=1) / 2  # (N, 2)
    middle = torch.stack([left + right, top + bottom], dim=1) / 2 + torch.randn(len(pixels), 2, generator=generator)
    flat, kind = _uniform(len(pixels), -0.25, 0.25, generator), torch.rand(len(pixels), generator=generator)
    half[:, 0] *= flat.where(kind < 0.12, 1)  # upright
    half[:, 1] *= flat.where(kind > 0.88, 1)  # level
    before, after = _uniform(2 * len(pixels), 0.55, 1.35, generator).view(2, -1, 1)
    return middle - before * half, middle + after * half


def _bar(pixels: Tensor, extent: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Across the stem of a 7, near its middle."""
    top, bottom = extent[1], extent[3]
    row = top + (bottom - top) * _uniform(len(pixels), 0.4, 0.65, generator)
    column = _ink_column(pixels, row)
    half, tilt = _uniform(len(pixels), 2.5, 5.5, generator), _uniform(len(pixels), -1, 1, generator)
    return torch.stack([column - half, row + tilt], dim=1), torch.stack([column + half, row - tilt], dim=1)


def _underline(pixels: Tensor, extent: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Below a 1."""
    bottom = extent[3]
    column = _ink_column(pixels, bottom - 1)
    half, tilt = _uniform(len(pixels), 2.5, 6, generator), _uniform(len(pixels), -0.7, 0.7, generator)
    return torch.stack([column - half, bottom + tilt], dim=1), torch.stack([column + half, bottom - tilt], dim=1)


def _flag(pixels: Tensor, extent: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """From the head of a 1 down to the left, at an angle from its stem: from short to as long as the stem."""
    top, bottom = extent[1] + 0.5, extent[3]
    column = _ink_column(pixels, top + 0.5)
    foot = _ink_column(pixels, bottom)
    lean = torch.atan2(column - foot, bottom - top)  # radians; above 0 the head is on the right
    share = _uniform(len(pixels), 0.12, 1, generator).pow(1.6)  # of the stem's length
    flattest = torch.where(share > 0.5, 1.0, 1.15)  # radians from straight down: flatter makes a 7
    angle = torch.minimum(lean + _uniform(len(pixels), 0.3, 1.1, generator), flattest)
    length = torch.hypot(column - foot, bottom - top) * share
    tip = torch.stack([column - length * torch.sin(angle), top + length * torch.cos(angle)], dim=1)
    return torch.stack([column, top], dim=1), tip


def _lid(pixels: Tensor, extent: Tensor, _generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Between the two tips of an open 4."""
    middle = ((extent[0] + extent[2]) / 2).round()
    columns = torch.arange(pixels.shape[-1])
    halves = []
    for is_side in (columns[None] < middle[:, None], columns[None] >= middle[:, None]):
        ink = pixels * is_side[:, None, :]
        row = (ink > 100).any(dim=2).float().argmax(dim=1).float()
        halves.append(torch.stack([_ink_column(ink, row), row + 0.5], dim=1))
    return halves[0], halves[1]


def _ink_column(pixels: Tensor, row: Tensor) -> Tensor:
    """The mean column of the ink in one row of each image, (N,)."""
    rows = pixels[torch.arange(len(pixels)), row.round().long().clamp(0, pixels.shape[-1] - 1)]  # (N, 28)
    columns = torch.arange(pixels.shape[-1]).float()
    return (rows * columns).sum(dim=1) / rows.sum(dim=1).clamp(min=1e-6)


def _segment(start: Tensor, end: Tensor, side: int, generator: torch.Generator | None) -> Tensor:
    """Straight lines from start to end, (N, 2) as x and y, drawn into (N, side, side), 0 .. 255."""
    position = torch.arange(side).float()
    x, y = position[None, None, :], position[None, :, None]
    ax, ay = start[:, 0, None, None], start[:, 1, None, None]
    dx, dy = end[:, 0, None, None] - ax, end[:, 1, None, None] - ay
    along = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy).clamp(min=1e-6)).clamp(0, 1)
    distance = torch.hypot(x - ax - along * dx, y - ay - along * dy)
    radius = _uniform(len(start), 0.6, 1.3, generator)[:, None, None]
    return 255 * (radius + 0.5 - distance).clamp(0, 1)
