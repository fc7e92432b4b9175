"""Page and settings: what the widgets show for settings, and which settings widgets stand for. Always by name.

A page cannot hold everything a settings file does: keys that nobody knows, settings without a widget, whether a number
was written 15 or 15.0. So it keeps a *base*, the text of a settings file, and only what differs from it is taken from
the widgets: a file that is loaded and saved again is the same file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Finding, SettingsError
from ..settings.coercion import coerce
from ..settings.files import dump_settings, parse_settings
from ..settings.schema import SETTINGS, Settings

_LARGE = ("parseq_manifest",)
"""Texts that may be megabytes and are always on the page, so that they need not travel twice."""


@dataclass(frozen=True)
class Draft:
    """Settings as they stand in a page.

    Attributes:
        settings: the settings.
        folder: where their relative paths are looked up first; None for the working directory.
        findings: what was noticed while they were loaded or read.
    """

    settings: Settings = field(default_factory=Settings)
    folder: Path | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def held(self) -> dict[str, Any]:
        """All values by settings key."""
        return {key: self.settings.value(key) for key in SETTINGS}


def shown(key: str, value: Any) -> Any:
    """What the widget of the setting ``key`` shows for ``value``."""
    if SETTINGS[key].kind == "prompts":
        return json.dumps(dict(value), indent=4, ensure_ascii=False)
    return value


def base_of(draft: Draft) -> str:
    """The text that a page keeps beside its widgets."""
    slim = draft.settings.with_values({key: SETTINGS[key].default for key in _LARGE})
    return json.dumps({"folder": str(draft.folder or ""), "settings": dump_settings(slim)})


def read(widgets: Mapping[str, Any], base: str = "") -> Draft:
    """The settings that a page stands for.

    Args:
        widgets: what the widgets hold, by settings key; a setting that is not among them has the base's value.
        base: as made by :func:`base_of`; the defaults if empty.

    Raises:
        SettingsError: values that are not allowed; all of them are listed.
    """
    start = _start(base)
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    errors: list[Finding] = []
    for key, raw in widgets.items():
        before = start.settings.value(key)
        if _same(raw, shown(key, before)):
            continue
        try:
            values[key], found = coerce(SETTINGS[key], raw)
        except SettingsError as error:
            errors += error.findings
        else:
            findings += found
    if errors:
        raise SettingsError((*errors, *findings))
    return Draft(start.settings.with_values(values), start.folder, tuple(findings))


def _start(base: str) -> Draft:
    if not base:
        return Draft()
    kept = json.loads(base)
    folder = Path(kept["folder"]) if kept["folder"] else None
    return Draft(parse_settings(kept["settings"]).settings, folder)


def _same(raw: Any, before: Any) -> bool:
    """Browsers turn all line ends into line feeds."""
    if isinstance(raw, str) and isinstance(before, str):
        return raw == before.replace("\r\n", "\n").replace("\r", "\n")
    return isinstance(raw, bool) is isinstance(before, bool) and bool(raw == before)
