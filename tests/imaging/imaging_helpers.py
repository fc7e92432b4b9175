"""What several imaging tests measure with."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from deforum_helpers.imaging.warp import Homography

GOLDENS = Path(__file__).parent.parent / "goldens"
Golden = tuple[dict[str, np.ndarray], Any]


def read_golden(name):
    """Arrays and calls of ``goldens/imaging_<name>.npz``."""
    with np.load(GOLDENS / f"imaging_{name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    return arrays, json.loads(str(arrays.pop("cases")))


def difference(a, b):
    return np.abs(a.astype(np.int64) - b).max()


def rms(a, b):
    return float(np.sqrt(np.mean((a.astype(np.float64) - b) ** 2)))


def coverage_of(warp, height, width, **options):
    """Coverage as an array even where it is everywhere."""
    coverage = warp.coverage(height, width, **options)
    return np.ones((height, width), np.float32) if coverage is None else coverage(slice(0, height))


def smaller(width, height, field_of_view):
    """The extra unit of distance: the card shrinks about the fixed point by h / (h + 1)."""
    diagonal, half = math.hypot(width, height), math.radians(field_of_view) / 2
    distance, centre = diagonal / (2 * math.sin(half)), diagonal / math.cos(half) / 2
    factor = distance / (distance + 1)
    return Homography(np.array([[factor, 0, centre * (1 - factor)], [0, factor, centre * (1 - factor)], [0, 0, 1]]))
