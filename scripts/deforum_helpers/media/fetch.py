"""Fetching media from the web into a file."""

from __future__ import annotations

from pathlib import Path

from ..errors import StorageError
from ..web import Limits, WebError, open_url
from .store import storage_error

SOUND_LIMITS = Limits(size=512 << 20, timeout=20.0, deadline=300.0)
PICTURE_LIMITS = Limits(size=64 << 20, timeout=20.0, deadline=120.0)
VIDEO_LIMITS = Limits(size=4 << 30, timeout=20.0, deadline=1800.0)


def download(url: str, target: Path, *, limits: Limits = SOUND_LIMITS, allow_private: bool = True) -> Path:
    """Fetch ``url`` (http or https, redirects to such included) into ``target``. Returns ``target``.

    Raises:
        StorageError: it cannot be fetched, is empty, too large, takes too long, or cannot be written.
    """
    try:
        with open_url(url, limits, allow_private=allow_private) as reply, target.open("wb") as file:
            file.writelines(reply.chunks())
            size = file.tell()
    except WebError as error:
        hint = " Download it yourself and give its path." if error.kind in ("size", "deadline") else ""
        raise StorageError(f"{url} cannot be fetched: {error}.{hint}") from error
    except OSError as error:
        raise storage_error(target, error) from error
    if not size:
        raise StorageError(f"{url} is empty.")
    return target
