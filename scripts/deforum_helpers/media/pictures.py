"""Pictures that the user brings: from a file, the web or the clipboard, fitted to the frame."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from ..errors import InputError, StorageError
from ..ports import Image, Mask
from ..settings.paths import resolve_path
from ..web import is_url
from .fetch import PICTURE_LIMITS, download

_PASTED = "data:image/"
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM", "TGA", "ICO", "PSD")
"""What is read as a picture, as far as this Pillow knows it. Not among them: formats that call other programs (EPS)."""


def load_picture(
    named: str, *, width: int, height: int, key: str, base_dirs: Sequence[Path] = (), allow_private: bool = True
) -> Image:
    """Load a picture and stretch it to the frame (Lanczos), as the original does.

    Args:
        named: path (looked up in ``base_dirs`` first), http(s) URL, or a pasted picture
            (``data:image/png;base64,…``). What is not a file may hold 64 MiB.
        width: of the frame, pixels.
        height: of the frame, pixels.
        key: setting that names it, for messages.
        base_dirs: folders for relative paths.
        allow_private: as in ``web.open_url``.

    Returns:
        height×width×3 uint8 RGB; transparent parts are laid on black, a camera's orientation is applied.

    Raises:
        InputError: it cannot be fetched, read, or is no picture.
    """
    return _flat(_fitted(named, width, height, key, base_dirs, allow_private))


def load_picture_and_alpha(
    named: str, *, width: int, height: int, key: str, base_dirs: Sequence[Path] = (), allow_private: bool = True
) -> tuple[Image, Mask | None]:
    """As :func:`load_picture`, and how opaque it is.

    Returns:
        The picture, and height×width uint8, 255 where it is opaque; None instead if it is opaque everywhere.

    Raises:
        InputError: as :func:`load_picture`.
    """
    picture = _fitted(named, width, height, key, base_dirs, allow_private)
    alpha = np.array(picture.getchannel("A"))
    return _flat(picture), None if alpha.min() == 255 else alpha


def load_mask(
    named: str, *, width: int, height: int, key: str, base_dirs: Sequence[Path] = (), allow_private: bool = True
) -> Mask:
    """Load a mask as it is; the caller sets brightness, contrast and inverts it (``imaging.masking.prepare_mask``).

    Args:
        named: as for :func:`load_picture`.
        width: of the frame, pixels.
        height: of the frame, pixels.
        key: setting that names it, for messages.
        base_dirs: folders for relative paths.
        allow_private: as in ``web.open_url``.

    Returns:
        height×width uint8, the brightness of the picture (BT.601 luma); transparent parts are 0.

    Raises:
        InputError: as :func:`load_picture`.
    """
    image = _flat(_fitted(named, width, height, key, base_dirs, allow_private))
    return np.array(Pillow.fromarray(image).convert("L"))


def read_picture(path: Path, *, width: int, height: int, key: str) -> Image:
    """:func:`load_picture` for a file.

    Raises:
        InputError: it is missing, damaged or no picture.
    """
    return _flat(_open(path, str(path), width, height, key))


def read_whole_picture(path: Path, *, key: str) -> Image:
    """:func:`read_picture` at the size that the picture has."""
    return _flat(_open(path, str(path), None, None, key))


def _fitted(
    named: str, width: int, height: int, key: str, base_dirs: Sequence[Path], allow_private: bool
) -> Pillow.Image:
    if not named.strip():
        raise InputError("no picture is named.", key=key, hint="Give a path or an http(s) address.")
    if named.lstrip().startswith(_PASTED):
        return _open(io.BytesIO(_pasted(named, key)), "the pasted picture", width, height, key)
    if not is_url(named):
        return _open(resolve_path(named, base_dirs), named, width, height, key)
    with TemporaryDirectory(prefix="deforum_") as folder:
        try:
            fetched = download(named, Path(folder) / "picture", limits=PICTURE_LIMITS, allow_private=allow_private)
        except StorageError as error:
            raise InputError(str(error), key=key) from error
        return _open(fetched, named, width, height, key)


def _pasted(named: str, key: str) -> bytes:
    head, _, body = named.strip().partition(",")
    if not head.endswith(";base64"):
        raise InputError("a pasted picture must be written in base64.", key=key)
    if len(body) * 3 // 4 > PICTURE_LIMITS.size:
        limit = f"{PICTURE_LIMITS.size >> 20} MiB"
        raise InputError(f"the pasted picture is larger than {limit}.", key=key, hint="Save it and give its path.")
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"the pasted picture is damaged: {error}.", key=key, hint="Paste it again.") from error


def _open(source: Path | io.BytesIO, named: str, width: int | None, height: int | None, key: str) -> Pillow.Image:
    """RGBA of the size asked for, or of its own."""
    try:
        with Pillow.open(source, formats=_known_formats()) as opened:
            upright = _eight_bits(ImageOps.exif_transpose(opened) or opened)
            size = (width or upright.width, height or upright.height)
            return upright.convert("RGBA").resize(size, Pillow.Resampling.LANCZOS)
    except FileNotFoundError as error:
        raise InputError(f"there is no such picture: {source}.", key=key) from error
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise InputError(f"{named} cannot be read as a picture: {error}.", key=key) from error


def _known_formats() -> list[str]:
    Pillow.init()
    return [name for name in _FORMATS if name in Pillow.OPEN]


def _eight_bits(picture: Pillow.Image) -> Pillow.Image:
    if not picture.mode.startswith("I"):
        return picture
    # 16-bit grey, which Pillow would cut off at 255.
    levels = np.asarray(picture).astype(np.float64) / 257
    return Pillow.fromarray(np.rint(levels.clip(0, 255)).astype(np.uint8))


def _flat(picture: Pillow.Image) -> Image:
    ground = Pillow.new("RGBA", picture.size, (0, 0, 0, 255))
    return np.array(Pillow.alpha_composite(ground, picture).convert("RGB"))
