"""What of the settings this version renders, so that nobody waits an hour for something that is not drawn yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...errors import Finding
from ...settings.schema import Settings

_Rule = tuple[str, Callable[[Settings], bool], str]

_MODES = ("2D", "3D")

_IGNORED: Sequence[_Rule] = (
    ("color_coherence", lambda s: s.anim.color_coherence == "Video Input", "colours of a video"),
    ("use_alpha_as_mask", lambda s: s.run.use_init and s.run.use_alpha_as_mask, "alpha as mask"),
    ("use_mask", lambda s: s.run.use_mask or s.anim.use_mask_video, "masks"),
    ("use_looper", lambda s: s.loop.use_looper, "guided images"),
    ("hybrid_composite", lambda s: s.anim.hybrid_composite != "None" or s.anim.hybrid_motion != "None", "hybrid video"),
    ("optical_flow_cadence", lambda s: s.anim.optical_flow_cadence != "None", "optical flow cadence"),
    ("optical_flow_redo_generation", lambda s: s.anim.optical_flow_redo_generation != "None", "optical flow redo"),
    ("diffusion_redo", lambda s: s.anim.diffusion_redo > 0, "diffusion redo"),
    ("cn_1_enabled", lambda s: any(unit.enabled for unit in s.controlnet), "ControlNet"),
    ("save_depth_maps", lambda s: s.anim.save_depth_maps, "depth maps"),
    ("frame_interpolation_engine", lambda s: s.output.frame_interpolation_engine != "None", "frame interpolation"),
    ("r_upscale_video", lambda s: s.output.r_upscale_video, "upscaling"),
    ("make_gif", lambda s: s.output.make_gif, "GIFs"),
)


def support_findings(settings: Settings) -> tuple[Finding, ...]:
    """An error if the animation mode cannot be rendered; one note that names everything else that has no effect yet."""
    findings = []
    mode = settings.anim.animation_mode
    if mode not in _MODES:
        findings.append(
            Finding(
                "error",
                f"this version renders 2D and 3D animations; {mode!r} can be planned and checked, not rendered yet.",
                "animation_mode",
                hint="Set animation_mode to 2D to see the timing.",
            )
        )
    ignored = [name for _, applies, name in _IGNORED if applies(settings)]
    if ignored:
        findings.append(Finding("note", f"not rendered by this version yet: {', '.join(ignored)}."))
    return tuple(findings)
