"""Colour coherence: give a picture the colour distribution of another."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..ports import Image
from .opencv import cv
from .sampling import Uint8, row_strips

ColourSpace = Literal["RGB", "HSV", "LAB"]

_MODES: dict[str, ColourSpace | None] = {
    "None": None,
    "RGB": "RGB",
    "HSV": "HSV",
    "LAB": "LAB",
    "Image": "LAB",
    "Video Input": "LAB",
}
_CONVERSIONS: dict[ColourSpace, tuple[int, int]] = {
    "HSV": (cv.COLOR_RGB2HSV, cv.COLOR_HSV2RGB),
    "LAB": (cv.COLOR_RGB2LAB, cv.COLOR_LAB2RGB),
}


def colour_space(mode: str) -> ColourSpace | None:
    """The space a colour coherence mode works in, None for no coherence.

    Raises:
        InputError: unknown mode.
    """
    if mode not in _MODES:
        raise InputError(
            f"There is no colour coherence {mode!r}.", key="color_coherence", hint=f"Use one of {', '.join(_MODES)}."
        )
    return _MODES[mode]


@dataclass(frozen=True, eq=False)
class ColourReference:
    """What must be known of a picture to match others to it; computed once, used for every frame.

    Attributes:
        space: the colour space of the distributions.
        values: per channel the values that occur, ascending.
        shares: per channel the share of pixels up to and including each value, ending at 1.
    """

    space: ColourSpace
    values: tuple[NDArray[np.int64], ...]
    shares: tuple[NDArray[np.float64], ...]

    @classmethod
    def of(cls, image: Image, space: ColourSpace) -> ColourReference:
        """Measure a picture, H×W×3 uint8 RGB."""
        converted = _converted(image, space)
        counts = [_histogram(converted, channel) for channel in range(3)]
        present = tuple(np.flatnonzero(channel) for channel in counts)
        shares = tuple(np.cumsum(channel[channel > 0]) / channel.sum() for channel in counts)
        return cls(space, present, shares)


def build_tables(space: ColourSpace) -> None:
    """Have OpenCV build what the first conversion of a process needs; for LAB that takes longer than many pictures."""
    _converted(np.zeros((1, 1, 3), np.uint8), space)


def match_colours(image: Image, reference: ColourReference) -> Image:
    """Match each channel's histogram to the reference, in its colour space.

    A value at which a share q of the picture's pixels is reached becomes the value at which the reference reaches q,
    linear between the values that occur there, rounded down. Spaces are OpenCV's 8-bit ones (hue 0..179).

    Args:
        image: H×W×3 uint8 RGB.
        reference: of a picture of any size.

    Returns:
        A new H×W×3 uint8 RGB array.
    """
    converted = _converted(image, reference.space)
    matched = np.empty_like(image)
    # The loop waits for this: all processors take part, and strips of rows stay in their caches.
    with ThreadPoolExecutor(max(1, cv.getNumThreads())) as threads:
        tables = threads.map(partial(_table, converted, reference), range(3))
        table = np.stack(list(tables), axis=1)[None]

        def match(rows: slice) -> None:
            strip = cv.LUT(converted[rows], table)
            matched[rows] = strip if reference.space == "RGB" else cv.cvtColor(strip, _CONVERSIONS[reference.space][1])

        deque(threads.map(match, row_strips(image.shape[0])), maxlen=0)
    return matched


def _table(converted: Uint8, reference: ColourReference, channel: int) -> Uint8:
    """Where each of the 256 values of a channel goes."""
    counts = _histogram(converted, channel)
    reached = np.cumsum(counts) / counts.sum()
    table: Uint8 = np.interp(reached, reference.shares[channel], reference.values[channel]).astype(np.uint8)
    return table


def to_grey(image: Image) -> Image:
    """The picture without colour: luma (0.299 R + 0.587 G + 0.114 B) in all three channels, H×W×3 uint8."""
    grey: Image = cv.cvtColor(cv.cvtColor(image, cv.COLOR_RGB2GRAY), cv.COLOR_GRAY2RGB)
    return grey


def _converted(image: Image, space: ColourSpace) -> Uint8:
    converted: Uint8 = image if space == "RGB" else cv.cvtColor(image, _CONVERSIONS[space][0])
    return converted


def _histogram(converted: Uint8, channel: int) -> NDArray[np.int64]:
    # float32 counts are exact up to 2**24 pixels of one value.
    counts: NDArray[np.int64] = cv.calcHist([converted], [channel], None, [256], [0, 256]).ravel().astype(np.int64)
    return counts
