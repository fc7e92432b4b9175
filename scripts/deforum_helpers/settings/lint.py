"""Settings checked against each other: what can be told without a plan, a manifest or a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import Finding, Severity
from ..web import is_url
from . import uses
from .coercion import remarks
from .paths import find_path
from .schema import SETTINGS, Settings

GIF_FPS = 30
"""Most frames per second of a GIF."""
_RIFE_FACTORS, _FACTORS = range(2, 11), range(2, 301)
_TIMESTRING_DIGITS = 14


def lint_settings(
    settings: Settings, base_dirs: Sequence[Path | None] = (), *, need_files: bool = True
) -> tuple[Finding, ...]:
    """Return everything about ``settings`` that would stop a run, surprise, or have no effect.

    Args:
        settings: what to check.
        base_dirs: folders in which relative input files are looked up before the working directory.
        need_files: whether a missing input file is an error; a plan can be made without it.
    """
    findings = [finding for check in _CHECKS for finding in check(settings)]
    files = _input_files(settings, base_dirs)
    return (*findings, *(f if need_files else replace(f, severity="warning") for f in files))


def _limits(settings: Settings) -> Iterator[Finding]:
    for key, setting in SETTINGS.items():
        if setting.kind in ("integer", "number"):
            yield from (found for found in remarks(setting, settings.value(key)) if found.severity == "error")


def _fps(settings: Settings) -> Iterator[Finding]:
    if settings.output.fps <= 0:
        yield Finding("error", f"{settings.output.fps} frames per second make no video; it must be above 0.", "fps")


def _gif(settings: Settings) -> Iterator[Finding]:
    if settings.output.make_gif and settings.output.fps > GIF_FPS:
        message = f"no GIF is made at {settings.output.fps} frames per second; it may have {GIF_FPS} at most."
        yield Finding("warning", message, "make_gif")


def _lost_frames(settings: Settings) -> Iterator[Finding]:
    if settings.output.delete_imgs and settings.output.skip_video_creation:
        hint = "Switch off one of the two."
        yield Finding("error", "without a video, deleting the frames leaves nothing.", "delete_imgs", hint=hint)


def _odd_size(settings: Settings) -> Iterator[Finding]:
    odd = [key for key in ("W", "H") if settings.value(key) % 2]
    if odd and not settings.output.skip_video_creation:
        message = f"{' and '.join(odd)} should be even: video with 4:2:0 colour has no odd sides."
        yield Finding("warning", message, odd[0])


def _size_grid(settings: Settings) -> Iterator[Finding]:
    for key in ("W", "H"):
        side = settings.value(key)
        if side > 8 and side % 8:
            message = f"{side} is no multiple of 8; diffusion works with {side // 8 * 8}."
            yield Finding("note", message, key)


def _prompts(settings: Settings) -> Iterator[Finding]:
    if settings.prompts.prompts:
        return
    if settings.parseq.parseq_manifest:
        yield Finding("note", "none here; the Parseq manifest must bring them.", "prompts")
    else:
        yield Finding("error", "there are none.", "prompts", hint='Write {"0": "what to show"}.')


def _cadence(settings: Settings) -> Iterator[Finding]:
    cadence, frames = settings.anim.diffusion_cadence, settings.anim.max_frames
    if cadence >= frames > 1 and not settings.parseq.parseq_manifest:
        message = f"with {cadence} and {frames} frames only the first frame is diffused; the others are warped from it."
        yield Finding("note", message, "diffusion_cadence")


def _cadence_mode(settings: Settings) -> Iterator[Finding]:
    mode = settings.anim.animation_mode
    if settings.anim.diffusion_cadence > 1 and mode in ("Video Input", "Interpolation"):
        yield Finding("note", f"has no effect in {mode} mode, which diffuses every frame.", "diffusion_cadence")


def _seed_schedule(settings: Settings) -> Iterator[Finding]:
    scheduled = settings.run.seed_behavior == "schedule"
    default = settings.anim.seed_schedule == SETTINGS["seed_schedule"].default
    if scheduled and default:
        message = "is the default one: the start seed at both ends, random seeds between."
        yield Finding("note", message, "seed_schedule")
    if not scheduled and not default and not settings.loop.use_looper and not settings.parseq.parseq_manifest:
        message = f"has no effect with seed behavior {settings.run.seed_behavior}."
        yield Finding("note", message, "seed_schedule", hint="Set seed_behavior to schedule.")


def _switched_off(settings: Settings) -> Iterator[Finding]:
    for switch, keys in uses.SWITCHED.items():
        changed = [] if settings.value(switch) else [key for key in keys if _is_changed(settings, key)]
        if changed:
            message = f"is off, so {' and '.join(changed)} {'have' if len(changed) > 1 else 'has'} no effect."
            yield Finding("note", message, switch)


def _is_changed(settings: Settings, key: str) -> bool:
    value, default = settings.value(key), SETTINGS[key].default
    return bool("".join(str(value).split()) != "".join(str(default).split()))


def _no_effect(settings: Settings) -> Iterator[Finding]:
    for key in ("near_schedule", "far_schedule"):
        if _is_changed(settings, key):
            yield Finding("note", "never has a visible effect.", key)


def _strength_zero(settings: Settings) -> Iterator[Finding]:
    if settings.run.use_init and settings.run.strength <= 0:
        yield Finding("note", "at 0 nothing of the init image is left in the first frame.", "strength")


def _resume(settings: Settings) -> Iterator[Finding]:
    name = settings.anim.resume_timestring
    if not settings.anim.resume_from_timestring:
        return
    if not name.strip():
        hint = "Give the digits that the run's file names begin with."
        yield Finding("error", "is needed to resume a run.", "resume_timestring", hint=hint)
    elif not (name.isdecimal() and len(name) == _TIMESTRING_DIGITS):
        message = f"{name!r} is not like the names of runs, which are {_TIMESTRING_DIGITS} digits."
        yield Finding("warning", message, "resume_timestring")


def _upscaling(settings: Settings) -> Iterator[Finding]:
    output = settings.output
    if output.r_upscale_video and output.r_upscale_model != "realesr-animevideov3" and output.r_upscale_factor != "x4":
        yield Finding("error", f"{output.r_upscale_model} only enlarges x4.", "r_upscale_factor", hint="Set it to x4.")


def _interpolation(settings: Settings) -> Iterator[Finding]:
    output = settings.output
    engine, factor = output.frame_interpolation_engine, output.frame_interpolation_x_amount
    if engine.startswith("RIFE") and factor not in _RIFE_FACTORS:
        yield Finding("error", f"{factor} is out of range; RIFE does 2 to 10.", "frame_interpolation_x_amount")
    elif engine not in ("None", "RIFE v4.6") and factor not in _FACTORS:
        yield Finding("error", f"{factor} is out of range; {engine} does 2 to 300.", "frame_interpolation_x_amount")
    if (
        engine != "None"
        and output.frame_interpolation_slow_mo_enabled
        and output.frame_interpolation_slow_mo_amount < 1
    ):
        message = f"{output.frame_interpolation_slow_mo_amount} times slower is no speed; it must be 1 or more."
        yield Finding("error", message, "frame_interpolation_slow_mo_amount")


def _extraction(settings: Settings) -> Iterator[Finding]:
    first, last = settings.anim.extract_from_frame, settings.anim.extract_to_frame
    if uses.uses_video(settings) and last != -1 and last <= first:
        message = f"{last} is not after the first frame to extract, {first}."
        yield Finding("error", message, "extract_to_frame", hint="Use -1 for the end of the video.")


def _looper(settings: Settings) -> Iterator[Finding]:
    mode = settings.anim.animation_mode
    if not settings.loop.use_looper:
        return
    if mode not in ("2D", "3D"):
        yield Finding("warning", f"guided images have no effect in {mode} mode.", "use_looper")
    if not _guide_images(settings):
        hint = 'Write {"0": "first.png", "max_f/2": "second.png"}.'
        yield Finding("error", "is not a JSON object of frames and pictures.", "init_images", hint=hint)


def _colour_video(settings: Settings) -> Iterator[Finding]:
    chosen = settings.anim.color_coherence == "Video Input" and settings.anim.animation_mode in uses.CHAINED_MODES
    if chosen and not uses.uses_video_colours(settings):
        message = "Video Input needs a video; no colours are matched."
        yield Finding("warning", message, "color_coherence", hint="Name one in video_init_path.")


def _second_videos(settings: Settings) -> Iterator[Finding]:
    output = settings.output
    interpolates = output.frame_interpolation_engine != "None"
    for asked, key in ((output.r_upscale_video, "r_upscale_video"), (interpolates, "frame_interpolation_engine")):
        if asked and output.skip_video_creation:
            yield Finding("note", "has no effect without a video.", key)


_Idle = tuple[Callable[[Settings], bool], str, str]
_IDLE: Sequence[_Idle] = (
    (
        lambda s: s.anim.hybrid_composite != "None" and not uses.uses_composite(s),
        "hybrid_composite",
        "has no effect in Interpolation mode, whose frames are made from nothing.",
    ),
    (
        lambda s: s.anim.hybrid_motion != "None" and not uses.uses_hybrid_motion(s),
        "hybrid_motion",
        "has no effect in Interpolation mode, whose frames do not move.",
    ),
    (
        lambda s: s.anim.optical_flow_cadence != "None" and not uses.uses_camera(s),
        "optical_flow_cadence",
        "has an effect in 2D and 3D mode only.",
    ),
    (
        lambda s: s.anim.optical_flow_redo_generation != "None" and not uses.uses_camera(s),
        "optical_flow_redo_generation",
        "has an effect in 2D and 3D mode only.",
    ),
    (
        lambda s: s.anim.diffusion_redo > 0 and not uses.uses_camera(s),
        "diffusion_redo",
        "has an effect in 2D and 3D mode only.",
    ),
    (
        lambda s: s.anim.use_mask_video and not uses.uses_mask_video(s),
        "use_mask_video",
        "has no effect in Interpolation mode.",
    ),
    (
        lambda s: uses.uses_mask(s) and s.anim.animation_mode == "Interpolation" and not s.run.use_init,
        "use_mask",
        "has no effect here: without an init image, frames of Interpolation mode are made from nothing.",
    ),
    (
        lambda s: _is_changed(s, "mask_schedule") and not uses.uses_mask(s),
        "mask_schedule",
        "has no effect while neither use_mask nor use_mask_video is on.",
    ),
    (
        lambda s: uses.uses_mask(s) and s.run.use_alpha_as_mask and not uses.uses_alpha(s),
        "use_alpha_as_mask",
        "has no effect, since frames do not start from the init image.",
    ),
    (
        lambda s: uses.uses_composite(s) and not uses.uses_hybrid_motion(s) and s.anim.hybrid_motion_use_prev_img,
        "hybrid_motion_use_prev_img",
        "has no effect without hybrid motion.",
    ),
    (
        lambda s: (
            s.output.frame_interpolation_engine != "None"
            and s.output.frame_interpolation_use_upscaled
            and not s.output.r_upscale_video
        ),
        "frame_interpolation_use_upscaled",
        "has no effect without r_upscale_video; the frames are interpolated as they are.",
    ),
)
"""When a setting has no effect, which one, and why."""


def _idle(settings: Settings) -> Iterator[Finding]:
    yield from (Finding("note", text, key) for applies, key, text in _IDLE if applies(settings))


_CHECKS: Sequence[Callable[[Settings], Iterable[Finding]]] = (
    _limits,
    _fps,
    _gif,
    _lost_frames,
    _odd_size,
    _size_grid,
    _prompts,
    _cadence,
    _cadence_mode,
    _seed_schedule,
    _switched_off,
    _no_effect,
    _strength_zero,
    _resume,
    _upscaling,
    _interpolation,
    _second_videos,
    _extraction,
    _looper,
    _colour_video,
    _idle,
)


def _input_files(settings: Settings, base_dirs: Sequence[Path | None]) -> Iterator[Finding]:
    """Only local files are looked for: a URL may be reachable when the run begins."""
    for key, named, reason in (*_required_files(settings), *_optional_files(settings)):
        if named and not is_url(named) and find_path(named, base_dirs) is None:
            hint = "Relative paths are looked up beside the settings file first, then in the working directory."
            yield Finding(
                _severity(key), f"{named!r} is needed for {reason}, but there is no such file.", key, hint=hint
            )
    for key, named, reason in _required_files(settings):
        if not named:
            yield Finding(_severity(key), f"is empty, but needed for {reason}.", key)


def _severity(key: str) -> Severity:
    # A video without its sound is still worth having.
    return "warning" if key == "soundtrack_path" else "error"


def _required_files(settings: Settings) -> Iterator[tuple[str, str, str]]:
    run, anim, output = settings.run, settings.anim, settings.output
    pasted = run.init_image_box is not None
    by_image = anim.color_coherence == "Image" and anim.animation_mode in uses.CHAINED_MODES
    wanted = (
        (uses.uses_init_image(settings) and not pasted, "init_image", "use_init or hybrid_use_init_image"),
        (by_image, "color_coherence_image_path", "color_coherence Image"),
        (uses.uses_video(settings), "video_init_path", "video input or hybrid video"),
        (uses.uses_mask_video(settings), "video_mask_path", "use_mask_video"),
        (output.add_soundtrack == "File" and not output.skip_video_creation, "soundtrack_path", "add_soundtrack"),
    )
    yield from ((key, settings.value(key), reason) for used, key, reason in wanted if used)


def _optional_files(settings: Settings) -> Iterator[tuple[str, str, str]]:
    run = settings.run
    if uses.uses_mask_file(settings):
        yield "mask_file", run.mask_file, "use_mask"
    for number, unit in enumerate(settings.controlnet, start=1):
        if unit.enabled and not unit.loopback_mode:
            yield f"cn_{number}_vid_path", unit.vid_path, f"ControlNet unit {number}"
    if uses.uses_guides(settings):
        yield from (("init_images", image, "guided images") for image in _guide_images(settings).values())


def _guide_images(settings: Settings) -> Mapping[str, str]:
    try:
        images = json.loads(settings.loop.init_images)
    except (ValueError, RecursionError):
        return {}
    return images if isinstance(images, dict) and all(isinstance(image, str) for image in images.values()) else {}
