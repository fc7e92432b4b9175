"""Smooth warps: flat scenes seen by a moving camera, on few control points instead of every pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .dense import DenseWarp
from .matrices import inverse_matrix
from .opencv import cv
from .sampling import (
    Border,
    Coverage,
    Float32,
    Interpolation,
    Picture,
    Positions,
    Reach,
    Uint8,
    edge_confidence,
    enlarged_block,
    glance_at,
    read_at,
    scaled,
)

Complex64 = NDArray[np.complex64]
"""Positions as x + iy: both coordinates in one go."""

_STEP = 16
"""Most pixels between control points, a power of two."""

_ACROSS = 80
"""Smaller pictures have at least so many control points across, so that theirs are as smooth between the points."""

_FINE = 4
"""Pixels; points no farther apart need no refining."""

_FAR = 1e6
"""Pixels; farther outside than any picture is wide."""

_AROUND = 4
"""Control points beyond each side of the picture."""

_STALLED = 0.75
"""An iteration that leaves more than this of the mean error will not get further."""


@dataclass(frozen=True)
class Lattice:
    """Where the control points of a picture are.

    Each point is in the middle of its cell of ``step``×``step`` pixels, so that OpenCV's resize interpolates between
    them exactly. Four more cells go round the picture: next to a pixel that shows something are pixels that do not, and
    a chain of motions must be right there too if it is to be right between them.

    Attributes:
        height: of the picture, pixels.
        width: of the picture, pixels.
    """

    height: int
    width: int

    @property
    def step(self) -> int:
        """Pixels from point to point."""
        return min(1 << max(self.width // _ACROSS, 1).bit_length() - 1, _STEP)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of points."""
        return -(-self.height // self.step) + 2 * _AROUND, -(-self.width // self.step) + 2 * _AROUND

    @property
    def first(self) -> float:
        """Position of the first point, both x and y, pixels."""
        return (self.step - 1) / 2 - _AROUND * self.step

    def lines(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """X of the columns and y of the rows, pixels."""
        rows, columns = (self.first + self.step * np.arange(count, dtype=np.float64) for count in self.shape)
        return columns, rows

    def points(self) -> Float32:
        """Positions (x, y) of all points, rows×columns×2, read-only."""
        return _points(self)


@lru_cache(maxsize=8)
def _points(lattice: Lattice) -> Float32:
    points: Float32 = np.stack(np.meshgrid(*lattice.lines()), axis=2).astype(np.float32)
    points.flags.writeable = False
    return points


class _Projective(Protocol):
    def source_of_lines(self, xs: NDArray[np.float64], ys: NDArray[np.float64]) -> Float32: ...


@dataclass(frozen=True, eq=False)
class SmoothWarp:
    """A warp without edges or folds, known at the points of a lattice.

    Between the points it is read on cubics, of the four nearest in x and in y, when warps are composed. When a picture
    is made, cubics halve the step until it is fine, and the rest of the way is linear (error: second derivative of the
    positions · step²/8).

    Attributes:
        nodes: rows×columns×2 float32, read-only: the SOURCE position (x, y) that the OUTPUT position of each point of
            ``lattice`` shows; pixels, pixel centres at integers.
        lattice: the points.
    """

    nodes: Float32
    lattice: Lattice

    def __post_init__(self) -> None:
        nodes = np.ascontiguousarray(self.nodes, np.float32).view()
        if nodes.shape != (*self.lattice.shape, 2):
            raise ValueError(f"control points of shape {nodes.shape}, not {(*self.lattice.shape, 2)}")
        nodes.flags.writeable = False
        object.__setattr__(self, "nodes", nodes)

    def then(self, after: SmoothWarp | DenseWarp | _Projective) -> SmoothWarp | DenseWarp:
        """First this, then ``after``: this warp, read where ``after`` looks; dense if ``after`` is.

        Where ``after`` looks beyond the lattice, this warp goes on linearly.
        """
        if isinstance(after, DenseWarp):
            return self.to_dense(*after.grid.shape[:2]).then(after)
        if isinstance(after, SmoothWarp):
            return after.led_by(self.source_of)
        return SmoothWarp(self.source_of(after.source_of_lines(*self.lattice.lines())), self.lattice)

    def led_by(self, source_of: Callable[[Float32], Float32]) -> SmoothWarp:
        """First a warp whose ``source_of`` is given, then this."""
        return SmoothWarp(source_of(self.nodes), self.lattice)

    def source_of(self, points: Float32) -> Float32:
        """Source position of arbitrary output positions, h×w×2."""
        rows, columns = self.lattice.shape
        column, row = (place.ravel() for place in self._places(points))
        last_column, last_row = column.clip(0, columns - 1), row.clip(0, rows - 1)
        values = self.nodes.view(np.complex64)[..., 0]
        source = _cubic(values, last_column, last_row)
        beyond = np.flatnonzero((column != last_column) | (row != last_row))
        if beyond.size:
            edge, x, y = source[beyond], last_column[beyond], last_row[beyond]
            across, down = column[beyond] - x, row[beyond] - y
            source[beyond] += np.abs(across) * (edge - _cubic(values, x - np.sign(across), y))
            source[beyond] += np.abs(down) * (edge - _cubic(values, x, y - np.sign(down)))
        return source.view(np.float32).clip(-_FAR, _FAR).reshape(points.shape)

    def inverse(self, *, iterations: int = 8, tolerance: float = 0.2) -> SmoothWarp:
        """The warp back, by Newton's iteration ``p ← p - J(p)⁻¹·(source(p) - q)``, J the slopes near p.

        Args:
            iterations: at most so many.
            tolerance: the iteration ends with the step from where positions inside were off by no more on average,
                pixels. Each step squares small errors, so what is left is far less.

        Raises:
            InputError: the warp squeezes the picture to a line or a point.
        """
        target = self.lattice.points()
        back = inverse_matrix(self._affine())[:2]
        steps = _inverse_slopes(self.nodes, self.lattice.step, back[:, :2])
        guess: Float32 = cv.transform(target, back)
        before = math.inf
        for _ in range(iterations):
            error = self.source_of(guess)
            error -= target
            places = self._places(guess)
            local = cv.remap(steps, *places, cv.INTER_LINEAR, borderMode=cv.BORDER_REPLICATE)
            for axis in (0, 1):
                guess[..., axis] -= np.einsum("hwc,hwc->hw", local[..., 2 * axis : 2 * axis + 2], error)
            within = self._within(places)
            off = cv.norm(error, cv.NORM_L1, within) / max(2 * cv.countNonZero(within), 1)
            if off <= tolerance or off > _STALLED * before:
                break
            before = off
        return SmoothWarp(guess, self.lattice)

    def _places(self, points: Float32) -> tuple[Float32, Float32]:
        """Column and row in the lattice of some positions, h×w."""
        first, scale = np.float32(self.lattice.first), np.float32(1 / self.lattice.step)
        return (points[..., 0] - first) * scale, (points[..., 1] - first) * scale

    def _within(self, places: tuple[Float32, Float32]) -> Uint8:
        """1 for places on the lattice, h×w."""
        (column, row), (rows, columns) = places, self.lattice.shape
        within = (column >= 0) & (column <= columns - 1) & (row >= 0) & (row <= rows - 1)
        return within.view(np.uint8)

    def _affine(self) -> NDArray[np.float64]:
        """The affine map from output to source positions nearest to this, 3×3."""
        values, points = (p.view(np.complex64)[..., 0] for p in (self.nodes, self.lattice.points()))
        x, y = (slope / self.lattice.step for slope in _slopes(values))
        middle, centre = values.mean(dtype=np.complex128), points.mean(dtype=np.complex128)
        shift = middle - x * centre.real - y * centre.imag
        return np.array([[x.real, y.real, shift.real], [x.imag, y.imag, shift.imag], [0.0, 0.0, 1.0]])

    def to_dense(self, height: int, width: int) -> DenseWarp:
        """The same warp as a sampling grid.

        Raises:
            ValueError: the size is not that of the lattice.
        """
        self._require(height, width)
        return DenseWarp(self._enlarged())

    def apply(
        self,
        image: Picture,
        *,
        size: tuple[int, int] | None = None,
        interpolation: Interpolation = "bilinear",
        border: Border = "replicate",
    ) -> Picture:
        """Warp a picture, as :meth:`DenseWarp.apply`; ``size`` can only be that of the lattice."""
        if size is not None:
            self._require(*size)
        return read_at(image, self._enlarged(), interpolation, border)

    def reader(
        self,
        image: Picture,
        *,
        scale: int = 1,
        interpolation: Interpolation = "bilinear",
        border: Border = "replicate",
    ) -> Callable[[slice], Picture]:
        """As :meth:`DenseWarp.reader`."""
        fine, columns = scaled(self._fine, scale), slice(0, self.lattice.width)
        return lambda rows: glance_at(image, self._spread(fine, rows, columns), interpolation, border)

    def coverage(
        self, height: int, width: int, *, border: Border = "replicate", feather: float = 4.0
    ) -> Coverage | None:
        """Confidence that an output pixel has a source pixel; see :func:`.sampling.edge_confidence`."""
        self._require(height, width)
        if border == "wrap":
            return None
        fine = self._fine
        planes = [np.ascontiguousarray(fine[..., axis]) for axis in (0, 1)]

        def positions(cell: int) -> Positions:
            def of_block(rows: slice, columns: slice) -> tuple[Float32, Float32]:
                x, y = (self._spread(plane, rows, columns, cell) for plane in planes)
                return x, y

            return of_block

        cell = self.lattice.step * self.lattice.shape[0] // fine.shape[0]
        edge = self.source_of(_edge(height, width))
        middles = positions(cell)(slice(0, height // cell), slice(0, width // cell))
        extremes = []
        for axis, middle in enumerate(middles):
            places = np.concatenate([middle.ravel(), edge[..., axis].ravel()])
            # Rounded, so that a warp that moves nothing has no margin.
            extremes += [round(float(places.min()), 3), round(float(places.max()), 3)]
        return edge_confidence(positions, Reach(*extremes), (height, width), feather, cell=cell)

    def _enlarged(self) -> Float32:
        """Source positions of all pixels."""
        return self._spread(self._fine, slice(0, self.lattice.height), slice(0, self.lattice.width))

    @cached_property
    def _fine(self) -> Float32:
        """Source positions at points near enough to each other to go on linearly."""
        fine, step = self.nodes, self.lattice.step
        while step > _FINE:
            fine, step = _refined(fine), step // 2
        return fine

    def _spread(self, fine: Float32, rows: slice, columns: slice, cell: int = 1) -> Float32:
        """Values at the middles of a block of cells, from values at points that are near enough to each other."""
        start = _AROUND * self.lattice.step // cell
        factor = self.lattice.step * self.lattice.shape[0] // fine.shape[0] // cell
        rows, columns = (slice(lines.start + start, lines.stop + start) for lines in (rows, columns))
        return enlarged_block(fine, factor, rows, columns)

    def _require(self, height: int, width: int) -> None:
        own = (self.lattice.height, self.lattice.width)
        if (height, width) != own:
            raise ValueError(f"a warp for pictures of {own} cannot make one of {(height, width)}")


@lru_cache(maxsize=4)
def _edge(height: int, width: int) -> Float32:
    """Positions (x, y) along the edge of a picture, every few pixels and at its corners, 1×n×2, read-only."""
    xs, ys = (np.unique(np.r_[0 : length - 1 : 4, length - 1]).astype(np.float32) for length in (width, height))
    rows = [np.stack(np.meshgrid(xs, [y]), axis=2).reshape(-1, 2) for y in (0, height - 1)]
    columns = [np.stack(np.meshgrid([x], ys), axis=2).reshape(-1, 2) for x in (0, width - 1)]
    points: Float32 = np.concatenate([*rows, *columns]).astype(np.float32)[None]
    points.flags.writeable = False
    return points


def _cubic(values: Complex64, column: Float32, row: Float32) -> Complex64:
    """Values of a lattice at n places within it, on the cubics through the four nearest columns and rows."""
    rows, columns = values.shape
    left, above = np.floor(column).clip(1, columns - 3), np.floor(row).clip(1, rows - 3)
    across, down = _lagrange(column - left), _lagrange(row - above)
    corner = (above.astype(np.intp) - 1) * columns + (left.astype(np.intp) - 1)
    flat = values.ravel()
    total = np.zeros(corner.size, np.complex64)
    for j, weight in enumerate(down):
        line = flat[j * columns :].take(corner) * across[0]
        for i in (1, 2, 3):
            line += flat[j * columns + i :].take(corner) * across[i]
        line *= weight
        total += line
    return total


def _lagrange(t: Float32) -> list[Float32]:
    """Weights of the values at -1, 0, 1 and 2 for the cubic through them, at t."""
    before, after, last = t + 1, t - 1, t - 2
    inner, outer = after * last, t * before
    sixth, half = np.float32(1 / 6), np.float32(1 / 2)
    return [t * inner * -sixth, before * inner * half, outer * last * -half, outer * after * sixth]


def _refined(nodes: Float32) -> Float32:
    """A lattice of twice as many rows and columns, on the same cubics: values a quarter of a step before and after."""
    after = np.array([0, -7, 105, 35, -5]) / 128
    kernels = (after[::-1], after)
    refined: Float32 = np.empty((2 * nodes.shape[0], 2 * nodes.shape[1], 2), np.float32)
    places = refined.view(np.complex64)[..., 0]  # moved as one number, much faster than two
    for j, down in enumerate(kernels):
        for i, across in enumerate(kernels):
            values: Float32 = cv.sepFilter2D(nodes, cv.CV_32F, across, down, borderType=cv.BORDER_REPLICATE)
            places[j::2, i::2] = values.view(np.complex64)[..., 0]
    return refined


def _slopes(values: Complex64) -> tuple[complex, complex]:
    """Least squares slopes of a lattice, per column and per row."""
    slopes = []
    for axis in (0, 1):
        line = values.mean(axis=axis, dtype=np.complex128)
        places = np.arange(line.size) - (line.size - 1) / 2
        slopes.append(complex(places @ line / (places @ places)))
    return slopes[0], slopes[1]


def _inverse_slopes(nodes: Float32, step: int, elsewhere: NDArray[np.float64]) -> Float32:
    """Inverse matrices of a lattice's slopes, row after row, rows×columns×4.

    ``elsewhere`` stands in where the slopes have no good inverse.
    """
    a, b = (np.gradient(nodes[..., 0], step, axis=axis) for axis in (1, 0))
    c, d = (np.gradient(nodes[..., 1], step, axis=axis) for axis in (1, 0))
    determinant = a * d - b * c
    usual = 1 / np.linalg.det(elsewhere)
    good = determinant * usual > 0.05 * usual**2
    inverse = np.stack([d, -b, -c, a], axis=2) / np.where(good, determinant, 1)[..., None]
    inverse[~good] = elsewhere.ravel()
    steps: Float32 = inverse.astype(np.float32)
    return steps
