"""Preparing masks and applying them."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow
from PIL import ImageEnhance

from ..ports import Image, Mask
from .opencv import cv


def everywhere(height: int, width: int) -> Mask:
    """The mask that applies everywhere."""
    return np.full((height, width), 255, np.uint8)


def none_if_empty(mask: Mask | None) -> Mask | None:
    """The mask, or None if it applies nowhere (an all-black mask is no mask)."""
    return mask if mask is not None and mask.any() else None


def prepare_mask(
    mask: Mask, *, width: int, height: int, brightness: float = 1.0, contrast: float = 1.0, invert: bool = False
) -> Mask:
    """Bring a mask to size (Lanczos), then scale its brightness, then its contrast about its mean, then invert.

    Args:
        mask: H×W uint8.
        width: of the result, pixels.
        height: of the result, pixels.
        brightness: factor, 0 is black.
        contrast: factor on the distance from the mean, 0 is an even grey.
        invert: apply it where it did not.

    Returns:
        A new height×width uint8 array.
    """
    picture = Pillow.fromarray(mask).resize((width, height), Pillow.Resampling.LANCZOS)
    picture = ImageEnhance.Brightness(picture).enhance(brightness)
    picture = ImageEnhance.Contrast(picture).enhance(contrast)
    prepared = np.array(picture, np.uint8)
    return ~prepared if invert else prepared


def soften_mask(mask: Mask, radius: float) -> Mask:
    """The mask with its edge softened by a Gaussian of ``radius`` pixels, cut off after two and a half radii."""
    if radius <= 0:
        return mask
    side = 2 * int(2.5 * radius + 0.5) + 1
    soft: Mask = cv.GaussianBlur(mask, (side, side), radius)
    return soft


def overlay(result: Image, original: Image, mask: Mask) -> Image:
    """The result where the mask is white, the original where it is black, a mix in between.

    Args:
        result: H×W×3 uint8.
        original: the same.
        mask: H×W uint8; of another size it is resized (linear).

    Returns:
        A new H×W×3 uint8 array, rounded to nearest.
    """
    height, width = result.shape[:2]
    if mask.shape != (height, width):
        mask = cv.resize(mask, (width, height), interpolation=cv.INTER_LINEAR)
    share = mask.astype(np.float32)
    mixed: Image = cv.blendLinear(result, original, share, np.float32(255) - share)
    return mixed
