"""Files of weights from the web into the offline folder: resumed, checked, and never there by half."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import RunError, StorageError
from ..web import Limits, Reply, WebError, open_url

LIMITS = Limits(size=8 * 2**30, timeout=15.0, deadline=3600.0)
"""Of a file of weights."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes there will be, if the server says."""

_CHUNK = 2**20
_RANGE_UNSATISFIABLE = 416
_PASSING = ("silent", "broken")
"""Failures after which another connection may go on."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on the web.

    Attributes:
        url: http(s) link; its last part is the name of the file.
        sha256: hex digits of its SHA-256, or their beginning, 8 at least; empty where nobody has published it, so that
            only the loading of the file tells whether it is whole.
        size: bytes, if known.
    """

    url: str
    sha256: str
    size: int | None = None

    @property
    def name(self) -> str:
        """Name of the file in its folder."""
        return unquote(urlsplit(self.url).path).rpartition("/")[2]


def fetch_file(
    file: RemoteFile,
    folder: Path,
    *,
    allow_download: bool = True,
    progress: Progress = lambda done, total: None,
    limits: Limits = LIMITS,
) -> Path:
    """The path of ``file`` in ``folder``, whole and checked, downloaded if need be.

    It grows as ``NAME.part`` and gets its name at the end. A part left by an earlier attempt is continued if the server
    still has the same file; a broken connection is taken up again as long as each one brings something. A damaged
    download is repeated once.

    Args:
        file: what to get.
        folder: where it belongs; made if missing. Only one process at a time may fetch a file into it.
        allow_download: whether the web may be asked; else it has to be there.
        progress: told after every chunk; what it raises ends the download, and the part is kept.
        limits: of the download as a whole, broken connections included.

    Raises:
        RunError: it cannot be had; names the link, and the place to put it by hand.
        StorageError: it cannot be written.
    """
    path = folder / file.name
    if path.is_file() and _is_intact(path, file):
        return path
    if not allow_download:
        state = "is damaged" if path.exists() else "is missing"
        raise RunError(f"The file {path} {state}. Allow downloads, or {_by_hand(file, path)}")
    part = Part(path)
    give_up = time.monotonic() + limits.deadline
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            _download(file, part, progress, limits, give_up)
            if _is_intact(part.path, file):
                part.finish(path)
                return path
            part.discard()
    except WebError as error:
        reason = _reason(error, limits)
        raise RunError(f"{file.url} cannot be downloaded: {reason} Or {_by_hand(file, path)}") from error
    except OSError as error:
        raise StorageError(f"{part.path} cannot be written: {error.strerror or error}.") from error
    raise RunError(f"{file.url} arrived damaged twice. Try again later, or {_by_hand(file, path)}")


def _reason(error: WebError, limits: Limits) -> str:
    if error.kind == "deadline":
        return f"it takes longer than {limits.deadline:g} s. Start again to continue it."
    return f"{error}. Check the connection." if error.kind in _PASSING else f"{error}."


@dataclass(frozen=True)
class Part:
    """A file that has not fully arrived, beside the place where it belongs, with the version the server named it."""

    target: Path

    @property
    def path(self) -> Path:
        """The bytes so far."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def _version_path(self) -> Path:
        return self.target.with_name(self.target.name + ".part.version")

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def version(self) -> str:
        """The strong ETag of what is here, or empty."""
        with suppress(OSError):
            return self._version_path.read_text("utf-8").strip()
        return ""

    def begin(self, version: str) -> None:
        """Start over, with a file of ``version``."""
        self.path.write_bytes(b"")
        self._version_path.write_text(version, "utf-8")

    def discard(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)
        self._version_path.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        """Give it its name."""
        with self.path.open("r+b") as stream:
            os.fsync(stream.fileno())
        self.path.replace(target)
        self.discard()


def _download(file: RemoteFile, part: Part, progress: Progress, limits: Limits, give_up: float) -> None:
    """Fill ``part``, over as many connections as it takes."""
    while True:
        before = part.size
        try:
            return _continue(file, part, progress, replace(limits, deadline=give_up - time.monotonic()))
        except WebError as error:
            if error.status == _RANGE_UNSATISFIABLE and before:
                return None  # All of it is here, or too much: its digest tells.
            if error.kind not in _PASSING or part.size == before:
                raise


def _continue(file: RemoteFile, part: Part, progress: Progress, limits: Limits) -> None:
    """One connection."""
    held, version = part.size, part.version
    headers = {"Range": f"bytes={held}-"} if held else {}
    if held and version:
        headers["If-Range"] = version
    with open_url(file.url, limits, headers=headers) as reply:
        if not _continues(reply, held):
            part.begin(_strong_etag(reply))
            held = 0
        total = None if reply.length is None else held + reply.length
        if total is not None:
            _refuse_other(file, total, whole=True)
        with part.path.open("ab") as stream:
            for chunk in reply.chunks(held):
                stream.write(chunk)
                held += len(chunk)
                _refuse_other(file, held, whole=False)
                progress(held, total)


def _continues(reply: Reply, held: int) -> bool:
    """Whether the answer goes on where the part ends; a server may send all of it instead."""
    return reply.status == 206 and reply.headers.get("Content-Range", "").startswith(f"bytes {held}-")


def _strong_etag(reply: Reply) -> str:
    etag = reply.headers.get("ETag", "")
    return "" if etag.startswith("W/") else etag


def _refuse_other(file: RemoteFile, size: int, *, whole: bool) -> None:
    if file.size is not None and (size > file.size or (whole and size < file.size)):
        raise WebError(f"it should have {file.size} bytes, not {size}; another file is there now", "size")


def _is_intact(path: Path, file: RemoteFile) -> bool:
    if file.size is not None and path.stat().st_size != file.size:
        return False
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest().startswith(file.sha256.lower())


def _by_hand(file: RemoteFile, path: Path) -> str:
    return f"get {file.url} in another way and put it at {path}."
