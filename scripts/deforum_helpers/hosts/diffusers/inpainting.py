"""A part of a picture repainted: which part is diffused, what it holds before, and how it is put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...ports import Image, Inpainting, Mask


@dataclass(frozen=True)
class Region:
    """A rectangle of a picture: x and y of its corner, width and height, pixels."""

    x: int
    y: int
    width: int
    height: int

    def of(self, array: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of ``array`` in it; a view."""
        return array[self.y : self.y + self.height, self.x : self.x + self.width]


def region_to_diffuse(inpainting: Inpainting) -> Region:
    """What is diffused: the whole picture or, with ``full_res``, the masked area with its padding.

    The area grows to the proportions of the picture, so that it is enlarged evenly, and stays inside.
    """
    height, width = inpainting.mask.shape
    if not inpainting.full_res or not inpainting.mask.any():
        return Region(0, 0, width, height)
    x, y, w, h = cv2.boundingRect(inpainting.mask)
    pad = max(inpainting.padding, 0)
    left, top, right, bottom = max(x - pad, 0), max(y - pad, 0), min(x + w + pad, width), min(y + h + pad, height)
    scale = max((right - left) / width, (bottom - top) / height)
    w, h = min(round(width * scale), width), min(round(height * scale), height)
    w, h = max(w, right - left), max(h, bottom - top)
    left = min(max(left - (w - (right - left)) // 2, 0), width - w)
    top = min(max(top - (h - (bottom - top)) // 2, 0), height - h)
    return Region(left, top, w, h)


def resized(array: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """``array`` in another size, averaging where it shrinks."""
    if array.shape[:2] == (height, width):
        return array
    shrinks = array.shape[0] > height or array.shape[1] > width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LANCZOS4 if array.ndim == 3 else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(array, (width, height), interpolation=method), dtype=np.uint8)


def smeared(image: Image, mask: Mask) -> Image:
    """``image`` with what is masked replaced by its surroundings, smoother the farther they are.

    The picture is shrunk step by step, masked pixels counting for nothing, and grown again into the hole.
    """
    known = (255 - mask).astype(np.float32) / 255.0
    if not known.any():
        return np.full_like(image, 127)
    levels: list[tuple[Any, Any]] = [(image.astype(np.float32) * known[..., None], known)]
    while min(levels[-1][1].shape) > 1 and not levels[-1][1].all():
        colour, weight = levels[-1]
        size = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        colour, weight = (cv2.resize(a, size, interpolation=cv2.INTER_AREA) for a in (colour, weight))
        levels.append((colour, weight))
    colour, weight = levels[-1]
    result = colour / np.maximum(weight, 1e-6)[..., None]
    for colour, weight in reversed(levels[:-1]):
        grown = cv2.resize(result, (weight.shape[1], weight.shape[0]), interpolation=cv2.INTER_LINEAR)
        share = np.minimum(weight, 1.0)[..., None]
        result = colour / np.maximum(weight, 1e-6)[..., None] * share + grown * (1.0 - share)
    return np.asarray(np.clip(np.rint(result), 0, 255), dtype=np.uint8)


def on_latents(mask: Mask, width: int, height: int) -> NDArray[np.float32]:
    """1 for each latent that a masked pixel falls into, else 0; ``height``×``width``."""
    rows, columns = mask.shape[0] // height, mask.shape[1] // width
    blocks = mask[: height * rows, : width * columns].reshape(height, rows, width, columns)
    return np.asarray(blocks.max(axis=(1, 3)) > 0, dtype=np.float32)


def put_back(init: Image, painted: Image, inpainting: Inpainting, region: Region) -> Image:
    """``init`` with the diffused ``region`` in its mask; outside the mask every bit stays.

    The edge is softened inwards over ``blur`` pixels, though never so far that the middle of the mask is reached.

    Args:
        init: the whole picture.
        painted: what was diffused, of any size.
        inpainting: mask and blur.
        region: where ``painted`` belongs.
    """
    result = init.copy()
    mask = np.ascontiguousarray(region.of(inpainting.mask))
    inside = cv2.distanceTransform(np.pad((mask > 0).astype(np.uint8), 1, mode="edge"), cv2.DIST_L2, 5)[1:-1, 1:-1]
    reach = min(inpainting.blur + 1.0, max(float(inside.max()) / 2.0, 1.0))
    ramp = np.clip(inside / reach, 0.0, 1.0)
    alpha = (ramp * ramp * (3.0 - 2.0 * ramp) * (mask / 255.0))[..., None]
    old = region.of(init).astype(np.float32)
    new = resized(painted, region.width, region.height).astype(np.float32)
    region.of(result)[:] = np.clip(np.rint(old + (new - old) * alpha), 0, 255).astype(np.uint8)
    return result
