"""What every engine checks before it makes a picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

import numpy as np

from ..errors import EngineError
from ..ports import DiffusionRequest


def check_request(request: DiffusionRequest) -> None:
    """See that sizes agree.

    Raises:
        EngineError: the size is not positive, or init or mask are of another size or type.
    """
    width, height = request.width, request.height
    if width < 1 or height < 1:
        raise EngineError(f"The picture is to be {width}×{height} pixels; width and height must be 1 or more.")
    for what, array, shape in (
        ("init image", request.init_image, (height, width, 3)),
        ("mask", request.inpainting.mask if request.inpainting else None, (height, width)),
    ):
        if array is not None and (array.shape != shape or array.dtype != np.uint8):
            raise EngineError(
                f"The {what} has the shape {array.shape} and type {array.dtype}, but a picture of {width}×{height} "
                f"needs {shape} and uint8; resize it first."
            )


def set_fields(request: DiffusionRequest, names: Iterable[str]) -> tuple[str, ...]:
    """Those of ``names`` that hold something else in ``request`` than when nobody sets them; ``frame`` never counts."""
    usual = {field.name: field.default for field in fields(DiffusionRequest)}
    return tuple(name for name in names if name != "frame" and getattr(request, name) != usual[name])
