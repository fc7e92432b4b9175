"""What the imaging tests share."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from imaging_helpers import Golden, read_golden


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Golden]:
    """Arrays of the original extension's results, and the calls that made them."""
    cache: dict[str, Golden] = {}
    return lambda name: cache.get(name) or cache.setdefault(name, read_golden(name))


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A smooth 180×320 picture with structure of all sizes at all places."""
    random = np.random.default_rng(7)
    layers = [
        cv2.resize(
            random.normal(size=(180 // grain + 2, 320 // grain + 2, 3)), (320, 180), interpolation=cv2.INTER_CUBIC
        )
        for grain in (48, 24, 12, 6)
    ]
    return np.clip(sum(layers) * 35 + 128, 0, 255).astype(np.uint8)
