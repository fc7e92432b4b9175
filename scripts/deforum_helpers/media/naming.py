"""Names of runs and their folders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from ..errors import InputError

MAX_VALUE_LENGTH = 50
"""Characters a placeholder's value may add to a name."""
MAX_NAME_BYTES = 255
"""Longest name of a folder or file that the usual file systems take, bytes of UTF-8."""
_TIMESTRING = "%Y%m%d%H%M%S"
_PLACEHOLDER = re.compile(r"{(\w+)}")
_UNSAFE = re.compile(r'[<>:"/\\|?*,\s\x00-\x1f]')


def timestring(moment: datetime) -> str:
    """``moment`` as 14 digits, YYYYMMDDHHMMSS."""
    # strftime does not pad years on every platform.
    return f"{moment.year:04}{moment:%m%d%H%M%S}"


def parse_timestring(text: str) -> datetime:
    """The moment a timestring stands for (to resume a run).

    Raises:
        InputError: it is not 14 digits of a date and time.
    """
    try:
        if not re.fullmatch(r"[0-9]{14}", text):
            raise ValueError(text)
        return datetime.strptime(text, _TIMESTRING)
    except ValueError as error:
        raise InputError(
            f"{text!r} is not a timestring; it is the 14 digits YYYYMMDDHHMMSS that the run's file names begin with.",
            key="resume_timestring",
        ) from error


def substitute_placeholders(template: str, values: Mapping[str, object], *, max_bytes: int = MAX_NAME_BYTES) -> str:
    r"""Fill ``{name}`` in ``template`` and make the result a single, safe name.

    Names are looked up whatever their case. A value is cut to 50 characters; a mapping stands for its first value;
    anything empty (None, "", 0, False) becomes ``_``; an unknown name is left as its own lower-case text. Then each
    of ``< > : " / \ | ? *``, comma and white space becomes ``_``, so that no sub-folder can come of it.

    Args:
        template: e.g. ``"Deforum_{timestring}"``.
        values: what may be named; of names differing in case only, the last wins.
        max_bytes: the result is cut to this many bytes of UTF-8.
    """
    lowered = {name.lower(): value for name, value in values.items()}
    filled = _PLACEHOLDER.sub(lambda match: _value_text(match[1].lower(), lowered), template)
    name = _UNSAFE.sub("_", filled).encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")
    # Dots alone would name this folder or the one above it.
    return "_" if not name.strip(".") else name


def output_folder(base: Path, batch_name: str, values: Mapping[str, object]) -> Path:
    """Folder of a run: ``batch_name``, placeholders filled, directly below ``base``. Nothing is created."""
    return base / substitute_placeholders(batch_name, values)


def clean_stem(stem: str, *, max_bytes: int = MAX_NAME_BYTES) -> str:
    r"""``stem`` as the name of a tool's folder: each of ``/ \ < > : " | ? * . ,`` and white space becomes ``_``.

    Args:
        stem: name of the file that the tool is given, without its ending.
        max_bytes: the result is cut to this many bytes of UTF-8.
    """
    return (
        _UNSAFE.sub("_", stem).replace(".", "_").encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore") or "_"
    )


def _value_text(name: str, values: Mapping[str, object]) -> str:
    value = values.get(name, name)
    if isinstance(value, Mapping):
        value = next(iter(value.values()), None)
    return str(value)[:MAX_VALUE_LENGTH] if value else "_"
