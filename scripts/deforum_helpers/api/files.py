"""Serving files: in parts where asked for, as players of videos do. Older web UIs have no such reply of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fastapi import Response
from fastapi.responses import StreamingResponse

_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def file_reply(path: Path, media_type: str, wanted: str | None) -> Response:
    """The file, or the part that the header ``Range`` asks for; several parts are answered by the whole.

    Args:
        path: an existing file.
        media_type: of the reply.
        wanted: the header; None without one.

    Raises:
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    headers = {"Accept-Ranges": "bytes", "Content-Disposition": f'inline; filename="{_quoted(path.name)}"'}
    asked = _RANGE.fullmatch(wanted.strip()) if wanted else None
    if asked is None or not any(asked.groups()):
        return _part(path, 0, size, 200, media_type, headers)
    start, end = _span(asked[1], asked[2], size)
    if start >= end:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return _part(path, start, end, 206, media_type, headers)


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """Start and end (exclusive) of the part; empty if there is none."""
    if not first:  # the last so many bytes
        return max(0, size - int(last)), size
    end = min(size, int(last) + 1) if last else size
    return int(first), end


def _part(path: Path, start: int, end: int, status: int, media_type: str, headers: dict[str, str]) -> Response:
    headers = {**headers, "Content-Length": str(end - start)}
    return StreamingResponse(_chunks(path, start, end), status, headers, media_type)


def _chunks(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        left = end - start
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _quoted(name: str) -> str:
    return re.sub(r"[^\w.()-]", "_", name, flags=re.ASCII)
