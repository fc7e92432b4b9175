"""Files of weights from the web into the offline folder: resumed, checked, and never there by half."""

from __future__ import annotations

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import RunError, StorageError

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes there will be, if the server says."""

_CHUNK = 2**20
_RANGE_UNSATISFIABLE = 416


@dataclass(frozen=True)
class RemoteFile:
    """A file on the web.

    Attributes:
        url: http(s) link; its last part is the name of the file.
        sha256: hex digits of its SHA-256, or their beginning, 8 at least.
        size: bytes, if known.
    """

    url: str
    sha256: str
    size: int | None = None

    @property
    def name(self) -> str:
        """Name of the file in its folder."""
        return unquote(urlsplit(self.url).path).rpartition("/")[2]


@dataclass(frozen=True)
class Patience:
    """Limits of a download.

    Attributes:
        silence: seconds a server may say nothing.
        deadline: seconds for all of it.
        largest: bytes a file may have.
    """

    silence: float = 15.0
    deadline: float = 3600.0
    largest: int = 8 * 2**30


def fetch_file(
    file: RemoteFile,
    folder: Path,
    *,
    allow_download: bool = True,
    progress: Progress = lambda done, total: None,
    patience: Patience = Patience(),
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
        patience: limits.

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
    give_up = time.monotonic() + patience.deadline
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            _download(file, part, progress, patience, give_up)
            if _is_intact(part.path, file):
                part.finish(path)
                return path
            part.discard()
    except _Failure as failure:
        raise RunError(f"{file.url} cannot be downloaded: {failure} Or {_by_hand(file, path)}") from failure
    except OSError as error:
        raise StorageError(f"{part.path} cannot be written: {error.strerror or error}.") from error
    raise RunError(f"{file.url} arrived damaged twice. Try again later, or {_by_hand(file, path)}")


class _Failure(Exception):  # noqa: N818 - becomes a RunError that says what to do as well
    """Why the web does not give the file."""


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


def _download(file: RemoteFile, part: Part, progress: Progress, patience: Patience, give_up: float) -> None:
    """Fill ``part``, over as many connections as it takes."""
    while True:
        before = part.size
        try:
            _continue(file, part, progress, patience, give_up)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == _RANGE_UNSATISFIABLE and before:
                    return  # All of it is here, or too much: its digest tells.
                raise _Failure(f"the server answered {error.code} {error.reason}.") from error
        except (TimeoutError, ConnectionError, http.client.HTTPException, urllib.error.URLError) as error:
            if part.size > before:
                continue
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            raise _Failure(f"{reason}. Check the connection.") from error
        else:
            return


def _continue(file: RemoteFile, part: Part, progress: Progress, patience: Patience, give_up: float) -> None:
    """One connection."""
    request = urllib.request.Request(file.url, headers={"User-Agent": "deforum"})  # noqa: S310  from our own tables
    held, version = part.size, part.version
    if held:
        request.add_header("Range", f"bytes={held}-")
        if version:
            request.add_header("If-Range", version)
    with urllib.request.urlopen(request, timeout=patience.silence) as response:  # noqa: S310
        if not _continues(response, held):
            part.begin(_strong_etag(response))
            held = 0
        length = response.length
        total = None if length is None else held + length
        _refuse_size(total, file, patience)
        with part.path.open("ab") as stream:
            for chunk in _chunks(response):
                stream.write(chunk)
                held += len(chunk)
                _refuse_size(max(held, total or 0), file, patience, whole=total is not None)
                if time.monotonic() > give_up:
                    raise _Failure(f"it takes longer than {patience.deadline:g} s. Start again to continue it.")
                progress(held, total)
    if total is not None and held < total:
        raise ConnectionError("the connection broke")


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read1(_CHUNK):
            yield chunk
    except OSError as error:  # Told from the errors of the disk it is written to.
        raise ConnectionError(str(error)) from error


def _continues(response: http.client.HTTPResponse, held: int) -> bool:
    """Whether the answer goes on where the part ends; a server may send all of it instead."""
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {held}-")


def _strong_etag(response: http.client.HTTPResponse) -> str:
    etag = response.headers.get("ETag", "")
    return "" if etag.startswith("W/") else etag


def _refuse_size(size: int | None, file: RemoteFile, patience: Patience, *, whole: bool = True) -> None:
    if size is None:
        return
    if size > patience.largest:
        raise _Failure(f"it is larger than {patience.largest / 2**20:g} MB.")
    if file.size is not None and (size > file.size or (whole and size != file.size)):
        raise _Failure(f"it should have {file.size} bytes, not {size}; another file is there now.")


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
