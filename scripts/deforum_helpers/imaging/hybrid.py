"""Hybrid video: mixing a video into the frames, and moving the frames the way the video moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image as Pillow
from PIL import ImageEnhance, ImageOps

from ..ports import Image, Mask
from .blend import crossfade
from .masking import overlay
from .opencv import cv
from .sampling import Float32
from .warp import Homography

Equalize = Literal["None", "Before", "After", "Both"]
MotionKind = Literal["Affine", "Perspective"]

_RATIO = 0.75
"""A match counts if it is this much closer than the second best."""

_FEWEST = 8
"""With no more matches than this, no motion is believed."""

_RANSAC_PIXELS = 5.0


@dataclass(frozen=True)
class MaskOptions:
    """What is done to a composite mask.

    Attributes:
        invert: swap black and white, first of all.
        equalize: equalise the histogram before or after the contrast, or both.
        contrast: factor on the distance from the mean.
        auto_contrast: stretch between two percentiles, after the contrast.
        cutoff_low: percentile that becomes black.
        cutoff_high: percentile that becomes white.
    """

    invert: bool = False
    equalize: Equalize = "None"
    contrast: float = 1.0
    auto_contrast: bool = False
    cutoff_low: float = 0.0
    cutoff_high: float = 100.0


def blend_mask(previous: Image, video: Image, alpha: float) -> Mask:
    """Composite mask of type "Blend": luma of ``previous``, faded to that of ``video`` by ``alpha``; H×W uint8."""
    mask: Mask = cv.addWeighted(_luma(previous), 1 - alpha, _luma(video), alpha, 0)
    return mask


def difference_mask(previous: Image, video: Image) -> Mask:
    """Composite mask of type "Difference": absolute difference of the lumas; H×W uint8."""
    mask: Mask = cv.absdiff(_luma(previous), _luma(video))
    return mask


def shape_mask(mask: Mask, options: MaskOptions) -> Mask:
    """Invert, equalise, contrast, auto contrast, equalise: in this order, as far as asked for; H×W uint8."""
    picture = Pillow.fromarray(~mask if options.invert else mask)
    if options.equalize in ("Before", "Both"):
        picture = ImageOps.equalize(picture)
    picture = ImageEnhance.Contrast(picture).enhance(options.contrast)
    shaped: Mask = np.array(picture, np.uint8)
    if options.auto_contrast:
        shaped = np.rint(auto_contrast(shaped, options.cutoff_low, options.cutoff_high)).astype(np.uint8)
    if options.equalize in ("After", "Both"):
        shaped = np.array(ImageOps.equalize(Pillow.fromarray(shaped)), np.uint8)
    return shaped


def auto_contrast(grey: Mask, low: float, high: float) -> Float32:
    """Stretch so that the percentiles ``low`` and ``high`` become 0 and 255; what lies beyond is clipped.

    Args:
        grey: H×W uint8.
        low: percentile, 0..100.
        high: percentile, 0..100.

    Returns:
        H×W float32, 0..255; unchanged where the percentiles coincide.
    """
    darkest, brightest = (float(value) for value in np.percentile(grey, (low, high)))
    values: Float32 = grey.astype(np.float32)
    if darkest == brightest:
        return values
    stretched: Float32 = np.clip((values - darkest) * np.float32(255 / (brightest - darkest)), 0, 255)
    return stretched


def composite(previous: Image, video: Image, *, alpha: float, mask: Mask | None = None) -> Image:
    """Mix a video frame into a picture: ``previous`` where the mask is white, ``video`` where it is black.

    Args:
        previous: H×W×3 uint8.
        video: the same.
        alpha: share of that mix in the result, the rest is ``previous``.
        mask: H×W uint8; the mix is ``video`` throughout if None.

    Returns:
        A new H×W×3 uint8 array.
    """
    mixed = video if mask is None else overlay(previous, video, mask)
    return crossfade(previous, mixed, alpha)


def match_motion(before: Image, after: Image, kind: MotionKind) -> Homography:
    """The motion between two video frames, from matched SIFT features.

    Matches pass the ratio test (0.75); with 8 or fewer there is no motion. "Perspective" fits a homography, "Affine"
    rotation, scale and shift; both by RANSAC with 5 and 3 pixels tolerance (repeatable: OpenCV seeds it the same).

    Args:
        before: H×W×3 uint8 RGB.
        after: the same.
        kind: "Affine" or "Perspective".

    Returns:
        The map from ``before`` to ``after``. Apply with ``border="reflect101"``.
    """
    sift = cv.SIFT_create()
    points, features = zip(*(sift.detectAndCompute(_luma(image), None) for image in (before, after)), strict=True)
    if any(found is None or len(found) < 2 for found in features):
        return Homography.identity()
    pairs = cv.BFMatcher().knnMatch(features[0], features[1], k=2)
    good = [best for best, second in pairs if best.distance < _RATIO * second.distance]
    if len(good) <= _FEWEST:
        return Homography.identity()
    start = np.array([points[0][match.queryIdx].pt for match in good], np.float32)
    end = np.array([points[1][match.trainIdx].pt for match in good], np.float32)
    if kind == "Perspective":
        matrix, _ = cv.findHomography(start, end, cv.RANSAC, _RANSAC_PIXELS)
    else:
        matrix, _ = cv.estimateAffinePartial2D(start, end)
        matrix = None if matrix is None else np.vstack([matrix, (0.0, 0.0, 1.0)])
    return Homography.identity() if matrix is None else Homography(matrix)


def _luma(image: Image) -> Mask:
    grey: Mask = cv.cvtColor(image, cv.COLOR_RGB2GRAY)
    return grey
