"""Pictures that the user brings: from a file or the web, fitted to the frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from ..errors import InputError, StorageError
from ..ports import Image
from ..settings.paths import resolve_path
from ..web import is_url
from .audio import download


def load_picture(
    named: str, *, width: int, height: int, key: str, base_dirs: Sequence[Path] = (), allow_private: bool = True
) -> Image:
    """Load a picture and stretch it to the frame, as the original does.

    Args:
        named: path (looked up in ``base_dirs`` first) or http(s) URL.
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
    if not named.strip():
        raise InputError("no picture is named.", key=key, hint="Give a path or an http(s) address.")
    if not is_url(named):
        return _read(resolve_path(named, base_dirs), named, width, height, key)
    with TemporaryDirectory() as folder:
        try:
            fetched = download(named, Path(folder) / "picture", allow_private=allow_private)
        except StorageError as error:
            raise InputError(str(error), key=key) from error
        return _read(fetched, named, width, height, key)


def _read(path: Path, named: str, width: int, height: int, key: str) -> Image:
    try:
        with Pillow.open(path) as opened:
            upright = ImageOps.exif_transpose(opened) or opened
            picture = upright.convert("RGBA").resize((width, height), Pillow.Resampling.LANCZOS)
    except FileNotFoundError as error:
        raise InputError(f"there is no such picture: {path}.", key=key) from error
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise InputError(f"{named} cannot be read as a picture: {error}.", key=key) from error
    ground = Pillow.new("RGBA", picture.size, (0, 0, 0, 255))
    return np.array(Pillow.alpha_composite(ground, picture).convert("RGB"))
