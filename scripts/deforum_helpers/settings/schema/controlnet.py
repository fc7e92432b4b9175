"""Settings of one ControlNet unit. In files the field ``name`` of unit i is the key ``cn_{i}_{name}``."""

from __future__ import annotations

from dataclasses import dataclass

from .setting import choice, flag, integer, number, path, schedule

UNITS = 5
"""Number of units in settings files."""

_UNIT = ("ControlNet", "CN Model {i}")
_ON = "cn_{i}_enabled"


@dataclass(frozen=True)
class ControlNetUnit:
    """One field per setting of a unit. ``{i}`` in tabs and conditions stands for the unit's number."""

    overwrite_frames: bool = flag(
        True,
        label="Overwrite input frames",
        help="Extracts the unit's video again even if its frames are there from an earlier run.",
        tab=_UNIT,
        visible_when=_ON,
    )
    vid_path: str = path(
        label="ControlNet Input Video/ Image Path",
        help="Path or URL of the video, or of the one picture, that guides this unit.",
        tab=_UNIT,
        visible_when=_ON + " and not cn_{i}_loopback_mode",
    )
    mask_vid_path: str = path(
        label="ControlNet Mask Video/ Image Path",
        help="Path or URL of a mask, a video or one picture: white where the unit takes part, black where it does not.",
        tab=_UNIT,
        visible_when=_ON,
    )
    enabled: bool = flag(
        False,
        label="Enable",
        help="Uses this ControlNet unit for every diffused frame.",
        tab=_UNIT,
    )
    low_vram: bool = flag(
        False,
        label="Low VRAM",
        help="Moves the unit's model out of graphics memory between uses: slower, needs less memory.",
        tab=_UNIT,
        visible_when=_ON,
    )
    pixel_perfect: bool = flag(
        False,
        label="Pixel Perfect",
        help="Lets ControlNet choose the preprocessor's resolution from the frame size.",
        tab=_UNIT,
        visible_when=_ON,
    )
    module: str = choice(
        "none",
        widget="Dropdown",
        open_choices=True,
        label="Preprocessor",
        help="Preprocessor that turns the guiding picture into edges, depth, pose and so on; none if it already is.",
        tab=_UNIT,
        visible_when=_ON,
    )
    model: str = choice(
        "None",
        widget="Dropdown",
        open_choices=True,
        label="Model",
        help="ControlNet model of this unit, by its name in the web UI.",
        tab=_UNIT,
        visible_when=_ON,
    )
    weight: str = schedule(
        "0:(1)",
        label="Weight schedule",
        help="How strongly the unit guides, by frame: 0 not at all, 1 normally, up to 2.",
        tab=_UNIT,
        visible_when=_ON,
    )
    guidance_start: str = schedule(
        "0:(0.0)",
        label="Starting Control Step schedule",
        help="At which fraction of the sampling steps, 0 to 1, the unit begins to guide.",
        tab=_UNIT,
        visible_when=_ON,
    )
    guidance_end: str = schedule(
        "0:(1.0)",
        label="Ending Control Step schedule",
        help="At which fraction of the sampling steps, 0 to 1, the unit stops guiding.",
        tab=_UNIT,
        visible_when=_ON,
    )
    processor_res: int = integer(
        64,
        label="Annotator resolution",
        help="Resolution in pixels at which the preprocessor works. Unused with Pixel Perfect.",
        tab=_UNIT,
        visible_when=_ON,
        minimum=64,
        maximum=2048,
    )
    threshold_a: float = number(
        64,
        label="Threshold A",
        help="First parameter of the preprocessor, for example the lower threshold of canny.",
        tab=_UNIT,
        visible_when=_ON,
        minimum=64,
        maximum=1024,
    )
    threshold_b: float = number(
        64,
        label="Threshold B",
        help="Second parameter of the preprocessor, for example the upper threshold of canny.",
        tab=_UNIT,
        visible_when=_ON,
        minimum=64,
        maximum=1024,
    )
    resize_mode: str = choice(
        "Inner Fit (Scale to Fit)",
        ("Outer Fit (Shrink to Fit)", "Inner Fit (Scale to Fit)", "Just Resize"),
        label="Resize Mode",
        help="How a guiding picture of another shape is brought to the frame size: padded, cropped or stretched.",
        tab=_UNIT,
        visible_when=_ON,
    )
    control_mode: str = choice(
        "Balanced",
        ("Balanced", "My prompt is more important", "ControlNet is more important"),
        label="Control Mode",
        help="Which one prevails where the prompt and the guiding picture disagree.",
        tab=_UNIT,
        visible_when=_ON,
    )
    loopback_mode: bool = flag(
        False,
        label="LoopBack mode",
        help="Guides with the previous frame of this animation instead of the unit's own video.",
        tab=_UNIT,
        visible_when=_ON,
    )
