"""Blending two pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ..ports import Image
from .opencv import cv
from .sampling import Bools, Coverage, Float32, enlarged_block, row_strips, runs

FALLBACK = np.float32(1e-4)
"""Confidence that is left where there is none: enough to share out, too little to be seen (0.003 at weight 1/30)."""

_SCALE = np.float32(1e4)
"""``cv2.blendLinear`` adds 1e-5 to the sum of weights; weights this large make that vanish."""

_MOSTLY = 0.5
"""Share of a row of cells from which on the row counts as all of that kind."""


def crossfade(
    a: Image,
    b: Image,
    weight: float,
    coverage_a: Float32 | None = None,
    coverage_b: Float32 | None = None,
) -> Image:
    """Fade from ``a`` to ``b``, trusting each only where it has something to show.

    ``(wa·a + wb·b) / (wa + wb)`` with ``wa = (1 - weight)·(coverage_a + ε)``, ``wb = weight·(coverage_b + ε)`` and
    ε = 1e-4: where one picture is not covered, the other takes over; where neither is, the plain ``1 - weight`` and
    ``weight`` remain. Exactly ``a`` at weight 0 and ``b`` at weight 1.

    Args:
        a: the first picture, H×W×3 uint8.
        b: the second, of the same shape.
        weight: share of ``b``, clamped to 0..1.
        coverage_a: H×W float32 in 0..1, None for covered everywhere.
        coverage_b: the same for ``b``.

    Returns:
        A new H×W×3 uint8 array, rounded to nearest.

    Raises:
        ValueError: the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"cannot blend pictures of shapes {a.shape} and {b.shape}")
    if weight <= 0:
        return a.copy()
    if weight >= 1:
        return b.copy()
    if coverage_a is None and coverage_b is None:
        faded: Image = cv.addWeighted(a, 1 - weight, b, weight, 0)
        return faded
    share = np.broadcast_to(_share(weight, coverage_a, coverage_b), a.shape[:2])
    blended: Image = cv.blendLinear(a, b, _SCALE - _SCALE * share, _SCALE * share)
    return blended


@dataclass(frozen=True, eq=False)
class Crossfade:
    """A :func:`crossfade` of two warped pictures, some rows at a time.

    Where both coverages are known for cells, so is the share of the second, linear between: within 0.01.

    Attributes:
        weight: share of the second, above 0 and below 1.
        a: coverage of the first; None for covered everywhere.
        b: of the second.
    """

    weight: float
    a: Coverage | None
    b: Coverage | None

    def strips(self, height: int, most: int) -> Iterator[slice]:
        """Rows to :meth:`blend` at a time, at most so many.

        What one pixel of a column of a strip needs, the whole column gets. So bands along the upper and the lower side,
        of which all columns need it, are strips of their own.
        """
        cuts = {0, height}
        for coverage in self._known:
            for cells in (coverage.unsure, coverage.sharp):
                bands = runs(cells.mean(axis=1) > _MOSTLY)
                cuts |= {min(row * coverage.cell, height) for band in bands for row in band}
        for top, bottom in pairwise(sorted(cuts)):
            yield from (slice(top + strip.start, top + strip.stop) for strip in row_strips(bottom - top, most))

    def blend(self, a: Image, b: Image, rows: slice, out: Image) -> None:
        """Blend ``rows`` of the two pictures, given as ``a`` and ``b``, into ``out``; all are rows×W×3 uint8.

        The fewer the rows, the more columns there are in which both are covered, and the faster it is.
        """
        width = out.shape[1]
        first, end = self._covered(rows, width)
        if first < end:
            part = slice(None), slice(first, end)
            cv.addWeighted(a[part], 1 - self.weight, b[part], self.weight, 0, out[part])
        if (first, end) == (0, width):
            return
        of_b = self._weights(rows, width)
        of_a = _SCALE - of_b
        for columns in (slice(0, first), slice(end, width)):
            if columns.start < columns.stop:
                part = slice(None), columns
                cv.blendLinear(a[part], b[part], of_a[part], of_b[part], out[part])

    def _covered(self, rows: slice, width: int) -> tuple[int, int]:
        """First and end of the longest run of columns in which both are covered."""
        unsure = np.zeros(width, np.bool_)
        for coverage in self._known:
            unsure |= coverage.columns(coverage.unsure, rows)
        return max(runs(~unsure), key=lambda run: run[1] - run[0], default=(0, 0))

    def _weights(self, rows: slice, width: int) -> Float32:
        """Weights of the second in some rows, as ``cv2.blendLinear`` likes them."""
        if self._coarse is None:
            weights = self._of(lambda coverage: coverage(rows))
        else:
            weights = enlarged_block(self._coarse, self._known[0].cell, rows, slice(0, width))
        for first, end in runs(self._close(rows, width)):
            columns = slice(first, end)
            weights[:, columns] = self._of(lambda coverage: coverage.exact(rows, columns))  # noqa: B023 - called at once
        return weights

    def _close(self, rows: slice, width: int) -> Bools:
        """Columns whose weights must be known for every pixel."""
        close = np.zeros(width, np.bool_)
        if self._coarse is not None:
            for coverage in self._known:
                close |= coverage.columns(coverage.sharp, rows)
        if self.a is not None and self.b is not None:
            # Where there is next to nothing of both, the least difference decides.
            close |= self.a.columns(self.a.low, rows) & self.b.columns(self.b.low, rows)
        return close

    def _of(self, confidence: Callable[[Coverage], Float32]) -> Float32:
        a, b = (None if each is None else confidence(each) for each in (self.a, self.b))
        return _SCALE * _share(self.weight, a, b)

    @cached_property
    def _coarse(self) -> Float32 | None:
        """Weights of cells; None where both are not known for cells of one size, or one for every pixel only."""
        sizes = {each.cell for each in self._known}
        return None if len(sizes) > 1 or 1 in sizes else self._of(lambda coverage: coverage.cells)

    @property
    def _known(self) -> list[Coverage]:
        return [each for each in (self.a, self.b) if each is not None]


def _share(weight: float, a: Float32 | None, b: Float32 | None) -> Float32:
    """Share of the second picture, see :func:`crossfade`."""
    one: Float32 = np.ones((1, 1), np.float32)
    of_a: Float32 = ((one if a is None else a) + FALLBACK) * np.float32(1 - weight)
    of_b: Float32 = ((one if b is None else b) + FALLBACK) * np.float32(weight)
    return of_b / (of_a + of_b)
