"""Who manages what: for each series, whether Parseq or the settings say its values, and Parseq's values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding
from ..schedule.series import SERIES, SERIES_BY_NAME
from .columns import Column
from .fields import PROMPT_FIELD, field_name
from .manifest import Manifest

SEED_FIELD = "seed"


@dataclass(frozen=True)
class Row:
    """One line of the table of who manages what.

    Attributes:
        parameter: the settings key, or ``"prompts"``.
        managed_by: whose values are used.
        field: the manifest field they come from; empty where Deforum manages.
    """

    parameter: str
    managed_by: Literal["Parseq", "Deforum"]
    field: str


@dataclass(frozen=True)
class Overrides:
    """What a manifest says in place of settings that are no schedules. None leaves the setting as it is."""

    fps: Fraction | None
    cadence: int | None
    max_frames: int


def managed_series(manifest: Manifest, *, use_deltas: bool) -> Mapping[str, str]:
    """Name of each series that Parseq manages -> manifest field it is read from.

    A series is managed if its field stands in the first rendered frame and has a value in any. The motion series are
    read from their ``*_delta`` fields with ``use_deltas``, and are not managed where only the absolute field exists.
    """
    fields = ((spec.name, field_name(spec, use_deltas=use_deltas)) for spec in SERIES)
    return MappingProxyType({name: field for name, field in fields if field in manifest.columns})


def manages_prompts(manifest: Manifest) -> bool:
    """Whether Parseq's prompts replace those of the settings, additions to them included."""
    return PROMPT_FIELD in manifest.columns


def manages_seed(manifest: Manifest) -> bool:
    """Whether Parseq sets the seed of each frame, whatever the seed behaviour; subseeds then apply too."""
    return SEED_FIELD in manifest.columns


def series_values(manifest: Manifest, series_name: str, field: str, max_frames: int) -> Column:
    """Parseq's values of a managed series at frames 0 … ``max_frames`` - 1.

    Args:
        manifest: where they come from.
        series_name: a name of :func:`managed_series`.
        field: its field.
        max_frames: how many; past the last rendered frame, its values hold.

    Returns:
        Read-only float64, or texts for a series of words. Deltas are those of the manifest: ``v[n] - v[n-1]``, the
        first ``v[0]``, for zoom ``1 + v[n] - v[n-1]``, the first ``v[0]``. In a reverse render Parseq attaches each
        delta to the wrong side of its step, so there they are computed from the absolute values in output order.

    Raises:
        KeyError: the manifest does not have the series or the field.
    """
    spec = SERIES_BY_NAME[series_name]
    absolute = spec.parseq_field
    if not (spec.delta and manifest.reverse and field != absolute and absolute in manifest.columns):
        return manifest.column(field, max_frames)
    rendered = np.asarray(manifest.column(absolute, manifest.frame_count), dtype=np.float64)
    deltas = _deltas(rendered, factor=absolute == "zoom")
    values: NDArray[np.float64] = deltas[np.minimum(np.arange(max_frames), manifest.frame_count - 1)]
    values.setflags(write=False)
    return values


def _deltas(values: NDArray[np.float64], *, factor: bool) -> NDArray[np.float64]:
    deltas = np.diff(values, prepend=0.0)
    if factor:
        deltas[1:] += 1.0
    return deltas


def ownership_findings(manifest: Manifest, *, use_deltas: bool) -> tuple[Finding, ...]:
    """What is surprising about who manages what."""
    if not use_deltas:
        return ()
    moving = [spec for spec in SERIES if spec.delta]
    managed = managed_series(manifest, use_deltas=True)
    findings = [
        Finding(
            "warning",
            f"The manifest has {spec.parseq_field}, but not {field_name(spec, use_deltas=True)}, "
            f"so the schedule {spec.settings_key} of the settings is used.",
            key=spec.parseq_field,
            hint="Render again in Parseq, or switch parseq_use_deltas off to use the absolute values.",
        )
        for spec in moving
        if spec.parseq_field in manifest.columns and spec.name not in managed
    ]
    if manifest.reverse and any(spec.name in managed and spec.parseq_field in manifest.columns for spec in moving):
        message = "Rendered in reverse; deltas are computed from the absolute values in output order."
        findings.append(Finding("note", message, key="reverseRender"))
    return tuple(findings)


def ownership_report(manifest: Manifest, *, use_deltas: bool) -> tuple[Row, ...]:
    """Who manages what: the prompts, then every series in the order of ``SERIES``."""
    managed = managed_series(manifest, use_deltas=use_deltas)
    prompts = PROMPT_FIELD if manages_prompts(manifest) else ""
    pairs = [("prompts", prompts), *((spec.settings_key, managed.get(spec.name, "")) for spec in SERIES)]
    return tuple(Row(parameter, "Parseq" if field else "Deforum", field) for parameter, field in pairs)


def overrides(manifest: Manifest) -> Overrides:
    """Settings that a manifest replaces if ``parseq_non_schedule_overrides`` is on."""
    return Overrides(fps=manifest.fps, cadence=manifest.cadence, max_frames=manifest.frame_count)
