"""Small pictures."""

from __future__ import annotations

import io

from ..errors import InputError

WIDTH = 320
_QUALITY = 82


def thumbnail(picture: bytes) -> bytes:
    """A picture file made small.

    Args:
        picture: a PNG, JPEG or WebP file.

    Returns:
        A JPEG file, at most :data:`WIDTH` pixels wide and high.

    Raises:
        InputError: it is no picture.
    """
    from PIL import Image as Pillow

    try:
        with Pillow.open(io.BytesIO(picture), formats=("PNG", "JPEG", "WEBP")) as opened:
            small = opened.convert("RGB")
            small.thumbnail((WIDTH, WIDTH))
    except (OSError, ValueError, Pillow.DecompressionBombError) as error:
        raise InputError(f"this is no picture that can be read: {error}") from error
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return stream.getvalue()
