"""Getting a manifest from wherever the user has it: pasted text, a URL or a file."""

from __future__ import annotations

import http.client
import re
import string
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, quote, urlsplit

from ..errors import ManifestError
from .manifest import GET_THE_MANIFEST, MANIFEST_KEY, Manifest, parse_manifest

LIMIT = 64 * 2**20
"""Bytes a manifest may have, packed and unpacked."""

_CHUNK = 2**16
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WBITS = 31
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_HTTP_HINTS = {
    403: "The link may have expired or been withdrawn: upload the output in Parseq again.",
    404: "Check the link, or upload the output in Parseq again.",
}


def is_url(text: str) -> bool:
    """Whether ``text`` is an ``http://`` or ``https://`` link."""
    return text.strip().lower().startswith(("http://", "https://"))


def load_manifest(
    text: str,
    *,
    base_dirs: Sequence[Path] = (),
    timeout: float = 15.0,
    deadline: float = 120.0,
    limit: int = LIMIT,
) -> Manifest:
    """Load a manifest from JSON text, an http(s) URL, or the path of a ``.json`` or ``.json.gz`` file.

    Args:
        text: the value of the setting ``parseq_manifest``.
        base_dirs: folders a relative path is looked for in, in order; the current folder comes last.
        timeout: seconds a server may be silent.
        deadline: seconds a download may take in all.
        limit: bytes it may have, packed and unpacked.

    Raises:
        ManifestError: it cannot be fetched, found, read or used; the message says what to do.
    """
    given = text.strip().lstrip("\ufeff").strip()
    if not given:
        raise ManifestError("The Parseq manifest is empty.", key=MANIFEST_KEY, hint=GET_THE_MANIFEST)
    if given.startswith(("{", "[", "<")):
        return parse_manifest(given)
    if is_url(given):
        _refuse_app_page(given)
        data = _within(deadline, given, lambda: _fetch(given, timeout=timeout, deadline=deadline, limit=limit))
        return parse_manifest(_decoded(data, limit, given), source=given)
    path = _find_file(given, base_dirs)
    return parse_manifest(_decoded(_read_file(path, limit), limit, str(path)), source=str(path))


