"""What goes into a vision network and comes out of it: size, padding and colour scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from ..imaging.opencv import cv
from ..ports import Image

Float32 = NDArray[np.float32]

HALF = (0.5, 0.5, 0.5)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class NetworkInput:
    """How a network wants its pictures.

    Attributes:
        height: of the network's picture, pixels.
        width: the same.
        multiple: its sides are multiples of this.
        keep_aspect: the side that needs the least scaling gets its size, the other follows; else both are forced.
        mean: of the colours in 0..1, R, G, B; subtracted.
        std: divides what is left.
        margin: surround the picture with its mirror image, as wide as ``3·sqrt(side/2)``, against errors at its edges.
    """

    height: int
    width: int
    multiple: int = 32
    keep_aspect: bool = True
    mean: tuple[float, float, float] = HALF
    std: tuple[float, float, float] = HALF
    margin: bool = False

    def size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the network's picture for a picture of ``height``×``width``."""
        tall, wide = self.height / height, self.width / width
        if self.keep_aspect:
            tall = wide = wide if abs(1 - wide) < abs(1 - tall) else tall
        return self._rounded(tall * height), self._rounded(wide * width)

    def _rounded(self, side: float) -> int:
        return max(1, round(side / self.multiple)) * self.multiple

    def pixels(self, image: Image) -> Float32:
        """``image``, H×W×3 uint8 RGB of any size, as 1×3×h×w float32, normalised (bicubic, antialiased).

        Raises:
            ValueError: it is no such image.
        """
        check_image(image)
        if self.margin:
            tall, wide = (_margin(side) for side in image.shape[:2])
            image = cv.copyMakeBorder(image, tall, tall, wide, wide, cv.BORDER_REFLECT_101)
        height, width = self.size(*image.shape[:2])
        resized = np.asarray(Pillow.fromarray(image).resize((width, height), Pillow.Resampling.BICUBIC))
        mean, std = (np.array(colour, np.float32) for colour in (self.mean, self.std))
        scaled = (resized.astype(np.float32) / np.float32(255) - mean) / std
        return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])

    def restore(self, plane: Float32, height: int, width: int) -> Float32:
        """A network's h×w answer (or 1×…×h×w) at the size of the picture: ``height``×``width``, float32, bicubic."""
        plane = np.ascontiguousarray(plane.reshape(plane.shape[-2:]), np.float32)
        tall, wide = (_margin(height), _margin(width)) if self.margin else (0, 0)
        grown = cv.resize(plane, (width + 2 * wide, height + 2 * tall), interpolation=cv.INTER_CUBIC)
        return np.ascontiguousarray(grown[tall : tall + height, wide : wide + width])


def check_image(image: Image) -> None:
    """Raise ValueError unless ``image`` is H×W×3 uint8 with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"an image is H×W×3 uint8, not {'×'.join(map(str, image.shape))} {image.dtype}")


def _margin(side: int) -> int:
    return int(math.sqrt(side / 2) * 3)
