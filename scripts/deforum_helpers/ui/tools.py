"""The stand-alone tools of the tab, one row each: what a tool asks for, and what it does with that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..settings.schema import SETTINGS, Setting
from ..tools.depth_look import DEPTH_MODES, MODES, THRESHOLDINGS, WITH_DEPTH, DepthLook
from ..web import is_url
from .door import Tooling
from .tree import Path as Headings

if TYPE_CHECKING:
    from ..tools.clips import Made

Values = Mapping[str, Any]
"""What stands in the page, by the keys of a tool's fields and of the settings it reads."""


@dataclass(frozen=True)
class Tool:
    """A tool.

    Attributes:
        path: headings of its section; the last is its name.
        fields: what it asks for, as if these were settings: labels, help, widgets, ranges, when each is on display.
        reads: settings that it goes by, which stand elsewhere in the page.
        button: what its button says.
        work: does it. Its DeforumErrors are shown; heavy modules are imported inside.
        networks: whether it uses networks.
    """

    path: Headings
    fields: tuple[Setting, ...]
    button: str
    work: Callable[[Values, Tooling], Made]
    reads: tuple[str, ...] = ()
    networks: bool = False

    @property
    def name(self) -> str:
        """The last heading."""
        return self.path[-1]


def file_named(values: Values, key: str, label: str, tooling: Tooling) -> Path:
    """The file that stands in the field ``key``, as a path.

    Raises:
        InputError: there is none named, or it may not be read.
    """
    named = str(values[key] or "")
    if not named.strip():
        raise InputError("no file is named.", key=label, hint="Upload one, or type its path.")
    return tooling.reach.path(named, label)


def _path_field(key: str, label: str, about: str, elem_id: str) -> Setting:
    """A box for the path of a file that a tool works on; it may stay empty."""
    return Setting("path", "", key=key, label=label, help=about, elem_id=elem_id, optional=True)


# --- Vid2depth -------------------------------------------------------------------------------------------------------

_WITH_DEPTH = f"depth_mode in {list(DEPTH_MODES)}"
_ADAPTIVE = "depth_thresholding in ['Adaptive (Mean)', 'Adaptive (Gaussian)']"
_DEPTH_NETWORKS = (
    *("Midas-3-Hybrid", "Midas-3-Large", "Midas-3.1-BeiTLarge", "Zoe"),
    *("Depth-Anything-V2-small", "Depth-Anything-V2-base", "Depth-Anything-V2-large"),
)
_VIDEO_OF_DEPTH = "Video to get Depth from"


def _depth(values: Values, tooling: Tooling) -> Made:
    from ..tools.depth_video import make_depth_video

    look = DepthLook(
        mode=values["depth_mode"],
        network=values["depth_network"],
        closer_is_brighter=values["depth_closer_is_brighter"],
        thresholding=values["depth_thresholding"],
        lower=values["depth_lower"],
        upper=values["depth_upper"],
        block_size=values["depth_block_size"],
        c=values["depth_c"],
        blur=values["depth_blur"],
    )
    return make_depth_video(
        file_named(values, "vid_to_depth_chosen_file", _VIDEO_OF_DEPTH, tooling),
        tooling.options.out,
        look,
        networks=tooling.networks,
        encode=tooling.options.encode,
        keep_frames=values["depth_keep_imgs"],
        watch=tooling.watch,
    )


