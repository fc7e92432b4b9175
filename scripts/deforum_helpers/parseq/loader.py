"""Getting a manifest from wherever the user has it: pasted text, a URL or a file."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ..errors import ManifestError
from ..web import Limits, WebError, is_url, open_url
from .manifest import GET_THE_MANIFEST, MANIFEST_KEY, Manifest, parse_manifest

LIMIT = 64 * 2**20
"""Bytes a manifest may have, packed and unpacked."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WBITS = 31
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_HTTP_HINTS = {
    403: "The link may have expired or been withdrawn: upload the output in Parseq again.",
    404: "Check the link, or upload the output in Parseq again.",
}


def load_manifest(
    text: str,
    *,
    base_dirs: Sequence[Path] = (),
    timeout: float = 15.0,
    deadline: float = 120.0,
    limit: int = LIMIT,
    allow_private: bool = True,
) -> Manifest:
    """Load a manifest from JSON text, an http(s) URL, or the path of a ``.json`` or ``.json.gz`` file.

    Args:
        text: the value of the setting ``parseq_manifest``.
        base_dirs: folders a relative path is looked for in, in order; the current folder comes last.
        timeout: seconds a server may be silent.
        deadline: seconds a download may take in all.
        limit: bytes it may have, packed and unpacked.
        allow_private: as in ``web.open_url``.

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
        data = _fetch(given, Limits(limit, timeout, deadline), allow_private=allow_private)
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


def _fetch(url: str, limits: Limits, *, allow_private: bool) -> bytes:
    try:
        with open_url(url, limits, headers={"Accept-Encoding": "gzip"}, allow_private=allow_private) as reply:
            return b"".join(reply.chunks())
    except WebError as error:
        if error.kind == "size":
            raise _too_large(url, limits.size) from error
        if error.kind == "deadline":
            hint = "Download the manifest and give the path of the file instead."
            raise ManifestError("The download took too long and was given up.", key=url, hint=hint) from error
        hint = "Check the link and the connection, or download the manifest and give the path of the file."
        said = str(error)
        message = f"The manifest cannot be fetched. {said[0].upper()}{said[1:]}."
        raise ManifestError(message, key=url, hint=_HTTP_HINTS.get(error.status, hint)) from error


def _too_large(where: str, limit: int) -> ManifestError:
    message = f"The manifest is larger than {limit / 2**20:g} MB, the most that is read."
    return ManifestError(message, key=where, hint="Check that this is the manifest; manage fewer fields in Parseq.")


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
            data = stream.read(limit + 1)
    except OSError as error:
        message = f"The file cannot be read: {error.strerror or error}."
        raise ManifestError(message, key=str(path), hint="Check its permissions.") from error
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
