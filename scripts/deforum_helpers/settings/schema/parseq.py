"""Settings of the Parseq manifest."""

from __future__ import annotations

from dataclasses import dataclass

from .setting import flag, json_text

_PARSEQ = ("Init", "Parseq")


@dataclass(frozen=True)
class ParseqArgs:
    """One field per setting; what each one does is in its help."""

    parseq_manifest: str = json_text(
        label="Parseq manifest (JSON or URL)",
        help="The manifest as JSON text, or the URL or path of one. What it manages replaces the schedules here; "
        "empty for none.",
        tab=_PARSEQ,
        lines=4,
        optional=True,
    )
    parseq_use_deltas: bool = flag(
        True,
        label="Use delta values for movement parameters (recommended)",
        help="Reads the manifest's change per frame (angle_delta, zoom_delta …) for motion instead of its absolute "
        "values.",
        tab=_PARSEQ,
    )
    parseq_non_schedule_overrides: bool = flag(
        True,
        label="Use FPS, max_frames and cadence from the Parseq manifest, if present (recommended)",
        help="Lets the manifest's options replace FPS, max frames and cadence, so that both agree on the time line.",
        tab=_PARSEQ,
    )