VID2DEPTH = Tool(
    ("Output", "Vid2depth"),
    (
        _path_field(
            "vid_to_depth_chosen_file",
            _VIDEO_OF_DEPTH,
            "Path of a video. What is made of it lies in frame-depth, in the folder of all runs.",
            "vid_to_depth_chosen_file",
        ),
        Setting(
            "choice",
            WITH_DEPTH,
            key="depth_mode",
            label="Mode",
            help="How near things are, as a network sees it; anime characters, white on black; both, which is how near "
            "these are; or just how bright everything is.",
            widget="Dropdown",
            choices=MODES,
            elem_id="mode",
        ),
        Setting(
            "choice",
            SETTINGS["depth_algorithm"].default,
            key="depth_network",
            label="Depth network",
            help="As Depth Algorithm in Keyframes. All frames share one range of greys, found on pictures from all "
            "over the video, so that nothing pumps.",
            widget="Dropdown",
            choices=_DEPTH_NETWORKS,
            open_choices=True,
            visible_when=_WITH_DEPTH,
        ),
        Setting(
            "flag",
            True,
            key="depth_closer_is_brighter",
            label="Closer is brighter",
            help="Off: what is far away is bright.",
            widget="Checkbox",
            visible_when=_WITH_DEPTH,
            elem_id="invert",
        ),
        Setting(
            "flag",
            True,
            key="depth_keep_imgs",
            label="Keep Imgs",
            help="Keeps the frames as PNG beside the video.",
            widget="Checkbox",
            elem_id="depth_keep_imgs",
        ),
        Setting(
            "choice",
            "None",
            key="depth_thresholding",
            label="Thresholding Mode",
            help="Two levels in place of greys: parted at one level, at the one that fits each frame best, or at the "
            "mean of the surroundings.",
            widget="Radio",
            choices=THRESHOLDINGS,
        ),
        Setting(
            "integer",
            127,
            key="depth_lower",
            label="Threshold Value Lower",
            help="Level, 0 to 255: what is not above it becomes black.",
            widget="Slider",
            minimum=0,
            maximum=255,
            step=1,
            visible_when="depth_thresholding == 'Simple'",
        ),
        Setting(
            "integer",
            255,
            key="depth_upper",
            label="Threshold Value Upper",
            help="Level, 0 to 255, that the rest becomes.",
            widget="Slider",
            minimum=0,
            maximum=255,
            step=1,
            visible_when="depth_thresholding != 'None'",
        ),
        Setting(
            "integer",
            11,
            key="depth_block_size",
            label="Block size",
            help="Side of the surroundings in pixels; an odd number from 3 on.",
            widget="Number",
            visible_when=_ADAPTIVE,
        ),
        Setting(
            "number",
            2,
            key="depth_c",
            label="C",
            help="So many levels less than the mean is where they part.",
            widget="Number",
            visible_when=_ADAPTIVE,
        ),
        Setting(
            "integer",
            0,
            key="depth_blur",
            label="End blur width",
            help="Softens the result by so many pixels; 0 leaves it sharp.",
            widget="Slider",
            minimum=0,
            maximum=255,
            step=1,
        ),
    ),
    "Get depth from video",
    _depth,
    networks=True,
)


# --- Frames to Video -------------------------------------------------------------------------------------------------


def _stitch(values: Values, tooling: Tooling) -> Made:
    from ..parseq.rate import parse_fps
    from ..tools.stitch import find_series, stitch

    reach = tooling.reach
    series = find_series(reach.named(str(values["image_path"] or ""), "image_path"), (reach.folder,))
    reach.check_output(series.pattern.parent, "image_path")
    return stitch(
        series,
        fps=parse_fps(values["fps"]),
        encode=tooling.options.encode,
        sound=_sound(values, tooling),
        allow_private=reach.allow_private,
        watch=tooling.watch,
    )


def _sound(values: Values, tooling: Tooling) -> str | None:
    """Path or link of the soundtrack that stands in the video's settings, None without one."""
    key = {"File": "soundtrack_path", "Init Video": "video_init_path"}.get(values["add_soundtrack"], "")
    named = str(values.get(key) or "").strip()
    if not named:
        return None
    named = tooling.reach.named(named, key)
    return named if is_url(named) else str(tooling.reach.path(named, key))


FRAMES_TO_VIDEO = Tool(
    ("Output", "Frames to Video"),
    (replace(SETTINGS["image_path"], default=""),),
    "Stitch frames to video",
    _stitch,
    reads=("fps", "add_soundtrack", "soundtrack_path", "video_init_path"),
)


# --- Interpolate existing Video/ Images ------------------------------------------------------------------------------

_VIDEO_TO_INTERPOLATE, _PICTURES_TO_INTERPOLATE = "Video to Interpolate", "Pics to Interpolate"


