"""What of the settings this version does not do yet, so that nobody waits an hour for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...errors import Finding
from ...settings.schema import Settings

_IGNORED: Sequence[tuple[Callable[[Settings], bool], str]] = (
    (lambda s: s.output.frame_interpolation_engine != "None", "frame interpolation"),
    (lambda s: s.output.r_upscale_video, "upscaling"),
)


def support_findings(settings: Settings) -> tuple[Finding, ...]:
    """One note that names everything that is set and has no effect yet."""
    ignored = [name for applies, name in _IGNORED if applies(settings)]
    return (Finding("note", f"not done by this version yet: {', '.join(ignored)}."),) if ignored else ()
