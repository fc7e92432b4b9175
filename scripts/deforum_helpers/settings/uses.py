"""What given settings make use of, asked in one place by everything that checks, plans or renders them."""

from __future__ import annotations

from collections.abc import Mapping

from .schema import Settings

SWITCHED: Mapping[str, tuple[str, ...]] = {
    "enable_steps_scheduling": ("steps_schedule",),
    "enable_subseed_scheduling": ("subseed_schedule", "subseed_strength_schedule"),
    "enable_sampler_scheduling": ("sampler_schedule",),
    "enable_checkpoint_scheduling": ("checkpoint_schedule",),
    "enable_clipskip_scheduling": ("clipskip_schedule",),
    "enable_noise_multiplier_scheduling": ("noise_multiplier_schedule",),
    "enable_ddim_eta_scheduling": ("ddim_eta_schedule",),
    "enable_ancestral_eta_scheduling": ("ancestral_eta_schedule",),
    "enable_perspective_flip": (
        "perspective_flip_theta",
        "perspective_flip_phi",
        "perspective_flip_gamma",
        "perspective_flip_fv",
    ),
    "use_noise_mask": ("noise_mask_schedule",),
    "use_init": ("strength", "use_alpha_as_mask"),
    "use_looper": (
        "image_strength_schedule",
        "blendFactorMax",
        "blendFactorSlope",
        "tweening_frames_schedule",
        "color_correction_factor",
    ),
}
"""Switch -> settings without effect while it is off. The one list: the linter, the plan and the tab all read it."""

_SWITCH_OF = {key: switch for switch, keys in SWITCHED.items() for key in keys}

CAMERA_MODES = ("2D", "3D")
"""Modes in which a camera carries each picture to the next frame."""
CHAINED_MODES = (*CAMERA_MODES, "Video Input")
"""Modes in which a frame may hold on to the frames before it."""


def switch_of(key: str, settings: Settings) -> str:
    """The switch that keeps the setting ``key`` from having an effect because it is off; empty if none does."""
    switch = _SWITCH_OF.get(key, "")
    return switch if switch and not settings.value(switch) else ""


def uses_camera(settings: Settings) -> bool:
    """Whether a camera moves the pictures."""
    return settings.anim.animation_mode in CAMERA_MODES


def uses_composite(settings: Settings) -> bool:
    """Whether hybrid video is mixed into the pictures."""
    return settings.anim.hybrid_composite != "None" and settings.anim.animation_mode in CHAINED_MODES


def holds_on(settings: Settings) -> bool:
    """Whether each key frame is made from the one before."""
    return uses_camera(settings) or uses_composite(settings)


def uses_hybrid_motion(settings: Settings) -> bool:
    """Whether the pictures move the way a video does."""
    return settings.anim.hybrid_motion != "None" and settings.anim.animation_mode in CHAINED_MODES


def uses_hybrid(settings: Settings) -> bool:
    """Whether hybrid video takes part at all."""
    return uses_composite(settings) or uses_hybrid_motion(settings)


def uses_hybrid_video(settings: Settings) -> bool:
    """Whether hybrid video comes from the init video (and not from the init image)."""
    return uses_hybrid(settings) and not settings.anim.hybrid_use_init_image


def uses_video_colours(settings: Settings) -> bool:
    """Whether colours are held to those of the init video."""
    anim = settings.anim
    chosen = anim.color_coherence == "Video Input" and anim.animation_mode in CHAINED_MODES
    return chosen and bool(anim.video_init_path.strip())


def follows_video(settings: Settings) -> bool:
    """Whether the animation is as long as the init video."""
    return settings.anim.animation_mode == "Video Input" or uses_hybrid_video(settings)


def uses_video(settings: Settings) -> bool:
    """Whether frames of the init video are needed."""
    return follows_video(settings) or uses_video_colours(settings) or overlays_video(settings)


