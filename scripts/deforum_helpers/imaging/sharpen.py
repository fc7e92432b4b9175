"""Contrast and unsharp masking (the settings' "contrast" and "anti-blur")."""

from __future__ import annotations

import numpy as np

from ..errors import Finding, InputError
from ..ports import Image, Mask
from .opencv import cv


def scale_contrast(image: Image, contrast: float) -> Image:
    """Multiply every value: ``clip(round(contrast·v), 0, 255)``; 1 changes nothing, 0 is black.

    Args:
        image: H×W×3 uint8.
        contrast: factor; below 0 counts as 0.

    Returns:
        A new H×W×3 uint8 array.
    """
    scaled: Image = cv.convertScaleAbs(image, alpha=max(contrast, 0.0))
    return scaled


def unsharp_mask(
    image: Image,
    *,
    kernel: int,
    sigma: float,
    amount: float,
    threshold: float = 0.0,
    mask: Mask | None = None,
) -> Image:
    """Sharpen by adding what a Gaussian blur takes away: ``clip(round((1 + amount)·v - amount·blur(v)), 0, 255)``.

    Args:
        image: H×W×3 uint8.
        kernel: side of the blur's window in pixels, odd; 0 to derive it from ``sigma``.
        sigma: of the blur, pixels; 0 to derive it from ``kernel``.
        amount: strength; 0 changes nothing, negative values blur.
        threshold: channels that differ from their blur by less than this stay as they are, which spares flat areas.
        mask: sharpen only where this is not 0; everywhere if None.

    Returns:
        A new H×W×3 uint8 array.

    Raises:
        InputError: an even or negative kernel, a negative sigma, or both 0.
    """
    findings = unsharp_findings(kernel, sigma)
    if findings:
        raise InputError(findings)
    if amount == 0:
        return image.copy()
    blurred = cv.GaussianBlur(image, (kernel, kernel), sigma)
    sharp: Image = cv.addWeighted(image, 1 + amount, blurred, -amount, 0)
    if threshold > 0:
        flat = cv.absdiff(image, blurred) < threshold
        cv.copyTo(image, flat.view(np.uint8), sharp)
    if mask is not None:
        cv.copyTo(image, (mask == 0).view(np.uint8), sharp)
    return sharp


def unsharp_findings(kernel: int, sigma: float) -> list[Finding]:
    """What is wrong with a kernel and a sigma of :func:`unsharp_mask`."""
    found = []
    if kernel < 0 or (kernel > 0 and kernel % 2 == 0):
        found.append(
            Finding("error", f"A kernel of {kernel} is not an odd number.", "kernel_schedule", hint="Use 1, 3, 5, ….")
        )
    if sigma < 0:
        found.append(Finding("error", f"A sigma of {sigma:g} is negative.", "sigma_schedule"))
    if kernel == 0 and sigma == 0:
        found.append(Finding("error", "Kernel and sigma cannot both be 0.", "kernel_schedule"))
    return found
