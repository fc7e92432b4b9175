"""Goldens of the imaging tests: arrays of the original extension's results, and the calls that made them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

GOLDENS = Path(__file__).parent.parent / "goldens"
Golden = tuple[dict[str, np.ndarray], Any]


def read_golden(name: str) -> Golden:
    with np.load(GOLDENS / f"imaging_{name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    return arrays, json.loads(str(arrays.pop("cases")))


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Golden]:
    cache: dict[str, Golden] = {}
    return lambda name: cache.get(name) or cache.setdefault(name, read_golden(name))


@pytest.fixture(scope="session")
def photo(golden: Callable[[str], Golden]) -> np.ndarray:
    """A smooth 180×320 picture with structure at all places."""
    y, x = np.mgrid[0:180, 0:320]
    channels = [np.sin(x / 9 + phase) * np.cos(y / 11 - phase) + 0.3 * np.sin((x + y) / 23) for phase in (0, 1, 2)]
    return np.clip(np.stack(channels, axis=2) * 95 + 128, 0, 255).astype(np.uint8)
