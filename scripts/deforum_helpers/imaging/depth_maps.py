"""Depth as the camera and people take it: distances for a warp, grey pictures to look at. Pure, without a network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..ports import DepthKind, Image
from .camera3d import plane_depth

Float32 = NDArray[np.float32]

_CLOSEST = 1e-3
"""Metres; nothing is nearer, so nearness is at most 1000."""

_ONE_METRE = 1.0
_HEADROOM = 1.25
"""How much nearer than in the first picture things may come before their grey saturates."""


def nearness(metres: Float32) -> Float32:
    """Distances in metres as nearness 1/m: larger is nearer, at most 1000."""
    inverse: Float32 = np.reciprocal(np.maximum(metres, np.float32(_CLOSEST)))
    return inverse


def camera_depth(depth: Float32 | None, kind: DepthKind, algorithm: str = "") -> Float32 | None:
    """The distances a 3D camera takes (:func:`.camera3d.motion_3d`), from what an estimator predicts.

    Equalised to distances from 1 to 2, near things at 1, whatever the kind. The "(old)" algorithms take metres as they
    are, where the network knows them.

    Args:
        depth: H×W float32, larger is nearer, as :meth:`DepthEstimator.predict` returns it; None if there is none.
        kind: of the network that made it.
        algorithm: the setting ``depth_algorithm``.

    Returns:
        H×W float32, or None for a flat scene: there is no depth, or it is constant or not finite.
    """
    if depth is None or kind == "relative":
        return plane_depth(depth, "Midas")
    with np.errstate(divide="ignore", invalid="ignore"):
        metres: Float32 = np.reciprocal(depth)
    return plane_depth(metres, "Zoe (old)" if "(old)" in algorithm else "Zoe")


@dataclass(frozen=True)
class DepthRange:
    """The nearness shown as black and as white. One range serves a whole run, so that its pictures can be compared."""

    low: float
    high: float


def depth_range(first: Float32, kind: DepthKind) -> DepthRange:
    """The range for a run.

    Metric: from infinitely far to 1 m. Relative: from 0 to a quarter nearer than the nearest point of ``first``, since
    the scale is unknown before a network has seen the scene.

    Args:
        first: H×W float32, nearness of the first picture of the run.
        kind: of the network that made it.
    """
    if kind == "metric":
        return DepthRange(0.0, 1 / _ONE_METRE)
    nearest = float(first.max()) * _HEADROOM
    return DepthRange(0.0, nearest if nearest > 0 else 1.0)


def depth_range_of(samples: Iterable[Float32]) -> DepthRange:
    """The range for a clip that is there already, of either kind: from the farthest to the nearest point of it.

    A hundredth of the pixels of each picture may lie beyond either end, so that a few stray ones do not decide.

    Args:
        samples: H×W float32, nearness of pictures from all over the clip, at least one.
    """
    ends = [np.percentile(depth, (1, 99)) for depth in samples]
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    return DepthRange(low, high if high > low else low + 1.0)


def depth_to_grey(depth: Float32, low: float, high: float) -> NDArray[np.uint8]:
    """``depth``, H×W float32, as H×W uint8: black at ``low`` and below, white (near) at ``high`` and above.

    Raises:
        ValueError: ``high`` is not above ``low``.
    """
    if not high > low:
        raise ValueError(f"a range from {low:g} to {high:g} is empty")
    scaled = (depth - np.float32(low)) * np.float32(255 / (high - low))
    grey: NDArray[np.uint8] = np.rint(np.clip(np.nan_to_num(scaled), 0, 255)).astype(np.uint8)
    return grey


def depth_picture(depth: Float32, shown: DepthRange) -> Image:
    """``depth`` as a grey picture, H×W×3 uint8, to be saved like any frame."""
    grey = depth_to_grey(depth, shown.low, shown.high)
    return np.repeat(grey[:, :, None], 3, axis=2)
