"""Settings files: read whatever people have, write what every version can read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..errors import Finding, SettingsError
from .coercion import coerce
from .legacy import NOT_MISSPELT, is_whole_file, modernise
from .reading import Data, decode, is_manifest, read_object
from .schema import (
    SETTINGS,
    TRAILER_KEYS,
    InterfaceArgs,
    PromptArgs,
    Setting,
    Settings,
    Trailer,
    Value,
    nearest,
    unknown_key,
)

_RUN_FILE_NAMES = {
    "animation_prompts_positive": "positive_prompts",
    "animation_prompts_negative": "negative_prompts",
}
_RECORDS = frozenset({"fetched_parseq_manifest_summary"})
"""Keys that a file holds for the record."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_TYPO_CUTOFF = 0.85
"""How alike an unknown key must be to a setting to be taken for a slip of the pen."""


@dataclass(frozen=True)
class Loaded:
    """Settings that were read, and what there is to say about them.

    Attributes:
        findings: warnings and notes; errors are raised.
        source: name of the file or other origin, for messages.
        folder: folder of the file, where the relative paths in it are looked up first; None without a file.
    """

    settings: Settings
    findings: tuple[Finding, ...] = ()
    source: str = ""
    folder: Path | None = None


def load_settings(path: str | Path, *, base: Settings | None = None) -> Loaded:
    """Read a settings file.

    Args:
        path: the file.
        base: where the values of missing keys come from. Without it they are the defaults, except the prompts: a file
            without prompts has none, rather than the example prompts.

    Raises:
        SettingsError: the file cannot be read, is no settings file, or has values that are not allowed; all of these
            are listed.
    """
    file = Path(path)
    try:
        raw = file.read_bytes()
    except FileNotFoundError as error:
        raise SettingsError("there is no such file.", key=str(path)) from error
    except IsADirectoryError as error:
        raise SettingsError("this is a folder, not a settings file.", key=str(path)) from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"the file cannot be read: {error}.", key=str(path)) from error
    text, remarks = decode(raw, file.name)
    loaded = parse_settings(text, file.name, base=base)
    return replace(loaded, findings=remarks + loaded.findings, folder=file.resolve().parent)


def parse_settings(text: str, source: str = "settings", *, base: Settings | None = None) -> Loaded:
    """Read the text of a settings file; arguments and errors as in :func:`load_settings`."""
    data, remarks = read_object(text, source)
    loaded = settings_from(data, source, base=base)
    return replace(loaded, findings=remarks + loaded.findings)


def settings_from(data: Mapping[str, Value], source: str = "settings", *, base: Settings | None = None) -> Loaded:
    """Read a settings file that is an object already, as the API gets it; otherwise as :func:`load_settings`.

    With a ``base``, an object with a few keys only has all others from there. Without one, as in a file, a key that is
    missing may say that the file is older than the key (see :func:`legacy.modernise`).
    """
    if is_manifest(data):
        hint = "Put it into the setting parseq_manifest."
        raise SettingsError("this is a Parseq manifest, not a settings file.", key=source, hint=hint)
    modern, remarks = modernise(data, whole_file=base is None or is_whole_file(data))
    values, found = _coerced(modern)
    extra = {key: value for key, value in modern.items() if key not in SETTINGS and key not in TRAILER_KEYS}
    start = Settings(prompts=PromptArgs({}, "", "")) if base is None else base
    settings = replace(start.with_values(values), trailer=_trailer(modern), extra=extra)
    return Loaded(settings, (*remarks, *found, *_on_prompts(modern), *_on_unknown(extra)), source)


def with_overrides(settings: Settings, overrides: Mapping[str, str]) -> Loaded:
    """Return settings with some values replaced by what was typed for them, such as ``{"max_frames": "90"}``.

    Every text is read by the type of its setting, as in a settings file; older names and values are understood.

    Raises:
        SettingsError: unknown keys or values that are not allowed; all of them are listed.
    """
    modern, remarks = modernise(overrides, whole_file=False)
    known = {key: value for key, value in modern.items() if key in SETTINGS}
    unknown = [unknown_key(key) for key in modern if key not in SETTINGS]
    try:
        values, found = _coerced(known)
    except SettingsError as error:
        raise SettingsError((*unknown, *error.findings)) from error
    if unknown:
        raise SettingsError(unknown)
    return Loaded(settings.with_values(values), (*remarks, *found), "overrides")


def dump_settings(settings: Settings, *, kind: Literal["save", "run"] = "save") -> str:
    """Return the text of a settings file.

    Keys and types are the original's, in its order, followed by ``settings.extra``. Prompts are written as typed.

    Args:
        settings: what to write.
        kind: ``"save"`` as the page's Save button writes it, ``"run"`` as the record of a run: the two texts around
            the prompts are then called ``positive_prompts`` and ``negative_prompts``.
    """
    names = _RUN_FILE_NAMES if kind == "run" else {}
    data: Data = {}
    for key, setting in SETTINGS.items():
        value = settings.value(key)
        if _is_written(setting, value):
            data[names.get(key, key)] = _as_saved(setting, value)
    data.update((key, getattr(settings.trailer, key)) for key in TRAILER_KEYS)
    data.update((key, value) for key, value in settings.extra.items() if key not in data)
    text = json.dumps(data, indent=4, ensure_ascii=False)
    # Half a character cannot be encoded as UTF-8, but may have come in by an escape.
    return _SURROGATE.sub(lambda half: f"\\u{ord(half.group()):04x}", text)


def _is_written(setting: Setting, value: Value) -> bool:
    if setting.saved:
        return True
    # A file may hold these, the original never writes them: only written if a run depends on it.
    return setting.kind != "object" and setting.group != InterfaceArgs.__name__ and value != setting.default


def _as_saved(setting: Setting, value: Value) -> Value:
    if setting.saved_as == "index":
        return setting.choices.index(value)
    if setting.saved_as == "text":
        return str(value)
    return dict(value) if setting.kind == "prompts" else value


def _coerced(data: Mapping[str, Value]) -> tuple[Data, tuple[Finding, ...]]:
    values: Data = {}
    findings: list[Finding] = []
    errors: list[Finding] = []
    for key, raw in data.items():
        if key in SETTINGS:
            try:
                values[key], found = coerce(SETTINGS[key], raw)
            except SettingsError as error:
                errors.extend(error.findings)
            else:
                findings.extend(found)
    if errors:
        raise SettingsError(errors)
    return values, tuple(findings)


def _trailer(data: Mapping[str, Value]) -> Trailer:
    known = {key: data[key] for key in TRAILER_KEYS if key in data}
    return Trailer(**{key: value if value is None else str(value) for key, value in known.items()})


def _on_prompts(data: Mapping[str, Value]) -> tuple[Finding, ...]:
    if "prompts" in data:
        return ()
    return (Finding("note", "the file has no prompts.", key="prompts"),)


def _on_unknown(extra: Mapping[str, Value]) -> tuple[Finding, ...]:
    strangers = [key for key in extra if key not in _RECORDS]
    typos = {key: nearest(key, SETTINGS, cutoff=_TYPO_CUTOFF) for key in strangers if key not in NOT_MISSPELT}
    findings = [
        Finding("warning", "there is no such setting, so it has no effect.", key, hint=f"Did you mean {meant}?")
        for key, meant in typos.items()
        if meant
    ]
    others = [key for key in strangers if not typos.get(key)]
    if others:
        message = f"keys that are no settings here are kept but have no effect: {', '.join(others)}."
        findings.append(Finding("note", message))
    return tuple(findings)
