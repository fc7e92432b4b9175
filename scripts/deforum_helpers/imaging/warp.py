"""Warps: where each pixel of a new picture comes from. Composed first, applied once.

A warp is a value. ``a.then(b)`` is the warp that does first a, then b; however long a chain gets, the picture is
resampled a single time, so it stays as sharp as after one step. Chains are as simple as their parts allow: homographies
compose to a homography, with smooth warps to a smooth warp, with dense ones to a dense one.
"""

from __future__ import annotations

from typing import TypeAlias

from .dense import DenseWarp
from .homography import Homography
from .smooth import SmoothWarp

__all__ = ["DenseWarp", "Homography", "SmoothWarp", "Warp"]

Warp: TypeAlias = Homography | SmoothWarp | DenseWarp
