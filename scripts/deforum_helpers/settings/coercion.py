"""From a value as found in a file, a form or on the command line to the type its setting has."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..errors import Finding, SettingsError
from .reading import read_object
from .schema import Kind, Setting, Value, nearest

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_SHOWN = 60


def coerce(setting: Setting, raw: Value) -> tuple[Value, tuple[Finding, ...]]:
    """Return ``raw`` as a value of ``setting``, with remarks about values that are legal but unusual.

    Numbers may be text, whole numbers may be written as ``12.0``, a schedule may be a bare number, a choice may differ
    in case, null means the default (of an optional setting: nothing). Numbers are neither clamped nor rounded.

    Raises:
        SettingsError: it cannot be one; the finding names key, value and what is allowed.
    """
    try:
        value = _blank(setting) if raw is None else _READERS[setting.kind](setting, raw)
    except ValueError as error:
        raise SettingsError(f"{_show(raw)} {error}.", key=setting.key, hint=_allowed(setting)) from error
    findings = remarks(setting, value)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise SettingsError(errors)
    return value, findings


def remarks(setting: Setting, value: Value) -> tuple[Finding, ...]:
    """Return what is to be said about a value of the right type: beyond a hard limit, or beyond what is on offer."""
    if setting.kind in ("integer", "number"):
        return _remarks_on_number(setting, value)
    if setting.kind == "choice" and setting.choices and value not in setting.choices:
        return _remarks_on_choice(setting, value)
    return ()


def _remarks_on_choice(setting: Setting, value: str) -> tuple[Finding, ...]:
    plain = " ".join(value.lower().split())
    if any(plain == other.lower() for other in (*setting.choices, *setting.others)):
        return ()
    near = nearest(value, (*setting.choices, *setting.others))
    message = f"{_show(value)} is not in the list of known ones; it is passed on as it is."
    return (Finding("note", message, key=setting.key, hint=f"Did you mean {near}?" if near else ""),)


def _remarks_on_number(setting: Setting, value: float) -> tuple[Finding, ...]:
    if _outside(value, setting.least, setting.most):
        message = f"{value} is out of range."
        return (Finding("error", message, key=setting.key, hint=_allowed(setting)),)
    if _outside(value, setting.minimum, setting.maximum):
        message = f"{value} is outside the usual {setting.minimum} to {setting.maximum}; it is used as it is."
        return (Finding("note", message, key=setting.key),)
    return ()


def _outside(value: float, low: float | None, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def _blank(setting: Setting) -> Value:
    if setting.kind == "prompts":
        return MappingProxyType({})
    return "" if setting.optional else setting.default


def _flag(_: Setting, raw: Value) -> bool:
    text = str(raw).strip().lower()
    if text not in _FLAGS:
        raise ValueError("is neither true nor false")
    return _FLAGS[text]


def _integer(setting: Setting, raw: Value) -> int:
    value = _number(setting, raw)
    if value != int(value):
        raise ValueError("is not a whole number")
    return int(value)


def _number(_: Setting, raw: Value) -> float:
    if isinstance(raw, str) and _NUMBER.fullmatch(raw.strip()) and len(raw) < _SHOWN:
        raw = int(raw) if raw.strip().lstrip("+-").isdecimal() else float(raw)
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise ValueError("is not a number")
    # Beyond this no float is exact, and comparing or converting an endless integer may fail.
    if not (math.isfinite(raw) if isinstance(raw, float) else raw.bit_length() < 1024):
        raise ValueError("is not a finite number")
    return raw


def _choice(setting: Setting, raw: Value) -> str:
    if setting.saved_as == "index" and str(raw).strip().isdecimal() and not isinstance(raw, bool):
        if int(raw) >= len(setting.choices):
            raise ValueError("is not the number of a choice")
        return setting.choices[int(raw)]
    if raw is False and "None" in setting.choices:
        return "None"
    if not isinstance(raw, str):
        raise ValueError("is not one of the choices")
    for offered in setting.choices:
        if offered.lower() == raw.strip().lower():
            return offered
    if setting.open_choices:
        return raw
    near = nearest(raw, setting.choices)
    raise ValueError("is not one of the choices" + (f", {near!r} comes closest" if near else ""))


def _text(_: Setting, raw: Value) -> str:
    if isinstance(raw, (dict, list)):
        raise ValueError("is not a text")
    return raw if isinstance(raw, str) else json.dumps(raw)


def _path(setting: Setting, raw: Value) -> str:
    if not isinstance(raw, str):
        raise ValueError("is not a path")
    return "" if raw == "None" else _text(setting, raw)


def _json(setting: Setting, raw: Value) -> str:
    if isinstance(raw, (dict, list)):
        return json.dumps(raw, indent=4, ensure_ascii=False)
    return _path(setting, raw)


def _schedule(setting: Setting, raw: Value) -> str:
    if isinstance(raw, (bool, int, float)):
        return f"0:({_number(setting, int(raw) if isinstance(raw, bool) else raw)})"
    return _text(setting, raw)


def _prompts(setting: Setting, raw: Value) -> Mapping[str, str]:
    if isinstance(raw, str):
        raw = _prompts_of_text(setting, raw)
    if not isinstance(raw, Mapping):
        raise ValueError("is not an object of frames and prompts")
    if any(isinstance(prompt, (dict, list)) for prompt in raw.values()):
        raise ValueError("holds a prompt that is not a text")
    return MappingProxyType({str(frame): _prompt(setting, prompt) for frame, prompt in raw.items()})


def _prompts_of_text(setting: Setting, text: str) -> Mapping[str, Value]:
    if not text.strip():
        return {}
    # One prompt for the whole video, as typed on a command line, needs no braces.
    return read_object(text, setting.key)[0] if text.lstrip().startswith("{") else {"0": text}


def _prompt(setting: Setting, raw: Value) -> str:
    return "" if raw is None else _text(setting, raw)


def _object(_: Setting, raw: Value) -> Value:
    return raw


_READERS: Mapping[Kind, Callable[[Setting, Value], Value]] = {
    "flag": _flag,
    "integer": _integer,
    "number": _number,
    "choice": _choice,
    "text": _text,
    "path": _path,
    "json": _json,
    "schedule": _schedule,
    "text_schedule": _text,
    "prompts": _prompts,
    "object": _object,
}


def _allowed(setting: Setting) -> str:
    if setting.kind == "flag":
        return "Allowed: true, false."
    if setting.kind == "choice":
        return f"Allowed: {', '.join(setting.choices)}."
    if setting.kind in ("integer", "number"):
        return _allowed_numbers(setting)
    if setting.kind == "prompts":
        return 'Write {"0": "first prompt", "30": "second prompt"}.'
    if setting.kind in ("schedule", "text_schedule"):
        return f"Write it like {setting.default}."
    return ""


def _allowed_numbers(setting: Setting) -> str:
    what = "whole numbers" if setting.kind == "integer" else "numbers"
    low = "" if setting.least is None else f" from {setting.least}"
    high = "" if setting.most is None else f" to {setting.most}"
    return f"Allowed: {what}{low}{high}."


def _show(raw: Value) -> str:
    try:
        text = raw if isinstance(raw, str) else json.dumps(raw, default=str)
    except ValueError:  # an integer too long to be written out
        return "the value"
    text = " ".join(text.split())
    text = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    return repr(text) if isinstance(raw, str) else text
