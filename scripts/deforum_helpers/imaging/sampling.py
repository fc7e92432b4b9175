"""Reading an image between its pixels, and how far such a reading can be trusted.

Positions are pixel coordinates (x right, y down) with pixel centres at integers: (0, 0) is the centre of the top left
pixel, the picture reaches from -0.5 to W - 0.5.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from .opencv import cv

Interpolation = Literal["bilinear", "bicubic", "nearest"]
"""How values between pixels are read. Bicubic is the Catmull-Rom family with a = -0.75, as in OpenCV and torch."""

Border = Literal["replicate", "wrap", "reflect", "reflect101", "zeros"]
"""What lies outside the picture: edge pixels, the opposite side, a mirror at the outer edge of the edge pixels
(torch's "reflection" without aligned corners), a mirror at their centres, black."""

Float32 = NDArray[np.float32]
Uint8 = NDArray[np.uint8]
Picture = TypeVar("Picture", Uint8, Float32)
"""Either type; what comes out has the type of what went in."""

_INTERPOLATION: dict[str, int] = {
    "nearest": cv.INTER_NEAREST,
    "bilinear": cv.INTER_LINEAR,
    "bicubic": cv.INTER_CUBIC,
}
_BORDER: dict[str, int] = {
    "replicate": cv.BORDER_REPLICATE,
    "wrap": cv.BORDER_WRAP,
    "reflect": cv.BORDER_REFLECT,
    "reflect101": cv.BORDER_REFLECT_101,
    "zeros": cv.BORDER_CONSTANT,
}


def interpolation_flag(name: Interpolation) -> int:
    """OpenCV's flag for an interpolation.

    Raises:
        ValueError: unknown name.
    """
    return _flag(_INTERPOLATION, name, "interpolation")


def border_flag(name: Border) -> int:
    """OpenCV's flag for a border.

    Raises:
        ValueError: unknown name.
    """
    return _flag(_BORDER, name, "border")


def _flag(table: dict[str, int], name: str, what: str) -> int:
    if name not in table:
        raise ValueError(f"unknown {what} {name!r}, known are {', '.join(table)}")
    return table[name]


def row_strips(height: int, rows: int = 32) -> Iterator[slice]:
    """Slices of ``rows`` rows that cover ``height``: arithmetic on a strip stays in the processor's cache."""
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def read_at(image: Picture, grid: Float32, interpolation: Interpolation, border: Border) -> Picture:
    """Read an image at the positions of a grid.

    Positions are rounded to 1/32 pixel by OpenCV, which is a few levels on the hardest edges. "bicubic", the mode for
    quality, blends three such readings into one at the true position, which is within half a level.

    Args:
        image: H×W×C or H×W, uint8 or float32.
        grid: h×w×2 float32, the position (x, y) to read for each output pixel.
        interpolation: how values between pixels are read.
        border: what lies outside the picture.

    Returns:
        h×w×C or h×w of the type of ``image``, uint8 rounded to nearest.
    """
    flags, mode = interpolation_flag(interpolation), border_flag(border)
    if interpolation != "bicubic":
        plain: Picture = cv.remap(image, grid, None, flags, borderMode=mode)
        return plain
    out: Picture = np.empty(grid.shape[:2] + image.shape[2:], image.dtype)
    exact: Float32 = image.astype(np.float32)
    depth = cv.CV_8U if image.dtype == np.uint8 else cv.CV_32F

    def read(rows: slice) -> None:
        values = _read_precisely(exact, grid[rows], flags, mode)
        # Rounds and saturates in one go.
        cv.addWeighted(values, 1.0, values, 0.0, 0.0, out[rows], dtype=depth)

    # Somebody waits for a picture in this quality: all processors read. OpenCV would not share out small strips.
    with ThreadPoolExecutor(max(1, cv.getNumThreads())) as threads:
        deque(threads.map(read, row_strips(grid.shape[0])), maxlen=0)
    return out


def glance_at(image: Picture, grid: Float32, interpolation: Interpolation, border: Border) -> Picture:
    """As :func:`read_at`, with positions rounded to 1/32 pixel for "bicubic", too: a third of the work.

    On pictures of nature that is off by a quarter of a level (rms), less than rounding to whole levels is, and just as
    sharp.
    """
    glanced: Picture = cv.remap(image, grid, None, interpolation_flag(interpolation), borderMode=border_flag(border))
    return glanced


def scaled(positions: Float32, scale: int) -> Float32:
    """Positions in a picture, as positions in the picture at ``scale`` times the size: the outer edges coincide."""
    return positions if scale == 1 else positions * np.float32(scale) + np.float32((scale - 1) / 2)


_STEPS = np.float32(32)
"""Positions OpenCV tells apart between two pixels."""


def _read_precisely(image: Float32, grid: Float32, flags: int, mode: int) -> Float32:
    """Read at the nearest position OpenCV knows and its neighbours in x and y, then go the rest of the way linearly."""
    base = np.rint(grid * _STEPS) / _STEPS
    rest = grid - base
    towards = np.copysign(1 / _STEPS, rest)
    reads, shares = [], []
    for axis in (0, 1):
        shifted = base.copy()
        shifted[..., axis] += towards[..., axis]
        reads.append(cv.remap(image, shifted, None, flags, borderMode=mode))
        shares.append(rest[..., axis] / towards[..., axis])
    # Shares are 1/2 at most; blendLinear divides by their sum plus 1e-5, so they are given in ten thousandths.
    across, down = (np.float32(1e4) * share + np.float32(1e-3) for share in shares)
    near: Float32 = cv.remap(image, base, None, flags, borderMode=mode)
    both = across + down
    blended: Float32 = cv.blendLinear(near, cv.blendLinear(*reads, across, down), np.float32(1e4) - both, both)
    return blended


@dataclass(frozen=True, eq=False)
class Source:
    """A picture that is read many times; what the readings share is made once, when it is first needed.

    Attributes:
        image: H×W×3 uint8.
    """

    image: Uint8

    @cached_property
    def doubled(self) -> Uint8:
        """The picture at twice the size, by cubics; its pixel (2x + 1/2, 2y + 1/2) is at (x, y).

        Read linearly, it stands in for a bicubic reading of the picture at a third of the time. That softens by
        second differences · 1/12 on average, which is added here beforehand.
        """
        height, width = self.image.shape[:2]
        large = cv.resize(self.image, (2 * width, 2 * height), interpolation=cv.INTER_CUBIC)
        sharpen = np.array([-1, 14, -1]) / 12
        doubled: Uint8 = cv.sepFilter2D(large, cv.CV_8U, sharpen, sharpen, borderType=cv.BORDER_REPLICATE)
        return doubled


Bools = NDArray[np.bool_]

Positions = Callable[[slice, slice], tuple[Float32, Float32]]
"""Source positions (x, y) of some rows and columns of points, float32, of shapes that broadcast to all of them."""

_PER_BAND = 12
"""Cells that a band must have, if confidence is to be known per cell only."""

_LOW = 0.05
"""Confidence of a cell next to which there may be none: linear between cells, that would not be seen."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """How far the pixels of a warped picture can be trusted.

    Attributes:
        size: (height, width) of the picture.
        cell: pixels; it is known at the middles of square cells, and linear between them, but where it is sharp.
        middles: confidence at the middles of some rows and columns of cells of a size, float32 in 0..1, of a shape that
            broadcasts to them.
        unsure: cells in which it may be below 1, rows×columns.
        sharp: cells in which it must be known for every pixel.
    """

    size: tuple[int, int]
    cell: int
    middles: Callable[[int, slice, slice], Float32]
    unsure: Bools
    sharp: Bools

    def __call__(self, rows: slice, columns: slice | None = None) -> Float32:
        """Confidence of some rows and columns (all if None) of pixels, float32 in 0..1."""
        columns = columns or slice(0, self.size[1])
        sharp = self.columns(self.sharp, rows)[columns]
        if self.cell == 1 or sharp.all():
            block = np.ones((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        else:
            block = enlarged_block(self.cells, self.cell, rows, columns)
        for first, end in runs(sharp):
            block[:, first:end] = self.exact(rows, slice(columns.start + first, columns.start + end))
        return block

    def exact(self, rows: slice, columns: slice) -> Float32:
        """As a call, of a shape that broadcasts, and known for every pixel."""
        return self.middles(1, rows, columns)

    @cached_property
    def cells(self) -> Float32:
        """Confidence at the middles of all cells."""
        rows, columns = self.unsure.shape
        cells = np.empty((rows, columns), np.float32)
        cells[:] = self.middles(self.cell, slice(0, rows), slice(0, columns))
        return cells

    @cached_property
    def low(self) -> Bools:
        """Cells in which it may be next to nothing."""
        return self.unsure if self.cell == 1 else self.cells < _LOW

    def columns(self, cells: Bools, rows: slice) -> Bools:
        """Columns of pixels in which some cells, ``unsure``, ``sharp`` or ``low``, are in some rows; W bools."""
        there = cells[rows.start // self.cell : -(-rows.stop // self.cell)].any(axis=0)
        return np.repeat(there, self.cell)[: self.size[1]]


def runs(flags: Bools) -> list[tuple[int, int]]:
    """First and end of each run of set flags."""
    changes = (np.flatnonzero(flags[1:] != flags[:-1]) + 1).tolist()
    ends = [0, *changes, flags.size]
    return [(first, end) for first, end in itertools.pairwise(ends) if first < end and flags[first]]


@dataclass(frozen=True)
class Reach:
    """The farthest positions a warp looks at, pixels."""

    left: float
    right: float
    top: float
    bottom: float


def edge_confidence(
    positions: Callable[[int], Positions],
    reach: Reach,
    size: tuple[int, int],
    feather: float,
    *,
    cell: int = 1,
) -> Coverage | None:
    """How much of what a warp shows comes from inside a picture, with a soft edge.

    For the left side let m = max(0, -reach.left) be the margin, the farthest the warp looks outside, and the band
    b = min(feather·m, width/2). Its ramp is ``(x + 1) / (1 + b)`` clipped to 0..1: 0 one pixel outside the outermost
    pixel centres, where bilinear reading sees nothing of the picture any more, and 1 from b pixels inside. The
    confidence is the smoothstep ``3r² - 2r³`` of the product r of the four ramps. Without a margin it is 1 throughout,
    and it changes continuously with the positions, so a warp that fades to the identity fades to full confidence.

    Bands at least twelve cells wide in the output are computed at the middles of cells, linear between: within 0.006,
    and within 0.03 where the bands of opposite sides meet.

    Args:
        positions: gives, for a size of cell, the source positions of the middles of cells.
        reach: the extremes of all positions.
        size: (height, width) of the picture.
        feather: width of the band in margins.
        cell: size of cells; 1 to compute it for every pixel.

    Returns:
        The confidence; None where it would be 1 throughout.
    """
    height, width = size
    sides = _sides(reach, height, width, feather)
    if not sides:
        return None
    rows, columns = (slice(0, -(-length // cell)) for length in size)
    place = positions(cell)(rows, columns)
    change = [_change(values) if cell > 1 else np.float32(0) for values in place]
    unsure, sharp = (np.zeros((rows.stop, columns.stop), np.bool_) for _ in range(2))
    unsure |= _below_one(place, sides, change)
    sharp |= _below_one(place, [side for side in sides if abs(side[1]) * change[side[0]] * _PER_BAND > 1], change)

    def middles(size: int, rows: slice, columns: slice) -> Float32:
        return _confidence(positions(size)(rows, columns), sides)

    return Coverage(size, cell, middles, unsure, sharp if cell > 1 else unsure)


def enlarged_block(values: Float32, factor: int, rows: slice, columns: slice) -> Float32:
    """A block of ``cv2.resize(values, …)`` to ``factor`` times the size, linear, at no more than its own cost."""
    if factor == 1:
        return values[rows, columns]
    top, left = (max(lines.start // factor - 1, 0) for lines in (rows, columns))
    part = values[top : -(-rows.stop // factor) + 1, left : -(-columns.stop // factor) + 1]
    size = (part.shape[1] * factor, part.shape[0] * factor)
    enlarged: Float32 = cv.resize(part, size, interpolation=cv.INTER_LINEAR)
    top, left = rows.start - top * factor, columns.start - left * factor
    return enlarged[top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]


_Side = tuple[int, np.float32, np.float32]
"""Axis, slope and offset of the ramp of a side."""


def _confidence(place: tuple[Float32, Float32], sides: list[_Side]) -> Float32:
    """Confidence at some positions: smoothstep of the product of the ramps."""
    product: Float32 = np.ones((1, 1), np.float32)
    for axis, slope, offset in sides:
        product = product * np.clip(place[axis] * slope + offset, 0, 1)
    smooth: Float32 = (np.float32(3.0) - np.float32(2.0) * product) * product * product
    return smooth


def _below_one(place: tuple[Float32, Float32], sides: list[_Side], change: Sequence[np.float32]) -> Bools | np.bool_:
    """Cells with a pixel whose confidence may be below 1, given their middles and how much these change at most."""
    below: Bools | np.bool_ = np.bool_(False)
    for axis, slope, offset in sides:
        below = below | (place[axis] * slope + (offset - abs(slope) * change[axis]) < 1)
    return below


def _change(positions: Float32) -> np.float32:
    """The most that positions differ between neighbours."""
    return max((np.abs(np.diff(positions, axis=axis)).max(initial=0) for axis in (0, 1)), default=np.float32(0))


def _sides(reach: Reach, height: int, width: int, feather: float) -> list[_Side]:
    """The sides that have a margin."""
    sides = []
    for axis, length, before, after in ((0, width, reach.left, reach.right), (1, height, reach.top, reach.bottom)):
        widest = length / 2
        if before < 0:
            slope = 1 / (1 + min(feather * -before, widest))
            sides.append((axis, np.float32(slope), np.float32(slope)))
        if after > length - 1:
            slope = 1 / (1 + min(feather * (after - (length - 1)), widest))
            sides.append((axis, np.float32(-slope), np.float32(slope * length)))
    return sides
