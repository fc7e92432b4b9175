"""Tolerant reading of JSON objects as people have them: byte order marks, slips of hand editing, other formats."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

from ..errors import Finding, SettingsError
from .schema import Value

Data: TypeAlias = dict[str, Value]
"""A JSON object."""

_TOKEN = re.compile(
    r"""
      (?P<string> "(?:[^"\\]|\\.)*" )
    | (?P<comma> ,(?=\s*[}\]]) )
    | (?P<word> [^\s,:\[\]{}"] [^,\[\]{}"\r\n]* )
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_WORDS = {"None": "null", "True": "true", "False": "false"}
_LITERALS = frozenset({"null", "true", "false", "NaN", "Infinity", "-Infinity"})
_MAX_DEPTH = 100
_TOO_DEEP = f"the JSON is nested more than {_MAX_DEPTH} levels deep, which no settings file is."
_INI = re.compile(r"\s*(\[[\w .-]+\]\s*$|[\w.-]+\s*=)", re.MULTILINE)


def decode(raw: bytes, source: str) -> tuple[str, tuple[Finding, ...]]:
    """Return the text of a file: UTF-8 or UTF-16 with or without byte order mark, else Windows-1252 with a warning.

    Raises:
        SettingsError: the bytes are no text.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace"), ()
    if b"\x00" in raw:
        raise SettingsError("this is a binary file, not a settings file.", key=source)
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    message = "the file is not UTF-8; it was read as Windows-1252, so check its umlauts and accents."
    return text, (Finding("warning", message, key=source),)


def read_object(text: str, source: str) -> tuple[Data, tuple[Finding, ...]]:
    """Read a JSON object, mending what a slip of the hand breaks: trailing commas and bare words as values.

    Args:
        text: the whole text.
        source: name of the file, for messages.

    Returns:
        The object, in the text's order, and a warning for each repair and each key that is there twice.

    Raises:
        SettingsError: the text is something else; the message says what, or where it breaks.
    """
    text = text.removeprefix("\ufeff")
    try:
        return _parse(text, source)
    except ValueError:
        _refuse_other_formats(text, source)
    mended, repairs = _mend(text, source)
    try:
        data, findings = _parse(mended, source)
    except ValueError as error:
        raise _broken(mended, source, error) from error
    return data, repairs + findings


def _parse(text: str, source: str) -> tuple[Data, tuple[Finding, ...]]:
    findings: list[Finding] = []

    def build(pairs: list[tuple[str, Value]]) -> Data:
        built: Data = {}
        for key, value in pairs:
            if key in built and built[key] != value:
                findings.append(Finding("warning", "is there twice with different values; the last one counts.", key))
            built[key] = value
        return built

    try:
        data = json.loads(text, strict=False, object_pairs_hook=build)
    except RecursionError as error:
        raise SettingsError(_TOO_DEEP, key=source) from error
    if _is_deeper(data, _MAX_DEPTH):
        raise SettingsError(_TOO_DEEP, key=source)
    if not isinstance(data, dict):
        raise SettingsError(f"a settings file is a JSON object in braces, not {_kind(data)}.", key=source)
    return data, tuple(findings)


def _mend(text: str, source: str) -> tuple[str, tuple[Finding, ...]]:
    findings: list[Finding] = []

    def mend(match: re.Match[str]) -> str:
        old = match.group()
        new = _mended(match)
        if new != old:
            line = text.count("\n", 0, match.start()) + 1
            what = "a comma too many" if match["comma"] else f"{_short(old)} stands without quotes"
            findings.append(Finding("warning", f"line {line}: {what}; mended.", key=source))
        return new

    return _TOKEN.sub(mend, text), tuple(findings)


def _mended(match: re.Match[str]) -> str:
    if match["comma"]:
        return ""
    word = match["word"]
    if word is None or word.strip() in _LITERALS or _NUMBER.fullmatch(word.strip()):
        return match.group()
    return _WORDS.get(word.strip(), json.dumps(word.strip()))


def _refuse_other_formats(text: str, source: str) -> None:
    start = text.lstrip()
    if not start:
        raise SettingsError("the file is empty.", key=source)
    if start.startswith("<"):
        raise SettingsError("this is a web page, not a settings file.", key=source, hint="Download the raw file.")
    if not start.startswith("{") and _INI.match(start):
        hint = "Save the settings from the Deforum tab to get JSON."
        raise SettingsError("this is an INI file; settings files are JSON.", key=source, hint=hint)


def _broken(text: str, source: str, error: ValueError) -> SettingsError:
    if not isinstance(error, json.JSONDecodeError):
        return SettingsError(f"the JSON cannot be read: {error}.", key=source)
    lines = text.split("\n")
    line = lines[min(error.lineno, len(lines)) - 1]
    message = f"line {error.lineno} is not valid JSON: {error.msg.lower()}."
    return SettingsError(message, key=source, column=error.colno, text=line)


def _is_deeper(data: Value, levels: int) -> bool:
    if not isinstance(data, (dict, list)):
        return False
    inner = data.values() if isinstance(data, dict) else data
    return levels == 0 or any(_is_deeper(value, levels - 1) for value in inner)


def _kind(data: Value) -> str:
    if isinstance(data, list):
        return "a list"
    return "a text" if isinstance(data, str) else "a single value"


def _short(text: str) -> str:
    return text.strip() if len(text) <= 40 else text[:37].strip() + "..."


def is_manifest(data: Mapping[str, Value]) -> bool:
    """Tell whether ``data`` is a Parseq manifest that was mistaken for a settings file."""
    return ("rendered_frames" in data or "keyframes" in data) and "W" not in data and "max_frames" not in data
