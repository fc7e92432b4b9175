"""The 3D camera: motion of one frame, through a flat scene or one with depth, from schedule values to a warp.

The settings' signs and units differ from 2D: ``translation_x`` is in 1/200 of half the scene's width and moves the
content left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .camera import require_finite, rotation_xyz
from .sampling import Float32, row_strips
from .smooth import Lattice
from .warp import DenseWarp, SmoothWarp, Warp

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


@overload
def motion_3d(motion: Motion3D, *, width: int, height: int, depth: None = None) -> SmoothWarp: ...
@overload
def motion_3d(motion: Motion3D, *, width: int, height: int, depth: Float32 | None) -> SmoothWarp | DenseWarp: ...
def motion_3d(motion: Motion3D, *, width: int, height: int, depth: Float32 | None = None) -> SmoothWarp | DenseWarp:
    """3D motion as a warp: smooth through a flat scene, dense through one with depth.

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
        Source positions, pixels. Points that come to lie behind the camera show something far outside the picture.

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
    look = _Camera.of(motion, width, height).look
    if depth is None:
        lattice = Lattice(height, width)
        xs, ys = lattice.lines()
        return SmoothWarp(look(xs[None, :], ys[:, None], _FLAT), lattice)
    grid = np.empty((height, width, 2), np.float32)
    u, v = np.arange(width, dtype=np.float64)[None, :], np.arange(height, dtype=np.float64)[:, None]
    for rows in row_strips(height):
        grid[rows] = look(u, v[rows], depth[rows])
    return DenseWarp(grid)


@dataclass(frozen=True)
class _Camera:
    """A motion, ready to be asked for source positions; see :func:`motion_3d` for the formula."""

    rotation: NDArray[np.float64]
    shift: NDArray[np.float64]
    gains: tuple[float, float]
    size: tuple[int, int]

    @classmethod
    def of(cls, motion: Motion3D, width: int, height: int) -> _Camera:
        horizontal, vertical = _gains(motion, width, height)
        rotation = rotation_xyz(motion.rotation_x, motion.rotation_y, motion.rotation_z)
        shift = np.array([-motion.translation_x, motion.translation_y, -motion.translation_z]) / 200
        # Columns of the gained matrix give p' in pixels times distance, and the distance itself.
        gains = np.array([horizontal, vertical, 1.0])
        return cls(rotation * gains, shift * gains, (horizontal, vertical), (width, height))

    def look(self, u: NDArray[np.float64], v: NDArray[np.float64], z: Float32) -> Float32:
        """Source positions, h×w×2, of output positions u (1×w) and v (h×1), pixels, at distance z (h×w or 1×1)."""
        x, y = (2 * place / max(size - 1, 1) - 1 for place, size in zip((u, v), self.size, strict=True))
        moved = [_linear(self.rotation[:, axis], self.shift[axis], x, y, z) for axis in range(3)]
        nearness = 1 / np.maximum(moved[2], _NEAREST)
        source = np.empty((*moved[0].shape, 2), np.float32)
        for axis, (place, position) in enumerate(((u, x), (v, y))):
            projected = (self.gains[axis] * position).astype(np.float32) / z
            source[..., axis] = place.astype(np.float32) + projected - moved[axis] * nearness
        return source


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


def depth_after(depth: Float32, motion: Motion3D, warp: Warp) -> Float32:
    """The depth of a picture after a 3D motion: moved with the camera, then carried along.

    The distance becomes that of ``p' = p·R + T``, see :func:`motion_3d`. So a depth predicted once for a diffused
    picture serves all motions of a chain, one after the other, and parallax grows as things come nearer.

    Args:
        depth: H×W float32, of the frame the motion starts from.
        motion: of the frame.
        warp: the same motion as a warp (or with others of the frame, such as a perspective flip).

    Returns:
        H×W float32, of the frame the motion ends at, above 0.
    """
    height, width = depth.shape
    camera = _Camera.of(motion, width, height)
    x, y = (np.linspace(-1.0, 1.0, size, dtype=np.float64) for size in (width, height))
    moved = _linear(camera.rotation[:, 2], camera.shift[2], x[None, :], y[:, None], depth)
    return carry_depth(np.maximum(moved, _NEAREST), warp)