def _refuse_app_page(url: str) -> None:
    """Links of the Parseq app show a document to people; they do not hold its rendered frames."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise ManifestError(f"Not a valid link: {error}.", key=MANIFEST_KEY, hint=GET_THE_MANIFEST) from error
    is_app = host.startswith("sd-parseq") and host.endswith((".web.app", ".firebaseapp.com"))
    is_app = is_app or (parts.path in ("", "/", "/deforum") and "docId" in parse_qs(parts.query))
    if is_app:
        message = f"{url} is a page of the Parseq app, not a manifest."
        raise ManifestError(message, key=MANIFEST_KEY, hint=GET_THE_MANIFEST)


# --- URLs -------------------------------------------------------------------------------------------------------------


def _opener() -> urllib.request.OpenerDirector:
    # Not build_opener(), which adds handlers for file, ftp and data: no link and no redirect may lead there.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _fetch(url: str, *, timeout: float, deadline: float, limit: int) -> bytes:
    give_up = time.monotonic() + deadline
    hint = "Check the link and the connection, or download the manifest and give the path of the file."
    try:
        # Quoting what is not allowed in a link (spaces, umlauts) leaves what is quoted already as it is.
        request = urllib.request.Request(  # noqa: S310  only http(s) has a handler
            quote(url, safe=string.punctuation), headers={"User-Agent": "deforum", "Accept-Encoding": "gzip"}
        )
        with _opener().open(request, timeout=timeout) as response:
            return _read_chunks(response, url, give_up=give_up, limit=limit)
    except urllib.error.HTTPError as error:
        with error:
            message = f"The server answered {error.code} {error.reason}."
            raise ManifestError(message, key=url, hint=_HTTP_HINTS.get(error.code, hint)) from error
    except TimeoutError as error:
        raise ManifestError(f"The server was silent for {timeout:g} s.", key=url, hint=hint) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise ManifestError(f"The server was silent for {timeout:g} s.", key=url, hint=hint) from error
        raise ManifestError(f"The manifest cannot be fetched: {reason!s}.", key=url, hint=hint) from error


def _read_chunks(response: http.client.HTTPResponse, url: str, *, give_up: float, limit: int) -> bytes:
    data = bytearray()
    announced = response.length  # None if the server does not say
    # read1() returns what has arrived, so that a server that dribbles cannot hold us in one call.
    while len(data) != announced and (chunk := response.read1(_CHUNK)):
        data += chunk
        if len(data) > limit:
            raise _too_large(url, limit)
        if time.monotonic() > give_up:
            raise _too_slow(url)
    if announced is not None and len(data) < announced:
        raise http.client.IncompleteRead(bytes(data), announced - len(data))
    return bytes(data)


def _within(seconds: float, url: str, work: Callable[[], bytes]) -> bytes:
    """The result of ``work``, waiting ``seconds`` at most: name look-up and headers obey no total time otherwise."""
    results: list[bytes] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  handed over to the caller's thread
            failures.append(error)

    thread = threading.Thread(target=run, name="parseq-manifest", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not results:
        raise _too_slow(url)
    return results[0]


def _too_large(where: str, limit: int) -> ManifestError:
    message = f"The manifest is larger than {limit / 2**20:g} MB, the most that is read."
    return ManifestError(message, key=where, hint="Check that this is the manifest; manage fewer fields in Parseq.")


def _too_slow(url: str) -> ManifestError:
    hint = "Download the manifest and give the path of the file instead."
    return ManifestError("The download took too long and was given up.", key=url, hint=hint)


# --- files ------------------------------------------------------------------------------------------------------------


def _find_file(given: str, base_dirs: Sequence[Path]) -> Path:
    if scheme := _SCHEME.match(given):
        message = f"Links of the kind {scheme[1]}:// are not fetched; allowed are http, https and paths of files."
        raise ManifestError(message, key=MANIFEST_KEY)
    if "\n" in given or "\0" in given:
        message = "Neither JSON, nor a link, nor the path of a file."
        raise ManifestError(message, key=MANIFEST_KEY, hint=GET_THE_MANIFEST)
    try:
        # Windows copies paths in quotes.
        path = Path(given.strip("\"'")).expanduser()
        # An absolute path is not changed by a folder before it.
        candidates = list(dict.fromkeys((base / path).absolute() for base in (*base_dirs, Path())))
        found = next((candidate for candidate in candidates if candidate.exists()), None)
    except (OSError, RuntimeError, ValueError) as error:
        raise ManifestError(f"Not the path of a file: {error}.", key=MANIFEST_KEY, hint=GET_THE_MANIFEST) from error
    if found is None:
        looked = ", ".join(str(candidate) for candidate in candidates)
        raise ManifestError(f"No such file; looked for {looked}.", key=MANIFEST_KEY, hint=GET_THE_MANIFEST)
    if not found.is_file():
        kind = "a folder" if found.is_dir() else "no regular file"
        raise ManifestError(f"{found} is {kind}; give the path of a .json or .json.gz file.", key=MANIFEST_KEY)
    return found


def _read_file(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as stream:
            return _read_at_most(stream, limit, path)
    except OSError as error:
        message = f"The file cannot be read: {error.strerror or error}."
        raise ManifestError(message, key=str(path), hint="Check its permissions.") from error


def _read_at_most(stream: BinaryIO, limit: int, path: Path) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise _too_large(str(path), limit)
    return data


# --- both -------------------------------------------------------------------------------------------------------------


def _decoded(data: bytes, limit: int, where: str) -> str:
    """The text of ``data``, which may be gzipped, as files and as replies of servers are."""
    if data.startswith(_GZIP_MAGIC):
        data = _unzipped(data, limit, where)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = "This is no UTF-8 text, so it is no manifest."
        raise ManifestError(message, key=where, hint=GET_THE_MANIFEST) from error


def _unzipped(data: bytes, limit: int, where: str) -> bytes:
    unzip = zlib.decompressobj(wbits=_GZIP_WBITS)
    try:
        # Bounded, for a few packed bytes can hold gigabytes.
        unpacked = unzip.decompress(data, limit + 1)
    except zlib.error as error:
        message = f"The gzip data is damaged: {error}."
        raise ManifestError(message, key=where, hint="Get the file again.") from error
    if len(unpacked) > limit:
        raise _too_large(where, limit)
    if not unzip.eof:
        raise ManifestError("The gzip data ends too soon.", key=where, hint="Get the file again.")
    return unpacked
