"""3×3 matrices of plane motions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

_SINGULAR = 1e-12
"""Determinants smaller than this, relative to the scale of the matrix, count as zero."""


def inverse_matrix(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of a 3×3 matrix, in closed form (adjugate over determinant).

    Raises:
        InputError: the matrix squeezes a picture to a line or a point.
    """
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
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
    inverse: NDArray[np.float64] = adjugate / determinant
    return inverse
