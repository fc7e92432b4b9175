"""Blending two pictures."""

from __future__ import annotations

import numpy as np

from ..ports import Image
from .opencv import cv
from .sampling import Float32

FALLBACK = np.float32(1e-4)
"""Confidence that is left where there is none: enough to share out, too little to be seen (0.003 at weight 1/30)."""

_SCALE = 1e4
"""``cv2.blendLinear`` adds 1e-5 to the sum of weights; weights this large make that vanish."""


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
    weights_a = _weights(coverage_a, 1 - weight, a.shape[:2])
    weights_b = _weights(coverage_b, weight, a.shape[:2])
    blended: Image = cv.blendLinear(a, b, weights_a, weights_b)
    return blended


def _weights(coverage: Float32 | None, weight: float, shape: tuple[int, ...]) -> Float32:
    factor = np.float32(weight * _SCALE)
    if coverage is None:
        return np.full(shape, factor * (1 + FALLBACK), np.float32)
    weights = coverage * factor
    weights += factor * FALLBACK
    return weights