def _interpolate(values: Values, tooling: Tooling) -> Made:
    from ..models.weights import Opening
    from ..parseq.rate import parse_fps
    from ..tools.clips import open_pictures, open_video
    from ..tools.interpolate import Interpolation, interpolate_clip
    from ..tools.stitch import find_series

    engine = str(values["frame_interpolation_engine"])
    if engine == "None":
        raise InputError("no engine is chosen.", key="Engine", hint="Choose one above.")
    slow = values["frame_interpolation_slow_mo_amount"] if values["frame_interpolation_slow_mo_enabled"] else 1
    wanted = Interpolation(engine, values["frame_interpolation_x_amount"], slow)
    named = str(values["pics_to_interpolate"] or "").strip()
    if named and not str(values["vid_to_interpolate_chosen_file"] or "").strip():
        reach = tooling.reach
        series = find_series(reach.named(named, _PICTURES_TO_INTERPOLATE), (reach.folder,))
        clip = open_pictures(series.files, parse_fps(values["fps"]), key=_PICTURES_TO_INTERPOLATE)
    else:
        video = file_named(values, "vid_to_interpolate_chosen_file", _VIDEO_TO_INTERPOLATE, tooling)
        clip = open_video(video, key=_VIDEO_TO_INTERPOLATE, ffmpeg=tooling.options.encode.ffmpeg)
    return interpolate_clip(
        clip,
        wanted,
        tooling.options.out,
        to=Opening(**tooling.networks),
        encode=tooling.options.encode,
        keep_pictures=values["frame_interpolation_keep_imgs"],
        watch=tooling.watch,
    )


INTERPOLATE = Tool(
    ("Output", "Frame Interpolation", "Interpolate existing Video/ Images"),
    (
        _path_field(
            "vid_to_interpolate_chosen_file",
            _VIDEO_TO_INTERPOLATE,
            "Path of a video. Engine, Interp X, Slow-Mo and Keep Imgs are those above; what is made lies in "
            "frame-interpolation, in the folder of all runs.",
            "vid_to_interpolate_chosen_file",
        ),
        _path_field(
            "pics_to_interpolate",
            _PICTURES_TO_INTERPOLATE,
            "Without a video: a folder of numbered pictures, or a pattern with %09d for the number. They are "
            "shown at the FPS of the video output settings.",
            "pics_to_interpolate_chosen_file",
        ),
    ),
    "Interpolate",
    _interpolate,
    reads=(
        "frame_interpolation_engine",
        "frame_interpolation_x_amount",
        "frame_interpolation_slow_mo_enabled",
        "frame_interpolation_slow_mo_amount",
        "frame_interpolation_keep_imgs",
        "fps",
    ),
    networks=True,
)


# --- Video Upscaling -------------------------------------------------------------------------------------------------

_VIDEO_TO_UPSCALE = "Video to Upscale"


def _upscale(values: Values, tooling: Tooling) -> Made:
    from ..models.weights import Opening
    from ..tools.clips import open_video
    from ..tools.upscale import Upscaling, upscale_clip

    wanted = Upscaling(values["upscale_model"], values["upscale_factor"])
    video = file_named(values, "vid_to_upscale_chosen_file", _VIDEO_TO_UPSCALE, tooling)
    return upscale_clip(
        open_video(video, key=_VIDEO_TO_UPSCALE, ffmpeg=tooling.options.encode.ffmpeg),
        wanted,
        tooling.options.out,
        to=Opening(**tooling.networks),
        encode=tooling.options.encode,
        keep_pictures=values["upscale_keep_imgs"],
        watch=tooling.watch,
    )


UPSCALE = Tool(
    ("Output", "Video Upscaling"),
    (
        _path_field(
            "vid_to_upscale_chosen_file",
            _VIDEO_TO_UPSCALE,
            "Path of a video. What is made of it lies in frame-upscaling, in the folder of all runs.",
            "vid_to_upscale_chosen_file",
        ),
        *(
            replace(SETTINGS[f"r_{key}"], key=key, tab=(), visible_when="")
            for key in ("upscale_model", "upscale_factor", "upscale_keep_imgs")
        ),
    ),
    "Upscale video",
    _upscale,
    networks=True,
)


# --- a further tool is one more row: its fields, its work, and here ------------------------------------------------

TOOLS: tuple[Tool, ...] = (VID2DEPTH, FRAMES_TO_VIDEO, INTERPOLATE, UPSCALE)
"""All of them, in the order of the tab. One whose section lies in another section stands at the end of that."""
