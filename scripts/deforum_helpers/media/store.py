"""Frames and texts on disk: each file is there whole or not at all, and a full disk is reported as such."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import secrets
import shutil
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from ..errors import StorageError
from ..ports import Image
from .formats import ImageFormat, Png
from .png import check_image, with_text

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would exceed the largest size allowed here",
    errno.EACCES: "writing there is not permitted",
    errno.EPERM: "writing there is not permitted",
    errno.EROFS: "the file system is read-only",
    errno.ENOENT: "the folder is gone",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "there is a file of that name, not a folder",
    errno.EISDIR: "there is a folder of that name",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk reports an input/output error",
}
_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def storage_error(path: Path, error: OSError, *, action: str = "written", need: int | None = None) -> StorageError:
    """The StorageError for ``error``, met when ``path`` was to be ``action`` ("written", "created" …).

    Args:
        path: file or folder concerned.
        error: what the operating system said.
        action: participle for the message.
        need: bytes that were to be written, if known; told along with the free space when space is the trouble.
    """
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    message = f"{path} could not be {action}: {reason}"
    if error.errno in _SPACE:
        needed = f"{_size(need)} needed, " if need is not None else ""
        message += f" ({needed}{_size(_free_space(path))} free). Make room or choose another output folder"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        message += ". Choose an output folder you may write to"
    return StorageError(message + ".")


def lacks_space(error: BaseException) -> bool:
    """Whether an error of :func:`storage_error` came of a full disk."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _SPACE


def ensure_folder(path: Path) -> Path:
    """Make the folder ``path`` with its parents and check that files can be made in it; returns ``path``.

    Raises:
        StorageError: it cannot be made, is a file, or cannot be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(path, error, action="created") from error
    # Asking for permissions is not enough: read-only mounts, quotas and network shares only show when written to.
    write_bytes_atomic(path / "write_test", b"", keep=False)
    return path


def write_bytes_atomic(path: Path, data: bytes, *, keep: bool = True, durable: bool = False) -> Path:
    """Write ``data`` to ``path`` so that a file of that name never holds less; returns ``path``.

    The data go to a hidden file beside it, which then takes the name (and is removed if anything fails).

    Args:
        path: target, replaced if it exists.
        data: content.
        keep: False to drop the file instead of naming it (a rehearsal).
        durable: wait until the data are on the disk, so that they outlive a power cut.

    Raises:
        StorageError: it could not be written.
    """
    partial = path.with_name(f".{path.stem[:100]}.{secrets.token_hex(4)}.part")
    try:
        try:
            with partial.open("xb", buffering=0) as file:
                _write_all(file.fileno(), data)
                if durable:
                    os.fsync(file.fileno())
            if keep:
                partial.replace(path)
        finally:
            # The target's error is the one to tell, not that there is nothing to clean up.
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(path if keep else path.parent, error, need=len(data)) from error
    return path


def write_text_atomic(path: Path, text: str) -> Path:
    r"""Write ``text`` as UTF-8 with ``\n`` line ends, as :func:`write_bytes_atomic` does."""
    return write_bytes_atomic(path, text.encode("utf-8"))


def frame_name(timestring: str, index: int, extension: str = "png") -> str:
    """File name of frame ``index``.

    Raises:
        ValueError: ``index`` is negative.
    """
    if index < 0:
        raise ValueError(f"a frame index cannot be negative, got {index}")
    return f"{timestring}_{index:09}.{extension}"


class ImageFrameStore:
    """Frames as ``{timestring}_{index:09}.{extension}`` in a folder. A ``ports.FrameStore``.

    Args:
        folder: where; made on the first write if missing.
        timestring: identity of the run.
        encoding: what the files hold; PNG if None.
    """

    def __init__(self, folder: Path, timestring: str, encoding: ImageFormat | None = None) -> None:
        self.folder = folder
        self.timestring = timestring
        self.encoding = encoding or Png()
        self.lossless = self.encoding.lossless

    def path(self, index: int) -> Path:
        """Where frame ``index`` is or would be."""
        return self.folder / frame_name(self.timestring, index, self.encoding.extension)

    def write(self, index: int, image: Image, text: str = "", png: bytes = b"") -> Path:
        """Write frame ``index`` atomically, replacing an older one; see :class:`.ports.FrameStore`.

        Raises:
            StorageError: disk full, no permission, folder gone.
            ValueError: not a picture (H×W×3 uint8), or a negative index.
        """
        path = self.path(index)
        ready = png and self.encoding == Png()
        return write_bytes_atomic(path, with_text(png, text) if ready else self.encoding.encode(image, text))

    def read(self, index: int) -> Image:
        """Read frame ``index`` back, a fresh H×W×3 uint8 RGB array.

        Raises:
            StorageError: missing or damaged.
        """
        return read_image(self.path(index))

    def indices(self) -> tuple[int, ...]:
        """Indices of the frames on disk, ascending.

        Raises:
            StorageError: the folder cannot be read.
        """
        pattern = re.compile(rf"{re.escape(self.timestring)}_(\d{{9,}})\.{self.encoding.extension}")
        try:
            names = [entry.name for entry in self.folder.iterdir()] if self.folder.exists() else []
        except OSError as error:
            raise storage_error(self.folder, error, action="read") from error
        return tuple(sorted(int(match[1]) for name in names if (match := pattern.fullmatch(name))))


def read_image(path: Path) -> Image:
    """Read an image file as a fresh H×W×3 uint8 RGB array.

    Raises:
        StorageError: missing, damaged (a truncated file, too), or not an image.
    """
    try:
        return decode_image(path.read_bytes(), path)
    except FileNotFoundError as error:
        raise StorageError(f"{path} is missing.") from error
    except OSError as error:
        raise storage_error(path, error, action="read") from error


def decode_image(data: bytes, path: Path) -> Image:
    """An image file's content as a fresh H×W×3 uint8 RGB array; ``path`` is for messages.

    Raises:
        StorageError: damaged, or not an image.
    """
    try:
        with Pillow.open(io.BytesIO(data)) as picture:
            image = np.array(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        hint = "Remove it, so that it is made anew."
        raise StorageError(f"{path} cannot be read as an image: {error}. {hint}") from error
    check_image(image)
    return image


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _free_space(path: Path) -> int | None:
    for folder in path.absolute().parents:
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return None


def _size(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 2**20:.1f} MiB"
