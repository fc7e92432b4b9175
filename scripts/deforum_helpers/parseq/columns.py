"""Rendered frames of a manifest -> one gap-free column per field."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, ManifestError, Severity
from .fields import READ_FIELDS, TEXT_FIELDS

Column = NDArray[np.float64] | tuple[str, ...]

Row = Mapping[str, Any]

MAX_FRAMES = 1_000_000
"""4.6 hours at 60 fps; more is a slip of the pen, and would only fill the memory."""

_SHOWN_RUNS = 5


@dataclass(frozen=True)
class FrameTable:
    """The rendered frames, column by column.

    Attributes:
        frames: listed frames, int64, ascending, unique, >= 0; empty if nothing usable is listed.
        fields: fields of the first usable entry (in the order of the file), without ``frame``.
        columns: values of those ``fields`` that have one, at ``frames``: float64 (read-only, finite) or texts.
        findings: what had to be mended.
    """

    frames: NDArray[np.int64]
    fields: tuple[str, ...]
    columns: Mapping[str, Column]
    findings: tuple[Finding, ...]


def read_number(value: object) -> float | None:
    """A finite number from a JSON value (numbers in quotes included), or None."""
    if not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def nearest_frame(number: float) -> int:
    """Nearest frame index, halves upwards."""
    return math.floor(number + 0.5)


def frame_list(frames: Iterable[int]) -> str:
    """Frames for people: ``3–5, 9 and 12 more``."""
    runs: list[tuple[int, int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    shown = ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs[:_SHOWN_RUNS])
    more = sum(b - a + 1 for a, b in runs[_SHOWN_RUNS:])
    return f"{shown} and {more} more" if more else shown


def held_index(valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each position, the last valid one up to it; before the first valid one, the first. Needs one valid."""
    own = np.where(valid, np.arange(valid.size), -1)
    index: NDArray[np.int64] = np.maximum(np.maximum.accumulate(own), np.argmax(valid)).astype(np.int64)
    return index


def read_frames(rendered: Sequence[object]) -> FrameTable:
    """Sort the entries of ``rendered_frames`` by frame and turn them into columns.

    Null entries are skipped in silence (Parseq writes them before its first keyframe), other oddities with a warning:
    entries that are no objects or lie before frame 0, missing, fractional, duplicate (the last wins) and unsorted
    frame numbers, holes, and values that are missing or unreadable (the last one before holds).

    Raises:
        ManifestError: more than ``MAX_FRAMES`` frames are covered.
    """
    rows, first, findings = _rows(rendered)
    extent = max(len(rendered), max(rows, default=-1) + 1)
    if extent > MAX_FRAMES:
        message = f"The manifest covers {extent:.4g} frames; allowed are {MAX_FRAMES}."
        hint = "Check the frame numbers of rendered_frames."
        raise ManifestError(message, key="rendered_frames", hint=hint)
    frames = np.array(sorted(rows), dtype=np.int64)
    frames.setflags(write=False)
    ordered = [rows[frame] for frame in frames.tolist()]
    fields = tuple(name for name in first if name != "frame")
    columns: dict[str, Column] = {}
    for name in fields:
        column, missing = _column(name, [row.get(name) for row in ordered])
        if column is not None:
            columns[name] = column
        findings += _missing_values(name, frames[missing].tolist(), found=column is not None)
    findings += _hole_findings(frames) + _late_fields(frames, ordered, fields)
    return FrameTable(frames, fields, MappingProxyType(columns), tuple(findings))


_ROW_PROBLEMS: Mapping[str, tuple[Severity, str]] = {
    "object": ("warning", "Entries of rendered_frames that are no objects are ignored, at positions {}."),
    "unnumbered": ("warning", "Entries without a frame number are taken for the frames at their positions: {}."),
    "fraction": ("warning", "Fractional frame numbers are rounded, to frames {}."),
    "negative": ("warning", "Frames before 0 are ignored: {}."),
    "duplicate": ("warning", "Frames listed more than once use their last entry: {}."),
    "unsorted": ("warning", "Frames are not listed in ascending order and are sorted; out of order: {}."),
}


