"""Schedules: texts such as ``0: (1.0), 30: (1.5), "max_f-10": (sin(t/8))`` become one value per frame.

Filling rules: a plain number holds at its key frame only, and the frames up to the next key frame are interpolated
linearly (towards the value of an expression at its key frame, too); anything else is an expression, evaluated at every
frame until the next key frame. Before the first key frame its value holds; after the last one a number holds. Key
frames outside the animation are not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, ScheduleError
from .catalogue import SERIES, SERIES_BY_KEY, SERIES_BY_NAME, SeriesSpec
from .expression import Expression, compile_expression
from .splitter import Entry, flaws, split_entries, without_parentheses, without_quotes

__all__ = [
    "SERIES",
    "SERIES_BY_KEY",
    "SERIES_BY_NAME",
    "Keyframe",
    "Schedule",
    "SeriesResult",
    "SeriesSpec",
    "key_frame_index",
    "nearest_frame",
    "numeric_series",
    "parse_schedule",
    "text_series",
]

_DIGITS = re.compile(r"[0-9]{1,15}")
_MAX_INDEX = 2**53
_SHOWN_KEYS = 8

Values = TypeVar("Values")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Keyframe:
    """One entry of a schedule, as written.

    Attributes:
        frame: the frame number or the expression for it, without blanks and quotes around it.
        value: the value, without blanks around it.
        frame_column: 1-based column of ``frame`` in the schedule text.
        column: 1-based column of ``value``.
    """

    frame: str
    value: str
    frame_column: int
    column: int


@dataclass(frozen=True)
class Schedule:
    """A schedule text taken apart.

    Attributes:
        text: the whole text.
        key: the settings key it belongs to, for messages.
        keyframes: its entries in the order of the text.
        findings: warnings.
    """

    text: str
    key: str
    keyframes: tuple[Keyframe, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class SeriesResult(Generic[Values]):
    """One value per frame.

    Attributes:
        values: ``max_frames`` values: a read-only float64 array, or a tuple of texts.
        findings: warnings about the schedule.
    """

    values: Values
    findings: tuple[Finding, ...]


def parse_schedule(text: str, key: str = "") -> Schedule:
    """Take a schedule text apart. Neither frames nor values are looked into.

    Raises:
        ScheduleError: empty text, brackets or quotes left open, an entry without colon, frame or value. Carries all of
            them.
    """
    notes = _Notes(text, key)
    entries = split_entries(text)
    for flaw in flaws(text):
        notes.refuse(flaw.message, flaw.position, flaw.hint)
    if not text.strip():
        notes.refuse("the schedule is empty", 0, "Write for instance 0: (1).")
    notes.raise_errors()
    if len(entries) > 1 and not text[entries[-1].start :].strip():
        notes.warn("the schedule ends with a comma", entries[-1].start - 1)
        entries = entries[:-1]
    keyframes = [_keyframe(entry, notes) for entry in entries]
    notes.raise_errors()
    return Schedule(text, key, tuple(k for k in keyframes if k), tuple(notes.findings))


def numeric_series(text: str, *, max_frames: int, seed: int, key: str = "") -> SeriesResult[NDArray[np.float64]]:
    """Expand a schedule of numbers.

    Args:
        text: the schedule.
        max_frames: number of frames.
        seed: the value of ``s``.
        key: the settings key, for messages.

    Returns:
        ``max_frames`` float64 values, read-only. May hold nan and inf where an expression gives them.

    Raises:
        ScheduleError: the text is no schedule, or a frame or value no expression. Carries everything found.
    """
    notes = _Notes(text, key)

    def compiled(keyframe: Keyframe, frame: int | None) -> Expression:
        return compile_expression(keyframe.value, key=key, frame=frame, source=text, offset=keyframe.column - 1)

    def values_at(expression: Expression, frames: NDArray[np.int64]) -> NDArray[np.float64]:
        evaluated = notes.attempt(partial(expression.evaluate, frames, seed=seed, max_frames=max_frames))
        return np.full(len(frames), np.nan) if evaluated is None else evaluated

    keys = _resolve(text, compiled, notes, max_frames=max_frames, seed=seed)
    if inside := _within(keys, max_frames):
        values = _filled(inside, values_at, max_frames)
    else:
        frame = nearest_frame(keys)
        values = np.repeat(values_at(keys[frame], np.array([frame])), max_frames)
    notes.raise_errors()
    values.setflags(write=False)
    return SeriesResult(values, tuple(notes.findings))


def text_series(text: str, *, max_frames: int, seed: int, key: str = "") -> SeriesResult[tuple[str, ...]]:
    """Expand a schedule of texts, such as sampler names: each holds until the next key frame.

    The pair of parentheses around the whole value is dropped, then the quotes around it; everything inside stays.

    Args:
        text: the schedule.
        max_frames: number of frames.
        seed: the value of ``s`` in frame expressions.
        key: the settings key, for messages.

    Raises:
        ScheduleError: the text is no schedule, or a frame no expression. Carries everything found.
    """
    notes = _Notes(text, key)

    def unwrapped(keyframe: Keyframe, frame: int | None) -> str:
        value = without_parentheses(keyframe.value)
        if not value:
            notes.refuse("the value is empty", keyframe.column - 1, 'Write ("") if no text is meant.', frame)
        return without_quotes(value)

    keys = _resolve(text, unwrapped, notes, max_frames=max_frames, seed=seed)
    inside = _within(keys, max_frames) or {0: keys[nearest_frame(keys)]}
    ends = (*list(inside)[1:], max_frames)
    values: list[str] = []
    for value, end in zip(inside.values(), ends, strict=True):
        values += [value] * (end - len(values))
    return SeriesResult(tuple(values), tuple(notes.findings))


def key_frame_index(expression: Expression, *, seed: int, max_frames: int) -> int:
    """Evaluate the expression of a key frame to a frame index; fractions are cut off, as in ``max_f/2``.

    Raises:
        ScheduleError: it gives no number that could be a frame.
    """
    origin = expression.origin
    value = expression.value_at(0, seed=seed, max_frames=max_frames)
    if not abs(value) <= _MAX_INDEX:
        origin.fail(f"{origin.text.strip()} gives {value}, which is no frame number", 0)
    return int(value)


def nearest_frame(frames: Iterable[int]) -> int:
    """The key frame that stands in when none lies within the animation: the next after it, else the last before it."""
    return min(frames, key=lambda frame: (frame < 0, abs(frame)))


@dataclass
class _Notes:
    """The findings gathered while one schedule is read."""

    text: str
    key: str
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, message: str, position: int, hint: str = "", frame: int | None = None) -> None:
        self.findings.append(Finding("error", f"{message}.", self.key, frame, position + 1, self.text, hint))

    def warn(self, message: str, position: int, hint: str = "", frame: int | None = None) -> None:
        self.findings.append(Finding("warning", f"{message}.", self.key, frame, position + 1, self.text, hint))

    def attempt(self, compute: Callable[[], Value]) -> Value | None:
        """The result of ``compute``, or None with its errors noted, so that reading can go on."""
        try:
            return compute()
        except ScheduleError as error:
            self.findings += error.findings
            return None

    def raise_errors(self) -> None:
        if any(finding.severity == "error" for finding in self.findings):
            raise ScheduleError(self.findings)


def _keyframe(entry: Entry, notes: _Notes) -> Keyframe | None:
    start, whole = _trimmed(notes.text, entry.start, entry.end)
    if not whole:
        notes.refuse("there is an empty entry between two commas", entry.start, "Remove one comma.")
        return None
    if entry.colon is None:
        notes.refuse(
            f"{whole[:40]} has no colon",
            start,
            "Each entry is written frame: (value); entries are separated by commas, decimals have a point.",
        )
        return None
    frame_start, frame = _trimmed(notes.text, entry.start, entry.colon)
    value_start, value = _trimmed(notes.text, entry.colon + 1, entry.end)
    bare = without_quotes(frame)
    if not bare.strip():
        notes.refuse("the frame before the colon is missing", entry.colon, "Write for instance 0: (1).")
    if not value:
        notes.refuse("the value after the colon is missing", entry.colon, "Write for instance 0: (1).")
    shift = int(bare != frame)
    return Keyframe(bare, value, frame_start + shift + 1, value_start + 1)


def _trimmed(text: str, start: int, end: int) -> tuple[int, str]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), part.strip()


def _resolve(
    text: str, read: Callable[[Keyframe, int | None], Value], notes: _Notes, *, max_frames: int, seed: int
) -> dict[int, Value]:
    """Read the value of every key frame, by frame; the last of several at one frame wins.

    Raises:
        ScheduleError: any frame or value cannot be read.
    """
    if max_frames < 1:
        raise ScheduleError(f"an animation of {max_frames} frames has no values, at least 1 is needed.", key=notes.key)
    schedule = parse_schedule(text, notes.key)
    notes.findings += schedule.findings
    keys: dict[int, Value] = {}
    columns: dict[int, int] = {}
    for keyframe in schedule.keyframes:
        frame = notes.attempt(partial(_frame, keyframe, notes, seed, max_frames))
        value = notes.attempt(partial(read, keyframe, frame))
        if frame is None or value is None:
            continue
        if frame in keys:
            notes.warn(f"frame {frame} is set more than once, the last value counts", keyframe.frame_column - 1)
        keys[frame], columns[frame] = value, keyframe.frame_column
    notes.raise_errors()
    _warn_about_range(columns, notes, max_frames)
    return keys


def _frame(keyframe: Keyframe, notes: _Notes, seed: int, max_frames: int) -> int:
    if _DIGITS.fullmatch(keyframe.frame):
        return int(keyframe.frame)
    expression = compile_expression(
        keyframe.frame,
        key=notes.key,
        source=notes.text,
        offset=keyframe.frame_column - 1,
        variables=("max_f", "s"),
    )
    literal = expression.literal
    if literal is not None and not literal.is_integer():
        hint = f"Write {literal:.0f}: frames are counted one by one from 0."
        expression.origin.fail(f"a key frame must be a whole number, not {keyframe.frame}", 0, hint)
    return key_frame_index(expression, seed=seed, max_frames=max_frames)


def _warn_about_range(columns: dict[int, int], notes: _Notes, max_frames: int) -> None:
    outside = sorted(frame for frame in columns if not 0 <= frame < max_frames)
    if len(outside) == len(columns):
        frame = nearest_frame(columns)
        message = f"no key frame lies within 0 to {max_frames - 1}, the value of frame {frame} holds throughout"
        notes.warn(message, columns[frame] - 1)
        return
    if outside:
        shown = ", ".join(map(str, outside[:_SHOWN_KEYS])) + (", …" if len(outside) > _SHOWN_KEYS else "")
        notes.warn(f"key frames outside 0 to {max_frames - 1} are not read: {shown}", columns[outside[0]] - 1)
    if 0 not in columns:
        notes.warn("there is no key frame 0, the first value holds from there", 0)


def _within(keys: Mapping[int, Value], max_frames: int) -> dict[int, Value]:
    return {frame: keys[frame] for frame in sorted(keys) if 0 <= frame < max_frames}


def _filled(
    keys: dict[int, Expression],
    values_at: Callable[[Expression, NDArray[np.int64]], NDArray[np.float64]],
    max_frames: int,
) -> NDArray[np.float64]:
    frames = list(keys)
    held: list[tuple[int, NDArray[np.float64]]] = []
    at_keys: list[float] = []
    for frame, following in zip(frames, [*frames[1:], max_frames], strict=True):
        literal = keys[frame].literal
        if literal is None:
            held.append((frame, values_at(keys[frame], np.arange(frame, following, dtype=np.int64))))
        at_keys.append(held[-1][1][0] if literal is None else literal)
    values = _interpolated(frames, at_keys, max_frames)
    for frame, run in held:
        values[frame : frame + len(run)] = run
    return values


def _interpolated(frames: Sequence[int], at_keys: Iterable[float], max_frames: int) -> NDArray[np.float64]:
    known = np.array(list(at_keys), dtype=np.float64)
    with np.errstate(all="ignore"):
        values: NDArray[np.float64] = np.interp(np.arange(max_frames), frames, known)
    values[list(frames)] = known  # np.interp returns nan there when a neighbour is infinite
    return values
