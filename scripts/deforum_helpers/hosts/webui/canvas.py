"""Pictures of any size for a web UI that makes multiples of eight pixels only."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import EngineError
from ...ports import DiffusionRequest, Image, Mask

_STEP = 8
"""Pixels per latent pixel."""


def canvas_size(request: DiffusionRequest) -> tuple[int, int]:
    """Width and height to be diffused: the next multiples of eight; the picture is its upper left part."""
    return -(-request.width // _STEP) * _STEP, -(-request.height // _STEP) * _STEP


def check_request(request: DiffusionRequest) -> None:
    """Refuse what cannot be diffused.

    Raises:
        EngineError: the size is none, or a picture or mask is not of that size.
    """
    width, height = request.width, request.height
    if width < 1 or height < 1:
        raise EngineError(f"The picture is to be {width}×{height} pixels; width and height must be 1 or more.")
    mask = request.inpainting.mask if request.inpainting is not None else None
    for what, array, shape in (
        ("init image", request.init_image, (height, width, 3)),
        ("mask", mask, (height, width)),
    ):
        if array is not None and (array.shape != shape or array.dtype != np.uint8):
            raise EngineError(
                f"The {what} has the shape {array.shape} and type {array.dtype}, but a picture of {width}×{height} "
                f"needs {shape} and uint8; resize it first."
            )


def on_canvas(array: Image | Mask, request: DiffusionRequest, *, edge: bool = True) -> Any:
    """A picture or mask as a PIL image of the canvas' size, its border continued (``edge``) or black."""
    import PIL.Image

    width, height = canvas_size(request)
    margins = [(0, height - request.height), (0, width - request.width)] + [(0, 0)] * (array.ndim - 2)
    padded = np.pad(array, margins, mode="edge" if edge else "constant")
    return PIL.Image.fromarray(np.ascontiguousarray(padded))


def from_canvas(picture: Any, request: DiffusionRequest) -> Image:
    """The picture asked for, cut out of the PIL image ``picture`` of the canvas.

    Raises:
        EngineError: the web UI made another size.
    """
    if picture.size != canvas_size(request):
        raise EngineError(
            f"The web UI made a picture of {picture.width}×{picture.height} instead of "
            f"{'×'.join(map(str, canvas_size(request)))} pixels; an extension or the checkpoint changed its size."
        )
    return np.array(picture.convert("RGB"))[: request.height, : request.width].copy()