def starts_from_video(settings: Settings) -> bool:
    """Whether the first frame of the init video is the init image."""
    return (
        uses_camera(settings)
        and uses_hybrid_video(settings)
        and settings.anim.hybrid_use_first_frame_as_init_image
        and not uses_guides(settings)
    )


def uses_guides(settings: Settings) -> bool:
    """Whether guide images are blended into the frames."""
    return settings.loop.use_looper and uses_camera(settings)


def starts_from_init_image(settings: Settings) -> bool:
    """Whether the init image of the settings is what the first frame (in Interpolation each frame) starts from."""
    if settings.anim.animation_mode == "Video Input" or uses_guides(settings) or starts_from_video(settings):
        return False
    return settings.run.use_init


def uses_init_image(settings: Settings) -> bool:
    """Whether the init image of the settings is needed for anything."""
    as_video = uses_hybrid(settings) and settings.anim.hybrid_use_init_image
    return starts_from_init_image(settings) or as_video


def uses_mask_video(settings: Settings) -> bool:
    """Whether masks come from a video."""
    return settings.anim.use_mask_video and settings.anim.animation_mode in CHAINED_MODES


def uses_mask(settings: Settings) -> bool:
    """Whether only a part of each picture is diffused."""
    return settings.run.use_mask or uses_mask_video(settings)


def uses_alpha(settings: Settings) -> bool:
    """Whether the alpha channel of the init image is the mask called ``video_mask``."""
    return uses_mask(settings) and settings.run.use_alpha_as_mask and starts_from_init_image(settings)


def uses_mask_file(settings: Settings) -> bool:
    """Whether the mask file is the mask called ``video_mask``."""
    taken = uses_mask_video(settings) or uses_alpha(settings)
    wanted = settings.run.use_mask or settings.anim.use_noise_mask
    return wanted and not taken and bool(settings.run.mask_file.strip())


def uses_noise_mask(settings: Settings) -> bool:
    """Whether noise is added to a part of each picture only."""
    return settings.anim.use_noise_mask or uses_mask(settings)


def overlays_original(settings: Settings) -> bool:
    """Whether what a mask keeps is pasted back after each diffusion."""
    return settings.run.overlay_mask and uses_mask(settings)


def overlays_video(settings: Settings) -> bool:
    """Whether what a mask keeps comes from the init video."""
    anim = settings.anim
    has_video = anim.animation_mode == "Video Input" or (anim.use_mask_video and bool(anim.video_init_path.strip()))
    return overlays_original(settings) and has_video


def follows_flow(settings: Settings) -> bool:
    """Whether hybrid motion is an optical flow."""
    return uses_hybrid_motion(settings) and settings.anim.hybrid_motion == "Optical Flow"


def uses_flow_cadence(settings: Settings) -> bool:
    """Whether the two pictures of a tween are brought together by an optical flow."""
    chosen = settings.anim.optical_flow_cadence != "None"
    return chosen and uses_camera(settings) and not settings.run.motion_preview_mode


def uses_flow_redo(settings: Settings) -> bool:
    """Whether each key frame is diffused once more, along an optical flow."""
    chosen = settings.anim.optical_flow_redo_generation != "None"
    return chosen and uses_camera(settings) and not settings.run.motion_preview_mode


def plain_redos(settings: Settings) -> int:
    """How many times each key frame is diffused before the time that counts, flow aside."""
    off = not uses_camera(settings) or settings.run.motion_preview_mode
    return 0 if off else max(0, int(settings.anim.diffusion_redo))


def uses_depth_warping(settings: Settings) -> bool:
    """Whether the camera moves through a scene with depth."""
    anim = settings.anim
    return anim.animation_mode == "3D" and anim.use_depth_warping and not settings.run.motion_preview_mode


def uses_depth(settings: Settings) -> bool:
    """Whether a depth network is needed for anything."""
    if settings.run.motion_preview_mode:
        return False
    masked = uses_composite(settings) and settings.anim.hybrid_comp_mask_type in ("Depth", "Video Depth")
    return uses_depth_warping(settings) or masked or settings.anim.save_depth_maps
