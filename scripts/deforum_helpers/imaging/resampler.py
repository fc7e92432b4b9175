"""Carrying out warps, many frames at once: what every backend does, and the one on the processor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..ports import Image
from .blend import crossfade
from .sampling import Border, Interpolation
from .warp import Warp


@dataclass(frozen=True, eq=False)
class Fade:
    """A picture made of two others, each carried to where it is needed.

    Attributes:
        a: the first picture, H×W×3 uint8.
        b: the second, of the same shape.
        warp_a: carries ``a``.
        warp_b: carries ``b``.
        weight: share of ``b``, 0..1.
        hand_over: whether each takes over where the other has no source pixel; see :func:`.blend.crossfade`.
    """

    a: Image
    b: Image
    warp_a: Warp
    warp_b: Warp
    weight: float
    hand_over: bool = True


class Resampler(Protocol):
    """Carries out warps. Safe to use from many threads.

    Attributes:
        name: for the log.
    """

    name: str

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
        """Carry and blend pairs of pictures, all of one size."""
        ...


class OpenCVResampler:
    """On the processor; the reference for the other ones."""

    name = "OpenCV"

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
        sides = ((fade.a, fade.warp_a), (fade.b, fade.warp_b))
        a, b = (warp.apply(image, interpolation=interpolation, border=border) for image, warp in sides)
        if not fade.hand_over:
            return crossfade(a, b, fade.weight)
        height, width = a.shape[:2]
        return crossfade(a, b, fade.weight, *(warp.coverage(height, width, border=border) for _, warp in sides))
