"""Switches of the user interface that belong to no video and are never saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .setting import flag, widget_object

_BATCH = ("Run", "Batch Mode, Resume and more", "Batch Mode/ run from setting files")


@dataclass(frozen=True)
class InterfaceArgs:
    """One field per setting; what each one does is in its help."""

    override_settings_with_file: bool = flag(
        False,
        label="Enable batch mode",
        help="Renders the settings files given below, one after the other, instead of the settings in the tabs.",
        tab=_BATCH,
        elem_id="override_settings",
        saved=False,
    )
    custom_settings_file: Any = widget_object(  # noqa: RUF009 - declares a field
        "File",
        label="Setting files",
        help="One or more settings files to render in batch mode.",
        tab=_BATCH,
        elem_id="custom_setting_file",
        visible_when="override_settings_with_file",
    )
