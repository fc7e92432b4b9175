"""All series of an animation, one value per frame: from Parseq where it manages them, else from schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import Finding, ScheduleError
from ...parseq.manifest import Manifest
from ...parseq.ownership import managed_series, series_values
from ...schedule.series import SERIES, SeriesSpec, numeric_series, text_series
from ...settings.schema import Settings
from .usage import is_used

Values = NDArray[np.float64] | tuple[str, ...]


class SeriesTable(Mapping[str, Values]):
    """Series by name (as in ``schedule.series.SERIES``); compares by value, cannot be changed.

    Numeric series are read-only float64 arrays, text series tuples of str; all have one entry per frame. A series that
    could not be read and is not in use is absent.
    """

    def __init__(self, values: Mapping[str, Values]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Values:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SeriesTable):
            return NotImplemented
        return self._values.keys() == other._values.keys() and all(_equal(self[n], other[n]) for n in self)

    __hash__ = None  # type: ignore[assignment]  # mutable arrays inside: equal, but not hashable

    def number(self, name: str, frame: int) -> float:
        """Value of numeric series ``name`` at ``frame``."""
        return float(self._values[name][frame])

    def text(self, name: str, frame: int) -> str:
        """Value of text series ``name`` at ``frame``."""
        return str(self._values[name][frame])


def _equal(a: Values, b: Values) -> bool:
    if isinstance(a, tuple) or isinstance(b, tuple):
        return type(a) is type(b) and a == b
    return np.array_equal(a, b, equal_nan=True)


@dataclass(frozen=True)
class Expansion:
    """The expanded series and what was noticed on the way; ``findings`` may hold errors."""

    table: SeriesTable
    findings: tuple[Finding, ...]


def expand(settings: Settings, manifest: Manifest | None, *, max_frames: int, seed: int) -> Expansion:
    """Expand every series of :data:`SERIES`.

    Args:
        settings: the schedules, as text.
        manifest: takes precedence for the series it manages.
        max_frames: number of values per series.
        seed: the start seed, variable ``s`` of schedules.

    Returns:
        The table and all findings. What is wrong with a series in use is an error, with any other a warning.
    """
    managed = managed_series(manifest, use_deltas=settings.parseq.parseq_use_deltas) if manifest is not None else {}
    table: dict[str, Values] = {}
    findings: list[Finding] = []
    for spec in SERIES:
        if manifest is not None and spec.name in managed:
            table[spec.name] = series_values(manifest, spec.name, managed[spec.name], max_frames)
            continue
        try:
            values, noticed = _from_schedule(spec, settings, max_frames, seed)
        except ScheduleError as error:
            findings += error.findings if is_used(spec, settings) else _as_warnings(error)
            continue
        table[spec.name] = values
        findings += noticed if is_used(spec, settings) else ()
    return Expansion(SeriesTable(table), tuple(findings))


def _from_schedule(
    spec: SeriesSpec, settings: Settings, max_frames: int, seed: int
) -> tuple[Values, tuple[Finding, ...]]:
    text, key = str(settings.value(spec.settings_key)), spec.settings_key
    if spec.kind == "text":
        texts = text_series(text, max_frames=max_frames, seed=seed, key=key)
        return texts.values, texts.findings
    numbers = numeric_series(text, max_frames=max_frames, seed=seed, key=key)
    return numbers.values, numbers.findings


def _as_warnings(error: ScheduleError) -> list[Finding]:
    return [replace(f, severity="warning", hint=f"{f.hint} It is not in use now.".strip()) for f in error.findings]
