"""Settings of guided images, which pull frames towards given pictures."""

from __future__ import annotations

from dataclasses import dataclass

from .setting import flag, json_text, schedule

_GUIDED = ("Keyframes", "Guided Images")
_SCHEDULES = ("Keyframes", "Guided Images", "Guided images schedules")
_SHOWN = "animation_mode in ['2D', '3D']"

_EXAMPLE_IMAGES = """{
    "0": "images/first.png",
    "max_f/4-5": "images/second.png",
    "max_f/2-10": "images/third.png",
    "3*max_f/4-15": "images/fourth.png",
    "max_f-20": "images/last.png"
}"""


@dataclass(frozen=True)
class LoopArgs:
    """One field per setting; what each one does is in its help."""

    use_looper: bool = flag(
        False,
        label="Enable guided images mode",
        help="Blends the guide images into the frames and takes the seed from the seed schedule.",
        tab=_GUIDED,
        visible_when=_SHOWN,
    )
    init_images: str = json_text(
        _EXAMPLE_IMAGES,
        label="Images to use for keyframe guidance",
        help="JSON object of frame and picture: a frame number or an expression of max_f, and a path or URL.",
        tab=_GUIDED,
        lines=9,
        visible_when=_SHOWN,
    )
    image_strength_schedule: str = schedule(
        "0:(0.75)",
        label="Image strength schedule",
        help="Strength of guided frames, 0 to 1: how much of the blended picture stays when it is diffused.",
        tab=_SCHEDULES,
        visible_when=_SHOWN,
    )
    blendFactorMax: str = schedule(  # noqa: N815 - the name in settings files
        "0:(0.35)",
        label="Blend factor max",
        help="Middle of the weight, 0 to 1, with which a guide image is blended in around its change.",
        tab=_SCHEDULES,
        visible_when=_SHOWN,
    )
    blendFactorSlope: str = schedule(  # noqa: N815 - the name in settings files
        "0:(0.25)",
        label="Blend factor slope",
        help="How far the blend weight swings below and above its middle while one guide image gives way to the next.",
        tab=_SCHEDULES,
        visible_when=_SHOWN,
    )
    tweening_frames_schedule: str = schedule(
        "0:(20)",
        label="Tweening frames schedule",
        help="For how many frames around a change the guide images are blended in; elsewhere their weight is 0.07.",
        tab=_SCHEDULES,
        visible_when=_SHOWN,
    )
    color_correction_factor: str = schedule(
        "0:(0.075)",
        label="Color correction factor",
        help="How far the colours of a guided frame are pulled towards the guide image, 0 to 1.",
        tab=_SCHEDULES,
        visible_when=_SHOWN,
    )
