"""Uploads: a file that a page sends becomes one that a setting can name, if it is what the setting takes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from secrets import token_hex
from shutil import copyfile

from ..errors import DeforumError, InputError, StorageError
from ..media.naming import clean_stem
from ..media.store import ensure_folder
from .tree import of_unit

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif")
SOUNDS = (".mp3", ".wav", ".flac", ".ogg", ".m4a", ".aac", ".opus")

TAKEN: Mapping[str, tuple[str, ...]] = {
    "init_image": PICTURES,
    "mask_file": PICTURES,
    "color_coherence_image_path": PICTURES,
    "init_images": PICTURES,
    "video_init_path": VIDEOS,
    "video_mask_path": VIDEOS,
    "cn_1_vid_path": (*VIDEOS, *PICTURES),
    "soundtrack_path": (*SOUNDS, *VIDEOS),
}
"""Settings that a file can be uploaded for → what their files may end in; ControlNet units by the keys of the first."""

TOOLS_TAKE: Mapping[str, tuple[str, ...]] = {
    "vid_to_depth_chosen_file": VIDEOS,
    "vid_to_interpolate_chosen_file": VIDEOS,
    "vid_to_upscale_chosen_file": VIDEOS,
}
"""Values of tools that a file can be uploaded for → what it may end in. It keeps its name, after which the tools call
what they make."""

SHOWN = ("init_image", "mask_file", "color_coherence_image_path", "init_images")
"""Settings whose pictures are shown small below their box."""

_LONGEST_STEM = 100
_MOST_PICTURE, _MOST, _BLOCK = 64 * 2**20, 2 * 2**30, 2**20


def keep_upload(upload: Path, key: str, folder: Path) -> Path:
    """Check an uploaded file and keep it; the same file is kept once.

    Args:
        upload: where it was received.
        key: the setting or the tool's value that is to name it.
        folder: where it goes.

    Returns:
        The file kept. Its name says nothing of the one it had, unless it is for a tool.

    Raises:
        InputError: the setting takes no such file, it is too large, or it is not what its name says.
        StorageError: it cannot be written.
    """
    suffix = upload.suffix.lower()
    allowed = TAKEN.get(of_unit(key, 1)) or TOOLS_TAKE.get(key, ())
    if suffix not in allowed:
        raise InputError(f"{upload.name} cannot be used here.", key=key, hint=f"It may end in {', '.join(allowed)}.")
    most = _MOST_PICTURE if suffix in PICTURES else _MOST
    try:
        size = upload.stat().st_size
        if size > most:
            raise InputError(f"{upload.name} has {size >> 20} MiB; {most >> 20} are allowed.", key=key)
        _check(upload, suffix, key)
        digest = hashlib.sha256()
        with upload.open("rb") as stream:
            for block in iter(partial(stream.read, _BLOCK), b""):
                digest.update(block)
        name = digest.hexdigest()[:16]
        place = folder / name if key in TOOLS_TAKE else folder
        stem = clean_stem(upload.stem, max_bytes=_LONGEST_STEM) if key in TOOLS_TAKE else name
        kept = ensure_folder(place) / f"{stem}{suffix}"
        if not kept.exists():
            # Under its name there is never half a file.
            partial_file = kept.with_name(f".{name}.{token_hex(4)}.part")
            try:
                copyfile(upload, partial_file)
                partial_file.replace(kept)
            finally:
                partial_file.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{upload.name} cannot be kept: {error}") from error
    return kept.absolute()


def _check(upload: Path, suffix: str, key: str) -> None:
    """Look into the file, whatever its name says."""
    if suffix in PICTURES:
        from PIL import Image as Pillow

        try:
            with Pillow.open(upload, formats=("PNG", "JPEG", "WEBP", "BMP")) as picture:
                picture.verify()
        except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:
            raise InputError(f"{upload.name} is no picture that can be read.", key=key) from error
        return
    from ..media.ffmpeg import probe

    try:
        probe(upload)
    except DeforumError as error:
        raise InputError(f"{upload.name} holds no video or sound that can be read.", key=key) from error
