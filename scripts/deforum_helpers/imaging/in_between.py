"""The picture between two pictures, by optical flow; and whether there is anything between them at all."""

from __future__ import annotations

import numpy as np

from ..ports import FlowEstimator, Image
from .flow import flow_reliability
from .opencv import cv
from .sampling import Float32
from .warp import DenseWarp

_ROUNDS = 4
"""Of looking up a flow where it arrives: each takes the error down by how much the flow changes over its own length."""
_SMALL = 32
_WINDOW = (11, 11)
_SIGMA = 1.5
_STEADY = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)


class InBetween:
    """The pictures between two of one size; their flow is estimated once, both ways.

    A pixel of the picture at ``time`` is the mean of what moves there from either side, weighted by how near that side
    is in time and by whether the flow can be believed there: what only one of the pictures shows comes from that one.

    Args:
        first, second: H×W×3 uint8 RGB.
        estimator: of the flow.
    """

    def __init__(self, first: Image, second: Image, estimator: FlowEstimator) -> None:
        self._pictures = (first, second)
        there, back = estimator.flow(first, second), estimator.flow(second, first)
        self._flows = (there, back)
        self._trust = (flow_reliability(there, back, blur=2), flow_reliability(back, there, blur=2))
        self._here = DenseWarp.identity(*first.shape[:2]).grid

    @property
    def trust(self) -> float:
        """Share of the pixels whose motion can be believed: near 1 for a moving camera, near 0 across a cut."""
        return float(np.mean(self._trust))

    def at(self, time: float) -> Image:
        """The picture at ``time``, 0 the first, 1 the second; H×W×3 uint8."""
        total = np.zeros(self._here.shape[:2], np.float32)
        mixed = np.zeros(self._pictures[0].shape, np.float32)
        for picture, flow, trust, gone in zip(self._pictures, self._flows, self._trust, (time, 1 - time), strict=True):
            origin = self._origin(flow, gone)
            # A trace of weight stays everywhere: where neither side is to be believed they are mixed as they are.
            weight = (1 - gone) * (_read(trust, origin) * _inside(origin) + np.float32(1e-3))
            mixed += _read(picture, origin).astype(np.float32) * weight[..., None]
            total += weight
        mixed /= total[..., None]
        return np.clip(mixed + np.float32(0.5), 0, 255).astype(np.uint8)

    def _origin(self, flow: Float32, gone: float) -> Float32:
        """Where in its picture each pixel comes from when ``gone`` of the way is behind it: H×W×2, (x, y)."""
        share = np.float32(gone)
        origin: Float32 = self._here - share * flow
        for _ in range(_ROUNDS):
            origin = self._here - share * _read(flow, origin)
        return origin


def similarity(first: Image, second: Image) -> float:
    """How alike two pictures, H×W×3 uint8 of one size, are as a whole: 1 the same, near 0 nothing in common.

    The structural similarity of Wang et al. 2004 (window of 11, sigma 1.5) of both at 32×32 pixels, read linearly; the
    mean over pixels and colours.
    """
    one, two = (
        cv.resize(image, (_SMALL, _SMALL), interpolation=cv.INTER_LINEAR).astype(np.float32)
        for image in (first, second)
    )
    mean_one, mean_two = _blurred(one), _blurred(two)
    shared = _blurred(one * two) - mean_one * mean_two
    spread = _blurred(one * one) - mean_one**2 + _blurred(two * two) - mean_two**2
    light, texture = _STEADY
    alike = (2 * mean_one * mean_two + light) * (2 * shared + texture)
    return float((alike / ((mean_one**2 + mean_two**2 + light) * (spread + texture))).mean())


def _blurred(values: Float32) -> Float32:
    blurred: Float32 = cv.GaussianBlur(values, _WINDOW, _SIGMA)
    return blurred


def _read(values: Float32 | Image, grid: Float32) -> Float32:
    read: Float32 = cv.remap(values, grid, None, cv.INTER_LINEAR, borderMode=cv.BORDER_REPLICATE)
    return read


def _inside(grid: Float32) -> Float32:
    """1 where a position of ``grid`` lies in the picture, else 0."""
    height, width = grid.shape[:2]
    x, y = grid[..., 0], grid[..., 1]
    inside: Float32 = ((x > -1) & (y > -1) & (x < width) & (y < height)).astype(np.float32)
    return inside
