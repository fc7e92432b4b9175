"""The 3D camera: motion of one frame, through a flat scene or one with depth, from schedule values to a warp.

The settings' signs and units differ from 2D: ``translation_x`` is in 1/200 of half the scene's width and moves the
content left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .camera import require_finite, rotation_xyz
from .sampling import Float32, row_strips
from .warp import DenseWarp, Warp

_FLAT = np.ones((1, 1), np.float32)
"""Distance of a scene without depth."""

_NEAREST = np.float32(1e-3)
"""Points come no closer than this, nor behind the camera: their projection would turn over."""

_BINS = 1024


@dataclass(frozen=True)
class Motion3D:
    """Motion of the 3D camera for one frame, in the units of the settings.

    Attributes:
        translation_x: positive moves the content left; 200 is half the width of the scene at depth 1.
        translation_y: positive moves the content down.
        translation_z: positive moves the camera forward, the content grows.
        rotation_x: degrees, positive moves the content down.
        rotation_y: degrees, positive moves the content left.
        rotation_z: degrees, positive turns the content counter-clockwise.
        fov: field of view, degrees, between 0 and 180.
        aspect_ratio: of the scene's width to its height; None for that of the picture (the "old formula").
    """

    translation_x: float = 0.0
    translation_y: float = 0.0
    translation_z: float = 0.0
    rotation_x: float = 0.0
    rotation_y: float = 0.0
    rotation_z: float = 0.0
    fov: float = 70.0
    aspect_ratio: float | None = 1.0


def motion_3d(motion: Motion3D, *, width: int, height: int, depth: Float32 | None = None) -> DenseWarp:
    """3D motion as a sampling grid.

    A pixel is the point ``p = (x, y, z)``, x and y from -1 to 1 over the first to the last pixel centre, z its depth.
    With ``R = Rx·Ry·Rz`` and ``T = (-tx, ty, -tz)/200`` it moves to ``p' = p·R + T`` (row vectors). A point projects
    to ``(x/(z·a·k), y/(z·k))``, ``k = tan(fov/2)``, a the aspect ratio, and the output pixel shows the source at its
    own position minus ``(proj(p') - proj(p))·(W/2, H/2)``.

    Args:
        motion: of this frame.
        width: of the picture, pixels.
        height: of the picture, pixels.
        depth: height×width float32, distances as :func:`plane_depth` makes them, of the frame the motion starts from;
            None for a flat scene at distance 1.

    Returns:
        The sampling grid, pixels. Points that come to lie behind the camera show something far outside the picture.

    Raises:
        InputError: a value is not finite, or the field of view or the aspect ratio is out of range.
        ValueError: ``depth`` has another size.
    """
    if depth is not None and depth.shape != (height, width):
        raise ValueError(f"depth of {depth.shape} for a picture of {(height, width)}")
    require_finite(
        translation_x=motion.translation_x,
        translation_y=motion.translation_y,
        translation_z=motion.translation_z,
        rotation_3d_x=motion.rotation_x,
        rotation_3d_y=motion.rotation_y,
        rotation_3d_z=motion.rotation_z,
    )
    horizontal, vertical = _gains(motion, width, height)
    rotation = rotation_xyz(motion.rotation_x, motion.rotation_y, motion.rotation_z)
    shift = np.array([-motion.translation_x, motion.translation_y, -motion.translation_z]) / 200
    # Columns of the gained matrix give p' in pixels times distance, and the distance itself.
    gains = np.array([horizontal, vertical, 1.0])
    rotation, shift = rotation * gains, shift * gains
    grid = np.empty((height, width, 2), np.float32)
    x: NDArray[np.float64] = np.linspace(-1.0, 1.0, width, dtype=np.float64)[None, :]
    y: NDArray[np.float64] = np.linspace(-1.0, 1.0, height, dtype=np.float64)[:, None]
    u, v = np.arange(width)[None, :], np.arange(height)[:, None]
    for rows in row_strips(height):
        z = _FLAT if depth is None else depth[rows]
        moved = [_linear(rotation[:, axis], shift[axis], x, y[rows], z) for axis in range(3)]
        nearness = 1 / np.maximum(moved[2], _NEAREST)
        place_x, place_y = (horizontal * x).astype(np.float32), (vertical * y[rows]).astype(np.float32)
        if depth is not None:
            place_x, place_y = place_x / z, place_y / z
        grid[rows, :, 0] = (u + place_x).astype(np.float32) - moved[0] * nearness
        grid[rows, :, 1] = (v[rows] + place_y).astype(np.float32) - moved[1] * nearness
    return DenseWarp(grid)


def _gains(motion: Motion3D, width: int, height: int) -> tuple[float, float]:
    """Pixels per unit of x and y at distance 1."""
    if not 0 < motion.fov < 180:
        raise InputError(f"A field of view of {motion.fov:g} degrees is not between 0 and 180.", key="fov_schedule")
    aspect = width / height if motion.aspect_ratio is None else motion.aspect_ratio
    if aspect <= 0:
        raise InputError(f"An aspect ratio of {aspect:g} is not above 0.", key="aspect_ratio_schedule")
    slope = math.tan(math.radians(motion.fov) / 2)
    return width / 2 / (aspect * slope), height / 2 / slope


def _linear(
    column: NDArray[np.float64], shift: float, x: NDArray[np.float64], y: NDArray[np.float64], z: Float32
) -> Float32:
    """One coordinate of ``(x, y, z)·R + T``."""
    across = (x * column[0] + shift).astype(np.float32)
    total: Float32 = across + (y * column[1]).astype(np.float32)
    if column[2]:
        total += z * np.float32(column[2])
    return total


def plane_depth(depth: Float32 | None, algorithm: str) -> Float32 | None:
    """The distances a depth warp uses, from what a depth network says.

    Scaled to 0..1 and histogram equalised over 1024 bins (linear between the bins) to d; then the distance is ``2 - d``
    for MiDaS, whose large values are near, and ``1 + d`` for the others, so 1 to 2 in both cases. The "(old)"
    algorithms bring distances themselves, which are used as they are.

    Args:
        depth: H×W float32 as predicted, or None.
        algorithm: name of the depth algorithm as in the settings.

    Returns:
        H×W float32, or None (a flat scene) where there is no depth or it is constant, infinite or not a number.
    """
    if depth is None or not np.isfinite(depth).all():
        return None
    low, high = float(depth.min()), float(depth.max())
    if low == high:
        return None
    if "(old)" in algorithm:
        return depth
    scaled = (depth - np.float32(low)) / np.float32(high - low)
    counts, edges = np.histogram(scaled, _BINS, (0.0, 1.0))
    equalised: Float32 = np.interp(scaled, edges[:-1], np.cumsum(counts) / depth.size).astype(np.float32)
    distance: Float32 = 2 - equalised if algorithm.lower().startswith("midas") else 1 + equalised
    return distance


def carry_depth(depth: Float32, warp: Warp) -> Float32:
    """The depth of a picture after a warp of that picture: carried along, not predicted again.

    Args:
        depth: H×W float32 of the picture the warp starts from.
        warp: the whole chain from that picture.

    Returns:
        H×W float32, at the edges continued by its last values.
    """
    return warp.apply(depth, interpolation="bilinear", border="replicate")
