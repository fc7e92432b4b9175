"""Another Deforum beside this one: both would use the same names in the page, the settings and the routes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_MARKS = ("scripts/deforum.py", "scripts/deforum_helpers")


def other_deforums(own: Path, extensions: Iterable[Path]) -> tuple[Path, ...]:
    """The folders among ``extensions`` that hold a Deforum which is not the one in ``own``."""
    here = own.resolve()
    return tuple(
        folder for folder in extensions if folder.resolve() != here and any((folder / mark).exists() for mark in _MARKS)
    )


def conflict_text(own: Path, others: Iterable[Path]) -> str:
    """What is wrong and what to do, for the tab and the log."""
    named = " and ".join(str(folder) for folder in others)
    return (
        f"Two Deforums are installed: this one in {own} and {named}. They use the same names, so this one has not been "
        "started. Remove one of them, or switch it off under Extensions → Installed, then restart the web UI. Settings "
        "files, presets and videos stay where they are."
    )
