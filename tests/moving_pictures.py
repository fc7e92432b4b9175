"""Pictures of a landscape that a camera moves over, with the truth of every moment."""

from __future__ import annotations

import cv2
import numpy as np


def landscape(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture with detail of every size, as photographs have, H×W×3 uint8."""
    generator = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for octave in range(1, 8):
        grid = generator.standard_normal((max(2, height >> octave), max(2, width >> octave), 3)).astype(np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 2 ** (octave * 0.8)
    return cv2.normalize(total, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def view(land: np.ndarray, x: float, y: float = 0.0, *, width: int = 320, height: int = 200) -> np.ndarray:
    """What a camera at (``x``, ``y``) pixels sees of ``land``."""
    move = np.array([[1, 0, -50 - x], [0, 1, -30 - y]], np.float32)
    return cv2.warpAffine(land, move, (width, height), flags=cv2.INTER_CUBIC)


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    """How near ``image`` is to ``truth``, decibels."""
    error = np.mean((image.astype(np.float64) - truth) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
