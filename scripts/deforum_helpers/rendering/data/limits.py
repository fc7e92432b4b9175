"""Values no frame can be made with, found in the plan, lest a render stops at frame 5000."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ...errors import Finding, InputError
from ...imaging.camera import perspective_flip
from ...imaging.sharpen import unsharp_findings
from ...schedule.series import SERIES
from ...settings import uses
from ...settings.schema import Settings
from .schedule import SeriesTable
from .step.key_step import KeyStep
from .usage import is_used

_Bad = Callable[[NDArray[np.float64]], NDArray[np.bool_]]


def _no_angle(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (values <= 0) | (values >= 180)


_LIMITS: Sequence[tuple[str, _Bad, str]] = (
    ("zoom_series", lambda values: values == 0, "a zoom of 0 shrinks the picture to nothing; 1 means no zoom."),
    ("fov_series", _no_angle, "a field of view of {:g} degrees is not between 0 and 180."),
    ("perspective_flip_fv_series", _no_angle, "a field of view of {:g} degrees is not between 0 and 180."),
    ("aspect_ratio_series", lambda values: values <= 0, "an aspect ratio of {:g} is not above 0."),
)
"""Series, which of its values cannot be used, and why."""
_FLIP = ("theta", "phi", "gamma", "fv")


def value_findings(settings: Settings, table: SeriesTable) -> list[Finding]:
    """Errors in the values of series that take part, each at the first frame that has it."""
    endless = list(_not_finite(settings, table))
    return endless or [*_beyond_limits(settings, table), *_edge_on(settings, table)]


def key_findings(keys: Sequence[KeyStep]) -> Iterator[Finding]:
    """Errors in what key frames are made with, each at the first frame that has it."""
    seen: set[str] = set()
    for key in keys:
        if key.amount > 0:
            for found in unsharp_findings(key.kernel, key.sigma):
                if found.key not in seen:
                    seen.add(found.key)
                    yield Finding("error", found.message, found.key, key.index, hint=found.hint)


def _used(settings: Settings, table: SeriesTable) -> Iterator[tuple[str, str, NDArray[np.float64]]]:
    """Name, settings key and values of each numeric series that takes part."""
    for spec in SERIES:
        values = table.get(spec.name)
        if isinstance(values, np.ndarray) and is_used(spec, settings):
            yield spec.name, spec.settings_key, values


def _not_finite(settings: Settings, table: SeriesTable) -> Iterator[Finding]:
    for _, key, values in _used(settings, table):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            frame = int(bad[0])
            text = f"the value is {values[frame]} here ({bad.size} frame(s) in all); it must be a number."
            hint = "Look for a division by zero or a logarithm of zero."
            yield Finding("error", text, key, frame, hint=hint)


def _beyond_limits(settings: Settings, table: SeriesTable) -> Iterator[Finding]:
    used = {name: (key, values) for name, key, values in _used(settings, table)}
    for name, is_bad, text in _LIMITS:
        if name in used:
            key, values = used[name]
            bad = np.flatnonzero(is_bad(values))
            if bad.size:
                frame = int(bad[0])
                yield Finding("error", text.format(values[frame]), key, frame)


def _edge_on(settings: Settings, table: SeriesTable) -> Iterator[Finding]:
    """Perspective flips of which nothing is left to see."""
    if not (settings.anim.enable_perspective_flip and uses.uses_camera(settings)):
        return
    turns = np.stack([np.asarray(table[f"perspective_flip_{part}_series"]) for part in _FLIP], axis=1)
    different, first = np.unique(turns, axis=0, return_index=True)
    for frame, (theta, phi, gamma, fov) in sorted(zip(first.tolist(), different.tolist(), strict=True)):
        if 0 < fov < 180:
            try:
                perspective_flip(
                    width=settings.run.W, height=settings.run.H, theta=theta, phi=phi, gamma=gamma, field_of_view=fov
                )
            except InputError as error:
                yield Finding("error", str(error), "perspective_flip_phi", frame, hint="Avoid exactly 90 degrees.")
                return