def _rows(rendered: Sequence[object]) -> tuple[dict[int, Row], Row, list[Finding]]:
    """Entries by frame, the first usable entry, and what was wrong with the entries."""
    rows: dict[int, Row] = {}
    first: Row = {}
    problems: dict[str, list[int]] = {kind: [] for kind in _ROW_PROBLEMS}
    highest = -1
    for position, entry in enumerate(rendered):
        if not isinstance(entry, dict):
            if entry is not None:
                problems["object"].append(position)
            continue
        frame = _entry_frame(entry, position, problems)
        if frame < 0:
            problems["negative"].append(frame)
            continue
        if frame in rows:
            problems["duplicate"].append(frame)
        elif frame < highest:
            problems["unsorted"].append(frame)
        first = first if rows else entry
        rows[frame] = entry
        highest = max(highest, frame)
    findings = [
        Finding(severity, message.format(frame_list(problems[kind])), key="rendered_frames")
        for kind, (severity, message) in _ROW_PROBLEMS.items()
        if problems[kind]
    ]
    return rows, first, findings


def _entry_frame(entry: Row, position: int, problems: Mapping[str, list[int]]) -> int:
    number = read_number(entry.get("frame"))
    if number is None:
        problems["unnumbered"].append(position)
        return position
    frame = nearest_frame(number)
    if frame != number:
        problems["fraction"].append(frame)
    return frame


def _column(name: str, values: list[Any]) -> tuple[Column | None, NDArray[np.bool_]]:
    """The gap-free column, or None if there is no usable value at all, and where values are missing."""
    if name in TEXT_FIELDS:
        texts = [str(value) if isinstance(value, (str, int, float)) else None for value in values]
        valid = np.array([text is not None for text in texts], dtype=np.bool_)
        if not valid.any():
            return None, ~valid
        return tuple(texts[i] or "" for i in held_index(valid).tolist()), ~valid
    numbers = _numbers(values)
    valid = np.isfinite(numbers)
    if not valid.any():
        return None, ~valid
    column = numbers if valid.all() else numbers[held_index(valid)]
    column.setflags(write=False)
    return column, ~valid


def _numbers(values: list[Any]) -> NDArray[np.float64]:
    """The values as float64, NaN or infinite where there is no number."""
    try:
        # The fast way for what Parseq writes; it also reads null as NaN and numbers in quotes.
        numbers = np.array(values, dtype=np.float64)
        if numbers.ndim == 1:
            return numbers
    except (TypeError, ValueError, OverflowError):
        pass
    read = (read_number(value) for value in values)
    return np.array([math.nan if number is None else number for number in read], dtype=np.float64)


def _missing_values(name: str, frames: list[int], *, found: bool) -> list[Finding]:
    if not frames or name not in READ_FIELDS:
        return []
    if not found:
        message = "The field is listed but never has a value; the schedule of the settings is used."
        return [Finding("warning", message, key=name, frame=frames[0])]
    message = f"No usable value at frames {frame_list(frames)}; the value before is held (at the start, the first one)."
    return [Finding("warning", message, key=name, frame=frames[0])]


def _hole_findings(frames: NDArray[np.int64]) -> list[Finding]:
    if not frames.size:
        return []
    findings: list[Finding] = []
    first = int(frames[0])
    if first:
        message = f"The first rendered frame is {first}; its values hold from frame 0."
        findings.append(Finding("warning", message, key="rendered_frames", frame=0))
    gaps = np.flatnonzero(np.diff(frames) > 1)
    if gaps.size:
        spans = [f"{frames[i] + 1}–{frames[i + 1] - 1}" for i in gaps[:_SHOWN_RUNS]]
        more = " …" if gaps.size > _SHOWN_RUNS else ""
        message = f"Frames {', '.join(spans)}{more} are not listed; the values before them are held."
        hint = "Render the document in Parseq again if this was not meant."
        findings.append(
            Finding("warning", message, key="rendered_frames", frame=int(frames[gaps[0]]) + 1, hint=hint),
        )
    return findings


def _late_fields(frames: NDArray[np.int64], rows: list[Row], fields: tuple[str, ...]) -> list[Finding]:
    late = READ_FIELDS.intersection(set().union(*rows)).difference(fields)
    return [
        Finding(
            "warning",
            "The field is not in the first rendered frame, so the schedule of the settings is used throughout.",
            key=name,
            frame=next(frame for frame, row in zip(frames.tolist(), rows, strict=True) if name in row),
            hint="Manage the field in Parseq from the first keyframe on, and render again.",
        )
        for name in sorted(late)
    ]
