"""Warps: where each pixel of a new picture comes from. Composed first, applied once.

A warp is a value. ``a.then(b)`` is the warp that does first a, then b; however long a chain gets, the picture is
resampled a single time, so it stays as sharp as after one step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .opencv import cv
from .sampling import (
    Border,
    Float32,
    Interpolation,
    Picture,
    Reach,
    border_flag,
    edge_confidence,
    interpolation_flag,
    read_at,
    row_strips,
)

_FLAT = 2e-4
"""A grid this close to an affine map, in pixels, is taken for one (float32 positions are no better)."""

_FAR = 1e6
"""Pixels; farther outside than any picture is wide."""

_STALLED = 0.75
"""An iteration that leaves more than this of the mean error has met folds and will not get further."""

_SINGULAR = 1e-12
"""Determinants smaller than this, relative to the scale of the matrix, count as zero."""


@dataclass(frozen=True, eq=False)
class Homography:
    """A projective map of the plane (rotation, zoom, shift, tilt).

    Attributes:
        matrix: 3×3 float64 H, read-only. It maps SOURCE positions forward to OUTPUT positions,
            ``(x', y', w') = H · (x, y, 1)``, output at ``(x'/w', y'/w')``; pixels, pixel centres at integers.
    """

    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, np.float64)
        if matrix.shape != (3, 3):
            raise ValueError(f"a homography is a 3×3 matrix, not {'×'.join(map(str, matrix.shape))}")
        if not np.isfinite(matrix).all():
            raise InputError("The motion is not a finite number.", hint="Look for divisions by zero in its schedules.")
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def identity(cls) -> Homography:
        """The warp that changes nothing."""
        return cls(np.eye(3))

    @property
    def is_identity(self) -> bool:
        """Whether the matrix is exactly the identity."""
        return bool((self.matrix == np.eye(3)).all())

    @overload
    def then(self, after: Homography) -> Homography: ...
    @overload
    def then(self, after: DenseWarp) -> DenseWarp: ...
    def then(self, after: Warp) -> Warp:
        """First this, then ``after``: the matrix product ``after · self``, scaled to a lower right element of ±1.

        Raises:
            InputError: ``after`` is dense and this has no inverse.
        """
        if isinstance(after, DenseWarp):
            return DenseWarp(self._source_of(after.grid))
        product = after.matrix @ self.matrix
        corner = abs(product[2, 2])  # keeping the sign, which tells what is in front of the viewer
        return Homography(product / corner if corner else product)

    def inverse(self) -> Homography:
        """The warp back, in closed form (adjugate over determinant).

        Raises:
            InputError: the picture is squeezed to a line or a point (a zoom of 0), which cannot be undone.
        """
        (a, b, c), (d, e, f), (g, h, i) = self.matrix.tolist()
        adjugate = np.array(
            [
                [e * i - f * h, c * h - b * i, b * f - c * e],
                [f * g - d * i, a * i - c * g, c * d - a * f],
                [d * h - e * g, b * g - a * h, a * e - b * d],
            ]
        )
        determinant = a * adjugate[0, 0] + b * adjugate[1, 0] + c * adjugate[2, 0]
        scale = max(abs(a), abs(b), abs(d), abs(e)) ** 2 * abs(i)
        if abs(determinant) <= _SINGULAR * scale:
            raise InputError(
                "The motion squeezes the picture to a line or a point.", hint="A zoom must not be 0 at any frame."
            )
        return Homography(adjugate / determinant)

    def apply(
        self,
        image: Picture,
        *,
        size: tuple[int, int] | None = None,
        interpolation: Interpolation = "bilinear",
        border: Border = "replicate",
    ) -> Picture:
        """Warp a picture: each output pixel reads the source at ``H⁻¹ · (x, y, 1)``.

        Args:
            image: H×W×C or H×W, uint8 (float32 works too and stays float32).
            size: (height, width) of the output; the size of ``image`` if None.
            interpolation: how values between pixels are read, see :mod:`.sampling`.
            border: what lies outside the picture.

        Returns:
            A new array of the same type. Positions are quantised to 1/32 pixel by OpenCV.

        Raises:
            InputError: see :meth:`inverse`.
        """
        height, width = size or image.shape[:2]
        if self.is_identity and (height, width) == image.shape[:2]:
            return image.copy()
        flags = interpolation_flag(interpolation) | cv.WARP_INVERSE_MAP
        # The zeros border is (0, 0, 0), OpenCV's default constant.
        back = self.inverse().matrix
        out: Picture = cv.warpPerspective(image, back, (width, height), flags=flags, borderMode=border_flag(border))
        return out

    def _source_of(self, points: Float32) -> Float32:
        """Source position of arbitrary output positions, h×w×2."""
        back = self.inverse().matrix
        flat = np.ascontiguousarray(points).reshape(-1, 1, 2)
        if back[2, 0] or back[2, 1]:
            source: Float32 = cv.perspectiveTransform(flat, back)
        else:
            source = cv.transform(flat, back[:2] / back[2, 2])
        return source.reshape(points.shape)

    def to_dense(self, height: int, width: int) -> DenseWarp:
        """The same warp as a sampling grid for pictures of ``height``×``width``.

        Raises:
            InputError: see :meth:`inverse`.
        """
        looks = _Looks(self.inverse().matrix, width)
        grid = np.empty((height, width, 2), np.float32)
        for rows in row_strips(height):
            grid[rows, :, 0], grid[rows, :, 1] = looks.rows(rows)
        return DenseWarp(grid)

    def coverage(self, height: int, width: int, *, border: Border = "replicate", feather: float = 4.0) -> Float32:
        """Confidence that an output pixel has a source pixel, feathered towards uncovered sides.

        0 where the source position is outside the picture (by a pixel or more), rising smoothly to 1 inside over a band
        ``feather`` times as wide as the uncovered margin of that side. Continuous in the matrix: as the warp approaches
        the identity, the band vanishes and all becomes 1. See :func:`.sampling.edge_confidence`.

        Args:
            height: of source and output.
            width: of source and output.
            border: with "wrap" every pixel has a source, so all is 1.
            feather: width of the band in margins.

        Returns:
            height×width float32, 0..1.

        Raises:
            InputError: see :meth:`inverse`.
        """
        if border == "wrap" or self.is_identity:
            return np.ones((height, width), np.float32)
        looks = _Looks(self.inverse().matrix, width)
        return edge_confidence(looks.rows, looks.reach(height), (height, width), feather)


@dataclass(frozen=True, eq=False)
class DenseWarp:
    """Any warp, pixel by pixel: a camera in a scene with depth, optical flow.

    Attributes:
        grid: H×W×2 float32, C-contiguous, read-only. ``grid[y, x]`` is the SOURCE position (x, y) that OUTPUT pixel
            (x, y) shows; pixels, pixel centres at integers. A homography's matrix maps the other way.
    """

    grid: Float32

    def __post_init__(self) -> None:
        grid = np.ascontiguousarray(self.grid, np.float32).view()
        if grid.ndim != 3 or grid.shape[2] != 2:
            raise ValueError(f"a sampling grid is H×W×2, not {'×'.join(map(str, grid.shape))}")
        grid.flags.writeable = False
        object.__setattr__(self, "grid", grid)

    @classmethod
    def identity(cls, height: int, width: int) -> DenseWarp:
        """The warp that changes nothing."""
        return Homography.identity().to_dense(height, width)

    def then(self, after: Warp) -> DenseWarp:
        """First this, then ``after``: this grid, read where ``after`` looks.

        Where ``after`` looks outside, the grid goes on as its affine part plus the remainder at the edge.
        """
        grid = after.grid if isinstance(after, DenseWarp) else after.to_dense(*self.grid.shape[:2]).grid
        return DenseWarp(_Continued.of(self.grid).at(grid))

    def inverse(self, *, iterations: int = 10, tolerance: float = 0.002) -> DenseWarp:
        """The warp back, by the fixed point iteration ``p ← p - A⁻¹·(grid(p) - q)`` with A the affine part of the grid.

        Where the warp folds (near things in front of far ones) there is no inverse; there the last iterate stands, and
        the iteration ends when only such places are left.

        Args:
            iterations: at most so many.
            tolerance: stop when positions are off by no more on average, in pixels.

        Raises:
            InputError: the grid squeezes the picture to a line or a point.
        """
        here = _Continued.of(self.grid)
        back = Homography(np.vstack([here.affine, (0.0, 0.0, 1.0)])).inverse().matrix
        linear = np.ascontiguousarray(back[:2, :2])
        target = DenseWarp.identity(*self.grid.shape[:2]).grid
        guess: Float32 = cv.transform(target, back[:2])
        before = math.inf
        for _ in range(iterations):
            error = here.at(guess)
            error -= target
            mean = cv.norm(error, cv.NORM_L1) / error.size
            if mean <= tolerance or mean > _STALLED * before:
                break
            before = mean
            guess -= cv.transform(error, linear)
        return DenseWarp(guess)

    def apply(
        self,
        image: Picture,
        *,
        size: tuple[int, int] | None = None,
        interpolation: Interpolation = "bilinear",
        border: Border = "replicate",
    ) -> Picture:
        """Warp a picture: each output pixel reads the source at its grid position.

        Args:
            image: H×W×C or H×W, uint8 (float32 works too and stays float32).
            size: (height, width) of the output, which can only be that of the grid.
            interpolation: how values between pixels are read, see :func:`.sampling.read_at`.
            border: what lies outside the picture.

        Returns:
            A new array of the same type.

        Raises:
            ValueError: ``size`` is not the size of the grid.
        """
        if size is not None and size != self.grid.shape[:2]:
            raise ValueError(f"a grid of {self.grid.shape[:2]} cannot make a picture of {size}")
        return read_at(image, self.grid, interpolation, border)

    def coverage(self, height: int, width: int, *, border: Border = "replicate", feather: float = 4.0) -> Float32:
        """Confidence that an output pixel has a source pixel; see :meth:`Homography.coverage`."""
        if border == "wrap":
            return np.ones((height, width), np.float32)
        xs, ys = self.grid[..., 0], self.grid[..., 1]
        reach = Reach(float(xs.min()), float(xs.max()), float(ys.min()), float(ys.max()))
        return edge_confidence(lambda rows: (xs[rows], ys[rows]), reach, (height, width), feather)


Warp: TypeAlias = "Homography | DenseWarp"


@dataclass(frozen=True, eq=False)
class _Continued:
    """A sampling grid that can be read between its pixels and beyond its edges: an affine map plus a remainder."""

    affine: NDArray[np.float64]
    remainder: Float32 | None

    @classmethod
    def of(cls, grid: Float32) -> _Continued:
        height, width = grid.shape[:2]
        u, v = np.meshgrid(_spread(width), _spread(height))
        design = np.stack([u.ravel(), v.ravel(), np.ones(u.size)], axis=1)
        fit = np.linalg.lstsq(design, grid[v, u].reshape(-1, 2).astype(np.float64), rcond=None)[0]
        affine = np.ascontiguousarray(fit.T)
        remainder: Float32 = grid - cv.transform(DenseWarp.identity(height, width).grid, affine)
        flat = max(float(remainder.max()), -float(remainder.min())) < _FLAT
        return cls(affine, None if flat else remainder)

    def at(self, points: Float32) -> Float32:
        """The grid at any positions, h×w×2, as a new array."""
        value: Float32 = cv.transform(points, self.affine)
        if self.remainder is not None:
            value += cv.remap(self.remainder, points, None, cv.INTER_LINEAR, borderMode=cv.BORDER_REPLICATE)
        return value


def _spread(length: int, count: int = 24) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, length - 1, count).astype(np.int64))


class _Looks:
    """Where the output pixels of a homography look, row by row: positions ``H⁻¹·(x, y, 1)``."""

    def __init__(self, back: NDArray[np.float64], width: int) -> None:
        self._back = back
        self._width = width
        self._affine = not (back[2, 0] or back[2, 1])
        self._across = [(row[0] * np.arange(width) + row[2])[None, :] for row in back]

    def rows(self, rows: slice) -> tuple[Float32, Float32]:
        """X and y for some rows, float32, broadcasting to them.

        Pixels behind the viewer, which no source point reaches, look far outside.
        """
        lines = np.arange(rows.start, rows.stop)[:, None]
        x, y, w = (self._linear(index, lines) for index in range(3))
        if self._affine:
            return x / w, y / w
        in_front = w > 0
        nearness = 1 / np.where(in_front, w, np.float32(1))
        outside = np.float32(_FAR)
        return np.where(in_front, x * nearness, -outside), np.where(in_front, y * nearness, -outside)

    def reach(self, height: int) -> Reach:
        """The extremes: on the first and last row, or anywhere if part of the picture is behind the viewer."""
        edges = [self.rows(slice(line, line + 1)) for line in (0, height - 1)]
        x, y = (np.concatenate([edge[axis].ravel() for edge in edges]) for axis in (0, 1))
        if x.min() <= -_FAR:
            return Reach(-_FAR, _FAR, -_FAR, _FAR)
        return Reach(float(x.min()), float(x.max()), float(y.min()), float(y.max()))

    def _linear(self, index: int, lines: NDArray[np.int64]) -> Float32:
        slope_x, slope_y, _ = self._back[index].tolist()
        across: Float32 = self._across[index].astype(np.float32)
        if not slope_x:
            across = across[:, :1]
        if not slope_y:
            return across
        total: Float32 = across + (slope_y * lines).astype(np.float32)
        return total
