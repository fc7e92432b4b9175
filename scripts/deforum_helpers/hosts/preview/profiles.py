"""Silhouettes of the landscape's ridges, by kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.floating[Any]]
"""Shape (n,), float64."""
Profile = Callable[[Vector, Vector, float], tuple[Vector, Vector]]
"""(14 knots, 36 details, nearness), all in 0..1, to the outline: x from 0 to 1 and a little beyond, y in about 0..1."""


def smooth(knots: Vector, count: int) -> Vector:
    """``count`` evenly spaced samples of a smooth curve through ``knots`` (value noise with smoothstep)."""
    at = np.arange(count) * ((len(knots) - 1.001) / max(count - 1, 1))
    cell = at.astype(np.int64)
    t = at - cell
    t = t * t * (3.0 - 2.0 * t)
    curve: Vector = knots[cell] + (knots[cell + 1] - knots[cell]) * t
    return curve


def _hills(knots: Vector, _: Vector, near: float) -> tuple[Vector, Vector]:
    count = 97
    curve = smooth(knots[: 6 + int(4 * (1 - near))], count)
    return np.linspace(-0.01, 1.01, count), curve


def _peaks(knots: Vector, detail: Vector, near: float) -> tuple[Vector, Vector]:
    del near
    x = np.linspace(-0.01, 1.01, 66)
    ridge = np.interp(x, np.linspace(-0.01, 1.01, len(knots)), knots)
    jag = np.interp(x, np.linspace(-0.01, 1.01, 36), detail) - 0.5
    return x, ridge * 1.5 + jag * 0.28 - 0.2


def _waves(knots: Vector, _: Vector, near: float) -> tuple[Vector, Vector]:
    count = 161
    x = np.linspace(-0.01, 1.01, count)
    phase = (x * (7.0 - 3.0 * near) + float(knots[0])) % 1.0
    crest = 1.0 - 4.0 * phase * (1.0 - phase)
    return x, crest * (0.25 + 0.35 * smooth(knots[1:8], count)) + 0.5 * smooth(knots[7:12], count)


def _trees(knots: Vector, detail: Vector, near: float) -> tuple[Vector, Vector]:
    count = 22 + int(14 * (1 - near))
    middle = (np.arange(count) + 0.5 + 0.5 * (np.resize(detail, count) - 0.5)) / count
    half = 0.42 / count
    tall = 0.35 + 0.65 * np.resize(detail[::-1], count)
    across = np.array([-1.0, -0.45, -0.5, 0.0, 0.5, 0.45, 1.0])
    up = np.array([0.0, 0.5, 0.42, 1.0, 0.42, 0.5, 0.0])
    x = (middle[:, None] + half * across).reshape(-1) * 1.02 - 0.01
    y = (tall[:, None] * up).reshape(-1)
    ground = smooth(knots[:6], 97)[np.clip((x * 96).astype(np.int64), 0, 96)]
    return x, y * 0.75 + ground * 0.6


def _city(knots: Vector, detail: Vector, near: float) -> tuple[Vector, Vector]:
    count = 11 + int(6 * (1 - near))
    widths = 0.5 + np.resize(detail, count)
    edges = np.concatenate([[0.0], np.cumsum(widths)]) / float(widths.sum()) * 1.02 - 0.01
    tops = np.resize(knots, count) * 1.5 + 0.1
    return np.repeat(edges, 2)[1:-1], np.repeat(tops, 2)


PROFILES: dict[str, Profile] = {"hills": _hills, "peaks": _peaks, "waves": _waves, "trees": _trees, "city": _city}
