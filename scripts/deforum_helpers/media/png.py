"""A PNG encoder for frames: 8-bit RGB, hardly anything but pixels, made for speed.

Frames are written by the thousand, and general encoders spend most of a frame's time searching for repetitions that
pictures do not have. Here rows are predicted from the row above (PNG filter "up"), and the default level codes with
ISA-L, if it is installed: a quarter of the time of zlib, and smaller. Without it, zlib only does Huffman coding at that
level: on photographic pictures two thirds of the time of its level 1, and smaller, too.
"""

from __future__ import annotations

import struct
import zlib
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ports import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADED = len(_SIGNATURE) + 12 + 13
"""Bytes of a file up to the end of its header."""
_FILTER_UP = 2
_KEYWORD = b"parameters"


def _isal() -> Any | None:
    try:
        return import_module("isal.isal_zlib")
    except ImportError:
        return None


_fast = _isal()
"""The functions of ``zlib`` that are used here, faster; None where they are not installed."""


def encode_png(image: Image, level: int = 1, text: str = "") -> bytes:
    """Encode ``image`` (H×W×3 uint8 RGB) as an 8-bit RGB PNG without time or colour chunks.

    Args:
        image: the picture.
        level: 0 stores (fastest, largest), 1 is made for speed, 2 to 9 are zlib's levels.
        text: what the picture was made with, for the chunk "parameters", where web UIs look for it; empty for none.

    Raises:
        ValueError: ``image`` is not a picture, or ``level`` not in 0..9.
    """
    check_image(image)
    if not 0 <= level <= 9:
        raise ValueError(f"PNG compression goes from 0 to 9, got {level}")
    height, width, _ = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = _deflated(_filtered(image), level)
    chunks = [*_chunk(b"IHDR", header), *_text_chunk(text), *_chunk(b"IDAT", body), *_chunk(b"IEND", b"")]
    return b"".join([_SIGNATURE, *chunks])


def with_text(png: bytes, text: str) -> bytes:
    """A picture of :func:`encode_png` that was encoded without text, as if it had been encoded with ``text``."""
    chunk = _text_chunk(text)
    return b"".join([png[:_HEADED], *chunk, png[_HEADED:]]) if chunk else png


def check_image(image: Image) -> None:
    """Raise ValueError unless ``image`` is a non-empty H×W×3 uint8 array."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"a frame is a H×W×3 uint8 array, got shape {image.shape}, {image.dtype}")


def _filtered(image: Image) -> NDArray[np.uint8]:
    """H×(1+3W) rows as PNG wants them: the filter's number, then differences to the row above (modulo 256)."""
    flat = image.reshape(image.shape[0], -1)
    rows = np.empty((flat.shape[0], flat.shape[1] + 1), np.uint8)
    rows[:, 0] = _FILTER_UP
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    return rows


def _deflated(rows: NDArray[np.uint8], level: int) -> bytes:
    if level == 1 and _fast is not None:
        fast: bytes = _fast.compress(rows.data, 1)
        return fast
    strategy = zlib.Z_RLE if level == 1 else zlib.Z_DEFAULT_STRATEGY
    coder = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
    return coder.compress(rows.data) + coder.flush()


def _text_chunk(text: str) -> tuple[bytes, ...]:
    """The chunk with ``text``: Latin-1 if that will do, which every reader knows, else UTF-8; none if it is empty."""
    text = text.replace("\0", "")
    if not text:
        return ()
    try:
        return _chunk(b"tEXt", _KEYWORD + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", _KEYWORD + bytes(5) + text.encode("utf-8", "replace"))


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, ...]:
    """A chunk in pieces, so that megabytes are put together once."""
    crc32 = (_fast or zlib).crc32
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", crc32(data, crc32(kind)))
