"""Which fields of a Parseq manifest Deforum reads, derived from the one table of series."""

from __future__ import annotations

from ..schedule.series import SERIES, SeriesSpec

PROMPT_FIELD = "deforum_prompt"
"""``positive --neg negative`` of a frame, complete."""


def field_name(spec: SeriesSpec, *, use_deltas: bool) -> str:
    """Name of the manifest field that ``spec`` is read from."""
    return f"{spec.parseq_field}_delta" if spec.delta and use_deltas else spec.parseq_field


TEXT_FIELDS = frozenset({PROMPT_FIELD, *(spec.parseq_field for spec in SERIES if spec.kind == "text")})
"""Fields that hold words; all others hold numbers."""

READ_FIELDS = TEXT_FIELDS.union(field_name(spec, use_deltas=deltas) for spec in SERIES for deltas in (False, True))
"""Fields that can have an effect. Others (``*_pc``, ``prompt_weight_*`` …) are carried, but never warned about."""
