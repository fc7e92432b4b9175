"""Frames to look at while a run goes on, and after it."""

from __future__ import annotations

import io
import re
from pathlib import Path

from ..ports import Image

_QUALITY = 85


def as_jpeg(image: Image) -> bytes:
    """``image`` (H×W×3 uint8 RGB) as a JPEG file."""
    from PIL import Image as Pillow

    stream = io.BytesIO()
    Pillow.fromarray(image).save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()


def newest_frame(outdir: Path, timestring: str) -> bytes | None:
    """The last frame that the run ``timestring`` has in ``outdir``, as it is stored; None if there is none."""
    name = re.compile(rf"{re.escape(timestring)}_[0-9]{{9}}\.(png|jpg|webp)")
    try:
        names = [path.name for path in outdir.iterdir() if name.fullmatch(path.name)]
        return (outdir / max(names)).read_bytes() if names else None
    except OSError:
        return None
