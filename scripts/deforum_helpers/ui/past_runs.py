"""The runs in an output folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .door import PastRun

_SETTINGS_NAME = re.compile(r"(\d{14})_settings\.txt")
_FRAME_NAME = re.compile(r"\d{14}_\d{9}\.(png|jpe?g|webp)")


def past_runs(out: Path) -> tuple[PastRun, ...]:
    """All runs below ``out``, the newest first."""
    return tuple(sorted(_runs(out), key=lambda run: run.timestring, reverse=True))


def newest_report(out: Path) -> Path | None:
    """The report of the last run that has one."""
    return max(out.glob("*/*_report.json"), key=lambda path: path.name, default=None)


def _runs(out: Path) -> Iterator[PastRun]:
    for settings in out.glob("*/*_settings.txt"):
        match = _SETTINGS_NAME.fullmatch(settings.name)
        if match is not None:
            yield _run(settings, match[1])


def _run(settings: Path, timestring: str) -> PastRun:
    folder = settings.parent
    pictures = [path.name for path in folder.glob(f"{timestring}_*") if _FRAME_NAME.fullmatch(path.name)]
    report = _report(folder / f"{timestring}_report.json")
    video = folder / f"{timestring}.mp4"
    middle = sorted(pictures)[len(pictures) // 2] if pictures else ""
    return PastRun(
        name=folder.name,
        timestring=timestring,
        folder=folder,
        settings=settings,
        video=video if video.is_file() else None,
        picture=folder / middle if middle else None,
        frames=len(pictures) or int(report.get("frames", 0)),
        seconds=report.get("seconds", {}).get("total"),
        unfinished=(folder / f"{timestring}_journal").exists(),
    )


def _report(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
