"""Projective warps: the 2D camera, the perspective flip, and what is matched between two video frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .dense import DenseWarp
from .matrices import inverse_matrix
from .opencv import cv
from .sampling import (
    Border,
    Coverage,
    Float32,
    Interpolation,
    Picture,
    Reach,
    border_flag,
    edge_confidence,
    interpolation_flag,
    row_strips,
)
from .smooth import SmoothWarp

_CELL = 4
"""Pixels; confidence is computed once per cell where it changes slowly enough."""

_FAR = 1e6
"""Pixels; farther outside than any picture is wide."""


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
    def then(self, after: SmoothWarp) -> SmoothWarp: ...
    @overload
    def then(self, after: DenseWarp) -> DenseWarp: ...
    def then(self, after: Homography | SmoothWarp | DenseWarp) -> Homography | SmoothWarp | DenseWarp:
        """First this, then ``after``: the matrix product ``after · self``, scaled to a lower right element of ±1.

        Raises:
            InputError: ``after`` is no homography and this has no inverse.
        """
        if not isinstance(after, Homography):
            return after.led_by(self.source_of)
        product = after.matrix @ self.matrix
        corner = abs(product[2, 2])  # keeping the sign, which tells what is in front of the viewer
        return Homography(product / corner if corner else product)

    def inverse(self) -> Homography:
        """The warp back, in closed form (adjugate over determinant).

        Raises:
            InputError: the picture is squeezed to a line or a point (a zoom of 0), which cannot be undone.
        """
        return Homography(inverse_matrix(self.matrix))

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

    def reader(
        self,
        image: Picture,
        *,
        scale: int = 1,
        interpolation: Interpolation = "bilinear",
        border: Border = "replicate",
    ) -> Callable[[slice], Picture]:
        """Reads some rows of the warped picture at a time, for a third less work where lines stay parallel.

        OpenCV then rounds positions to 1/32 pixel in another way than for :meth:`apply`: the same on average, a few
        levels on hard edges. The identity gives the rows of ``image`` themselves.

        Args:
            image: as for :meth:`apply`.
            scale: ``image`` is so many times as large as the picture that is warped.
            interpolation: see :mod:`.sampling`.
            border: what lies outside the picture.
        """
        if self.is_identity and scale == 1:
            return lambda rows: image[rows]
        width = image.shape[1] // scale
        enlarged = np.array([[scale, 0.0, (scale - 1) / 2], [0.0, scale, (scale - 1) / 2], [0.0, 0.0, 1.0]])
        back = enlarged @ self.inverse().matrix
        how = {"flags": interpolation_flag(interpolation) | cv.WARP_INVERSE_MAP, "borderMode": border_flag(border)}

        def read(rows: slice) -> Picture:
            matrix, part = back.copy(), (width, rows.stop - rows.start)
            matrix[:, 2] += rows.start * back[:, 1]
            out: Picture
            if back[2, 0] or back[2, 1]:
                out = cv.warpPerspective(image, matrix, part, **how)
            else:
                out = cv.warpAffine(image, matrix[:2] / matrix[2, 2], part, **how)
            return out

        return read

    def source_of(self, points: Float32) -> Float32:
        """Source position of arbitrary output positions, h×w×2.

        Raises:
            InputError: see :meth:`inverse`.
        """
        back = self.inverse().matrix
        flat = np.ascontiguousarray(points).reshape(-1, 1, 2)
        if back[2, 0] or back[2, 1]:
            source: Float32 = cv.perspectiveTransform(flat, back)
        else:
            source = cv.transform(flat, back[:2] / back[2, 2])
        return source.reshape(points.shape)

    def source_of_lines(self, xs: NDArray[np.float64], ys: NDArray[np.float64]) -> Float32:
        """Source position of the output positions in columns ``xs`` (w) and rows ``ys`` (h), h×w×2.

        Positions behind the viewer, which no source point reaches, look far outside.

        Raises:
            InputError: see :meth:`inverse`.
        """
        looks = _Looks(self.inverse().matrix, xs, ys)
        source = np.empty((ys.size, xs.size, 2), np.float32)
        for rows in row_strips(ys.size):
            source[rows, :, 0], source[rows, :, 1] = looks.rows(rows)
        return source

    def to_dense(self, height: int, width: int) -> DenseWarp:
        """The same warp as a sampling grid for pictures of ``height``×``width``.

        Raises:
            InputError: see :meth:`inverse`.
        """
        return DenseWarp(self.source_of_lines(_pixels(width), _pixels(height)))

    def coverage(
        self, height: int, width: int, *, border: Border = "replicate", feather: float = 4.0
    ) -> Coverage | None:
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
            The confidence, or None where all of it is 1.

        Raises:
            InputError: see :meth:`inverse`.
        """
        if border == "wrap" or self.is_identity:
            return None
        back = self.inverse().matrix

        def looks(cell: int) -> _Looks:
            columns, rows = (_pixels(-(-length // cell)) * cell + (cell - 1) / 2 for length in (width, height))
            return _Looks(back, columns, rows)

        reach = looks(1).reach()
        return edge_confidence(lambda cell: looks(cell).block, reach, (height, width), feather, cell=_CELL)


def _pixels(length: int) -> NDArray[np.float64]:
    return np.arange(length, dtype=np.float64)


class _Looks:
    """Where the output positions of a homography look, row by row: ``H⁻¹·(x, y, 1)``."""

    def __init__(self, back: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]) -> None:
        self._back = back
        self._lines = ys[:, None]
        self._affine = not (back[2, 0] or back[2, 1])
        self._across = [(row[0] * xs + row[2])[None, :] for row in back]

    def rows(self, rows: slice) -> tuple[Float32, Float32]:
        """As :meth:`block`, for all columns."""
        return self.block(rows, slice(None))

    def block(self, rows: slice, columns: slice) -> tuple[Float32, Float32]:
        """X and y for some rows and columns, float32, broadcasting to them.

        Positions behind the viewer, which no source point reaches, look far outside.
        """
        x, y, w = (self._linear(index, self._lines[rows], columns) for index in range(3))
        if self._affine:
            return x / w, y / w
        in_front = w > 0
        nearness = 1 / np.where(in_front, w, np.float32(1))
        outside = np.float32(_FAR)
        return np.where(in_front, x * nearness, -outside), np.where(in_front, y * nearness, -outside)

    def reach(self) -> Reach:
        """The extremes: on the first and last row, or anywhere if part of the picture is behind the viewer."""
        last = len(self._lines) - 1
        edges = [self.rows(slice(line, line + 1)) for line in (0, last)]
        x, y = (np.concatenate([edge[axis].ravel() for edge in edges]) for axis in (0, 1))
        if x.min() <= -_FAR:
            return Reach(-_FAR, _FAR, -_FAR, _FAR)
        return Reach(float(x.min()), float(x.max()), float(y.min()), float(y.max()))

    def _linear(self, index: int, lines: NDArray[np.float64], columns: slice) -> Float32:
        slope_x, slope_y, _ = self._back[index].tolist()
        across: Float32 = self._across[index][:, columns].astype(np.float32)
        if not slope_x:
            across = across[:, :1]
        if not slope_y:
            return across
        total: Float32 = across + (slope_y * lines).astype(np.float32)
        return total
