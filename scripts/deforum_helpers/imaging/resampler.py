"""Carrying out warps, many frames at once: what every backend does, and the one on the processor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..errors import Finding
from ..ports import Image
from .blend import Crossfade
from .sampling import Border, Interpolation, Source
from .warp import Homography, Warp

_ROWS = 240
"""Most rows blended at a time: measured."""


@dataclass(frozen=True, eq=False)
class Fade:
    """A picture made of two others, each carried to where it is needed.

    Attributes:
        a: the first picture.
        b: the second, of the same shape.
        warp_a: carries ``a``.
        warp_b: carries ``b``.
        weight: share of ``b``, 0..1; at 1 only ``b`` is looked at.
        hand_over: whether each takes over where the other has no source pixel; see :func:`.blend.crossfade`.
    """

    a: Source
    b: Source
    warp_a: Warp
    warp_b: Warp
    weight: float
    hand_over: bool = True


class Resampler(Protocol):
    """Carries out warps. Safe to use from many threads.

    Attributes:
        name: for the log.
        findings: what the user should know, so far.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def findings(self) -> tuple[Finding, ...]: ...  # noqa: D102

    def frames_at_once(self, height: int, width: int) -> int:
        """How many frames of a size are best made in one call: as many as memory bears, 1 if a batch saves nothing."""
        ...

    def apply(
        self, warp: Warp, image: Image, *, interpolation: Interpolation = "bilinear", border: Border = "replicate"
    ) -> Image:
        """Warp a picture, as ``warp.apply(image)``."""
        ...

    def apply_batch(
        self,
        warps: Sequence[Warp],
        images: Sequence[Image],
        *,
        interpolation: Interpolation = "bilinear",
        border: Border = "replicate",
    ) -> list[Image]:
        """Warp as many pictures as there are warps, all of one size.

        Raises:
            ValueError: the numbers differ.
        """
        ...

    def fade_batch(
        self, fades: Sequence[Fade], *, interpolation: Interpolation = "bilinear", border: Border = "replicate"
    ) -> list[Image]:
        """Carry and blend pairs of pictures, all of one size, for pictures that are seen and go no further.

        Bicubic reading may be approximated: on pictures of nature within 2 levels (rms), as sharp within 4 %.
        A picture that is not moved may come back itself.
        """
        ...


class OpenCVResampler:
    """On the processor; the reference for the other ones."""

    name = "OpenCV"
    findings: tuple[Finding, ...] = ()

    def frames_at_once(self, height: int, width: int) -> int:
        """One: workers make several at a time."""
        return 1

    def apply(
        self, warp: Warp, image: Image, *, interpolation: Interpolation = "bilinear", border: Border = "replicate"
    ) -> Image:
        """See :class:`Resampler`."""
        return warp.apply(image, interpolation=interpolation, border=border)

    def apply_batch(
        self,
        warps: Sequence[Warp],
        images: Sequence[Image],
        *,
        interpolation: Interpolation = "bilinear",
        border: Border = "replicate",
    ) -> list[Image]:
        """See :class:`Resampler`."""
        pairs = zip(warps, images, strict=True)
        return [warp.apply(image, interpolation=interpolation, border=border) for warp, image in pairs]

    def fade_batch(
        self, fades: Sequence[Fade], *, interpolation: Interpolation = "bilinear", border: Border = "replicate"
    ) -> list[Image]:
        """See :class:`Resampler`."""
        return [self._fade(fade, interpolation, border) for fade in fades]

    def _fade(self, fade: Fade, interpolation: Interpolation, border: Border) -> Image:
        height, width = fade.b.image.shape[:2]
        read_b = _reader(fade.b, fade.warp_b, interpolation, border)
        if fade.weight >= 1:
            return read_b(slice(0, height))
        read_a = _reader(fade.a, fade.warp_a, interpolation, border)
        at_a, at_b = (
            warp.coverage(height, width, border=border) if fade.hand_over else None
            for warp in (fade.warp_a, fade.warp_b)
        )
        crossfade = Crossfade(fade.weight, at_a, at_b)
        faded = np.empty_like(fade.b.image)
        # Strip by strip, what is on the way from two pictures to one takes little memory, and mostly the same.
        for rows in crossfade.strips(height, _ROWS):
            crossfade.blend(read_a(rows), read_b(rows), rows, faded[rows])
        return faded


def _reader(source: Source, warp: Warp, interpolation: Interpolation, border: Border) -> Callable[[slice], Image]:
    image = source.image
    if interpolation != "bicubic" or (isinstance(warp, Homography) and warp.is_identity):
        return warp.reader(image, interpolation=interpolation, border=border)
    return warp.reader(source.doubled, scale=2, interpolation="bilinear", border=border)
