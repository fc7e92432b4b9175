"""Optical flow: estimating it, trusting it, and turning it into warps.

A flow from source to target is H×W×2 float32: the content of source pixel (x, y) is found at (x + dx, y + dy) in the
target; pixels.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..ports import Image
from .opencv import cv
from .sampling import Float32
from .warp import DenseWarp

METHODS = ("DIS Medium", "DIS Fine", "Farneback")
"""The methods that need no network."""


class OpenCVFlow:
    """A flow method of OpenCV, as a :class:`~..ports.FlowEstimator`. Works on luma, keeps no state between calls.

    Attributes:
        name: one of :data:`METHODS`. "DIS Medium" is the preset; "DIS Fine" goes down to single pixels (192 iterations,
            finest scale 0, patches of 8 every 4 pixels); "Farneback" uses 5 levels, windows of 21, 5 iterations,
            polynomials over 7 pixels with sigma 1.2.

    Raises:
        InputError: unknown name.
    """

    name: str

    def __init__(self, name: str) -> None:
        if name not in METHODS:
            raise InputError(f"There is no optical flow method {name!r}.", hint=f"Use one of {', '.join(METHODS)}.")
        self.name = name

    def flow(self, source: Image, target: Image) -> Float32:
        """Motion from ``source`` to ``target``, both H×W×3 uint8 RGB of one size; H×W×2 float32."""
        before, after = (cv.cvtColor(image, cv.COLOR_RGB2GRAY) for image in (source, target))
        if self.name == "Farneback":
            dense: Float32 = cv.calcOpticalFlowFarneback(before, after, None, 0.5, 5, 21, 5, 7, 1.2, 0)
            return dense
        # A new object each time: they are not safe to share between threads.
        method = cv.DISOpticalFlow_create(cv.DISOPTICAL_FLOW_PRESET_MEDIUM)
        if self.name == "DIS Fine":
            method.setGradientDescentIterations(192)
            method.setFinestScale(0)
            method.setPatchSize(8)
            method.setPatchStride(4)
        refined: Float32 = method.calc(before, after, None)
        return refined


def flow_warp(flow: Float32, factor: float = 1.0) -> DenseWarp:
    """The warp that moves a picture along a flow: output pixel p shows the source at ``p - factor·flow(p)``.

    The flow is read where it arrives instead of where it starts, as is usual: right for smooth flows, and it needs no
    inverse. Apply with ``border="reflect101"`` to see at the edges what hybrid video shows there.

    Args:
        flow: H×W×2 float32, pixels.
        factor: 1 moves all the way, 0 not at all, negative values backwards.
    """
    here = DenseWarp.identity(*flow.shape[:2]).grid
    grid: Float32 = cv.addWeighted(here, 1.0, flow, -factor, 0.0)
    return DenseWarp(grid)


def flow_reliability(forward: Float32, backward: Float32, *, blur: float = 0.0) -> Float32:
    """Where a flow can be believed: going there and back should end where it began.

    With b the backward flow read at ``p + forward(p)``, a pixel is unreliable if
    ``|f + b|² > 0.01·(|f|² + |b|²) + 0.5`` (Sundaram, Brox, Keutzer 2010).

    Args:
        forward: H×W×2 float32, source to target.
        backward: the same, target to source.
        blur: sigma in pixels of a Gaussian, cut off after one sigma, that softens the result; 0 for none.

    Returns:
        H×W float32, 1 reliable, 0 not. Multiply a flow by ``reliability[..., None]`` to still it where it is wrong.
    """
    there = flow_warp(forward, -1.0).grid
    returned: Float32 = cv.remap(backward, there, None, cv.INTER_LINEAR, borderMode=cv.BORDER_REPLICATE)
    gap = _squared(forward + returned)
    length = _squared(forward) + _squared(returned)
    reliability: Float32 = (gap <= np.float32(0.01) * length + np.float32(0.5)).astype(np.float32)
    radius = int(blur + 0.5)
    if radius > 0:
        reliability = cv.GaussianBlur(reliability, (2 * radius + 1, 2 * radius + 1), blur)
    return reliability


def morph(flow: Float32, weight: float, factor: float = 1.0) -> tuple[DenseWarp, DenseWarp]:
    """Bring two pictures of one moment together: each moves towards the other by the other's weight.

    Args:
        flow: the residual motion from the first picture to the second, H×W×2 float32, pixels.
        weight: share of the second picture, 0..1; at 0 the first stays and the second moves all the way, at 1 the
            other way round.
        factor: on both motions; 0 switches them off.

    Returns:
        The warps of the first and of the second picture, to be appended to their chains (``chain.then(warp)``).
    """
    return flow_warp(flow, weight * factor), flow_warp(flow, (weight - 1) * factor)


def _squared(flow: Float32) -> Float32:
    squared: Float32 = flow[..., 0] ** 2 + flow[..., 1] ** 2
    return squared
