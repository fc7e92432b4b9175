"""Dense warps: any motion at all, pixel by pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
    edge_confidence,
    glance_at,
    read_at,
    scaled,
)

_FLAT = 2e-4
"""A grid this close to an affine map, in pixels, is taken for one (float32 positions are no better)."""

_COARSEST = 128
"""Grids with shorter sides than this are inverted without a coarser one first."""

_STALLED = 0.75
"""An iteration that leaves more than this of the mean error has met folds and will not get further."""


class _Gridded(Protocol):
    def to_dense(self, height: int, width: int) -> DenseWarp: ...


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
        return cls(_pixels(height, width))

    def then(self, after: _Gridded) -> DenseWarp:
        """First this, then ``after``: this grid, read where ``after`` looks.

        Where ``after`` looks outside, the grid goes on as its affine part plus the remainder at the edge.
        """
        height, width = self.grid.shape[:2]
        return DenseWarp(_Continued.of(self.grid).at(after.to_dense(height, width).grid))

    def led_by(self, source_of: Callable[[Float32], Float32]) -> DenseWarp:
        """First a warp that is given by its source positions, as :meth:`Homography.source_of`, then this."""
        return DenseWarp(source_of(self.grid))

    def to_dense(self, height: int, width: int) -> DenseWarp:
        """This warp.

        Raises:
            ValueError: the size is not that of the grid.
        """
        if (height, width) != self.grid.shape[:2]:
            raise ValueError(f"a grid of {self.grid.shape[:2]} cannot make a picture of {(height, width)}")
        return self

    def inverse(self, *, iterations: int = 10, tolerance: float = 0.01) -> DenseWarp:
        """The warp back, by the fixed point iteration ``p ← p - A⁻¹·(grid(p) - q)`` with A the affine part of the grid.

        It starts from the inverse of the grid at a quarter of the size. Where the warp folds (near things in front of
        far ones) there is no inverse; there the last iterate stands, and the iteration ends when only such places are
        left.

        Args:
            iterations: at most so many at each size.
            tolerance: the iteration ends with the step from where positions were off by no more on average, in pixels;
                a step leaves a fraction of that.

        Raises:
            InputError: the grid squeezes the picture to a line or a point.
        """
        here = _Continued.of(self.grid)
        back = inverse_matrix(np.vstack([here.affine, (0.0, 0.0, 1.0)]))
        linear = np.ascontiguousarray(back[:2, :2])
        height, width = self.grid.shape[:2]
        target = _pixels(height, width)
        guess: Float32
        if min(height, width) < _COARSEST:
            guess = cv.transform(target, back[:2])
        else:
            coarse = _resized(self.grid, height // 4, width // 4, cv.INTER_AREA)
            start = DenseWarp(coarse).inverse(iterations=iterations, tolerance=tolerance / 4)
            guess = _resized(start.grid, height, width, cv.INTER_LINEAR)
        before = math.inf
        for _ in range(iterations):
            error = here.at(guess)
            error -= target
            mean = cv.norm(error, cv.NORM_L1) / error.size
            if mean > _STALLED * before:
                break
            guess -= cv.transform(error, linear)
            if mean <= tolerance:
                break
            before = mean
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
        grid = self.grid if size is None else self.to_dense(*size).grid
        return read_at(image, grid, interpolation, border)

    def reader(
        self,
        image: Picture,
        *,
        scale: int = 1,
        interpolation: Interpolation = "bilinear",
        border: Border = "replicate",
    ) -> Callable[[slice], Picture]:
        """Reads some rows of the warped picture at a time, with positions rounded to 1/32 pixel.

        Args:
            image: as for :meth:`apply`.
            scale: ``image`` is so many times as large as the picture that is warped.
            interpolation: how values between pixels are read.
            border: what lies outside the picture.
        """
        grid = scaled(self.grid, scale)
        return lambda rows: glance_at(image, grid[rows], interpolation, border)

    def coverage(
        self, height: int, width: int, *, border: Border = "replicate", feather: float = 4.0
    ) -> Coverage | None:
        """Confidence that an output pixel has a source pixel; see :func:`.sampling.edge_confidence`."""
        if border == "wrap":
            return None
        xs, ys = self.grid[..., 0], self.grid[..., 1]
        reach = Reach(float(xs.min()), float(xs.max()), float(ys.min()), float(ys.max()))

        def positions(_: int) -> Positions:
            return lambda rows, columns: (xs[rows, columns], ys[rows, columns])

        return edge_confidence(positions, reach, (height, width), feather)


@lru_cache(maxsize=4)
def _pixels(height: int, width: int) -> Float32:
    """The position (x, y) of each pixel, height×width×2, read-only."""
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    pixels: Float32 = cv.merge([xs, ys])
    pixels.flags.writeable = False
    return pixels


def _resized(grid: Float32, height: int, width: int, interpolation: int) -> Float32:
    """A sampling grid for pictures of another size."""
    resized: Float32 = cv.resize(grid, (width, height), interpolation=interpolation)
    scale = np.array([width / grid.shape[1], height / grid.shape[0]], np.float32)
    # The outer edges of the pictures coincide, half a pixel before the first pixel centres.
    resized += np.float32(0.5)
    resized *= scale
    resized -= np.float32(0.5)
    return resized


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
        remainder: Float32 = grid - cv.transform(_pixels(height, width), affine)
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
