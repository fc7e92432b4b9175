"""Reading an image between its pixels, and how far such a reading can be trusted.

Positions are pixel coordinates (x right, y down) with pixel centres at integers: (0, 0) is the centre of the top left
pixel, the picture reaches from -0.5 to W - 0.5.
"""

from __future__ import annotations

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


Coverage = Callable[[slice], Float32]
"""Confidence of some rows of a picture, rows×W float32 in 0..1."""

Rows = Callable[[slice], tuple[Float32, Float32]]
"""Source positions (x, y) of some rows of points, float32, of shapes that broadcast to all of them."""

_PER_BAND = 12
"""Cells that the narrowest band must have, if confidence is to be known per cell only."""


@dataclass(frozen=True)
class Reach:
    """The farthest positions a warp looks at, pixels."""

    left: float
    right: float
    top: float
    bottom: float


def edge_confidence(
    positions: Callable[[int], Rows],
    reach: Reach,
    size: tuple[int, int],
    feather: float,
    *,
    cells: Sequence[int] = (1,),
) -> Coverage | None:
    """How much of what a warp shows comes from inside a picture, with a soft edge.

    For the left side let m = max(0, -reach.left) be the margin, the farthest the warp looks outside, and the band
    b = min(feather·m, width/2). Its ramp is ``(x + 1) / (1 + b)`` clipped to 0..1: 0 one pixel outside the outermost
    pixel centres, where bilinear reading sees nothing of the picture any more, and 1 from b pixels inside. The
    confidence is the smoothstep ``3r² - 2r³`` of the product r of the four ramps. Without a margin it is 1 throughout,
    and it changes continuously with the positions, so a warp that fades to the identity fades to full confidence.

    It is computed at the middle of each square cell, small enough for the narrowest band to be twelve cells wide, and
    linear between them, within 0.006.

    Args:
        positions: gives, for a size of cell, the rows of source positions of the middles of all cells.
        reach: the extremes of all positions.
        size: (height, width) of the picture.
        feather: width of the band in margins.
        cells: sizes to choose from, largest first, down to 1.

    Returns:
        The confidence, to be asked for any rows; None where it would be 1 throughout.
    """
    height, width = size
    sides = _sides(reach, height, width, feather)
    if not sides:
        return None
    steepest = max(abs(slope) for _, slope, _ in sides)
    cell = next((cell for cell in cells if steepest * _PER_BAND * cell <= 1), 1)
    if cell == 1:
        place = positions(1)
        return lambda rows: _confidence(place, sides, rows, width)
    coarse = _confidence(positions(cell), sides, slice(0, -(-height // cell)), -(-width // cell))
    return lambda rows: enlarged_rows(coarse, cell, rows)[:, :width]


def enlarged_rows(values: Float32, factor: int, rows: slice) -> Float32:
    """Some rows of ``cv2.resize(values, …)`` to ``factor`` times the size, linear, at no more than their own cost."""
    first = max(rows.start // factor - 1, 0)
    part = values[first : -(-rows.stop // factor) + 1]
    size = (part.shape[1] * factor, part.shape[0] * factor)
    enlarged: Float32 = cv.resize(part, size, interpolation=cv.INTER_LINEAR)
    return enlarged[rows.start - first * factor : rows.stop - first * factor]


_Side = tuple[int, np.float32, np.float32]
"""Axis, slope and offset of the ramp of a side."""


def _confidence(positions: Rows, sides: list[_Side], rows: slice, width: int) -> Float32:
    confidence = np.ones((rows.stop - rows.start, width), np.float32)
    for strip in row_strips(rows.stop - rows.start, 96):
        place = positions(slice(rows.start + strip.start, rows.start + strip.stop))
        first, end = width, 0
        for axis, slope, offset in sides:
            touched = _below_one(place[axis], slope, offset)
            if touched.start < touched.stop:
                ramp = place[axis][:, touched] * slope
                ramp += offset
                touched = touched if place[axis].shape[1] == width else slice(0, width)
                confidence[strip, touched] *= np.clip(ramp, 0, 1, out=ramp)
                first, end = min(first, touched.start), max(end, touched.stop)
        if first < end:
            product = confidence[strip, first:end]
            smooth = product * np.float32(-2.0)
            smooth += np.float32(3.0)
            smooth *= product
            product *= smooth
    return confidence


def _below_one(place: Float32, slope: np.float32, offset: np.float32) -> slice:
    """The columns from the first to the last where a ramp is below 1: usually few, and finding them is cheap."""
    lowest = (place.min(axis=0) if slope > 0 else place.max(axis=0)) * slope + offset
    below = np.flatnonzero(lowest < 1)
    return slice(int(below[0]), int(below[-1]) + 1) if below.size else slice(0, 0)


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
