"""Settings of the finished video: encoding, soundtrack, upscaling, frame interpolation."""

from __future__ import annotations

from dataclasses import dataclass

from .setting import choice, flag, integer, number, path

_VIDEO = ("Output", "Video Output Settings")
_INTERPOLATION = ("Output", "Frame Interpolation")
_WITH_VIDEO = "not skip_video_creation"
_INTERPOLATING = "frame_interpolation_engine != 'None'"


@dataclass(frozen=True)
class DeforumOutputArgs:
    """One field per setting; what each one does is in its help."""

    skip_video_creation: bool = flag(
        False,
        label="Skip video creation",
        help="Leaves the frames as pictures and makes no video.",
        tab=_VIDEO,
    )
    fps: float = number(
        15,
        label="FPS",
        help="Frames per second of the video. Fractions such as 23.976 are allowed.",
        tab=_VIDEO,
        visible_when=_WITH_VIDEO,
        minimum=1,
        maximum=240,
        step=1,
    )
    make_gif: bool = flag(
        False,
        label="Make GIF",
        help="Also writes a GIF. Only up to 30 frames per second.",
        tab=_VIDEO,
        visible_when="fps <= 30 and not skip_video_creation",
    )
    delete_imgs: bool = flag(
        False,
        label="Delete Imgs",
        help="Deletes the frames after the video was made and holds all of them.",
        tab=_VIDEO,
        visible_when=_WITH_VIDEO,
    )
    delete_input_frames: bool = flag(
        False,
        label="Delete All Inputframes",
        help="Deletes the frames extracted from input videos at the end of the run.",
        tab=_VIDEO,
        visible_when=_WITH_VIDEO,
    )
    image_path: str = path(
        "C:/SD/20230124234916_%09d.png",
        label="Image path",
        help="Folder of numbered frames, any one of them, or a pattern with %09d for the number. Frame rate and sound "
        "are those of the video settings. Not part of a run.",
        tab=("Output", "Frames to Video"),
        saved=False,
    )
    add_soundtrack: str = choice(
        "None",
        ("None", "File", "Init Video"),
        label="Add soundtrack",
        help="Adds sound to the video: from a file or from the init video. It ends where the shorter of both ends.",
        tab=_VIDEO,
        visible_when=_WITH_VIDEO,
    )
    soundtrack_path: str = path(
        label="Soundtrack path",
        help="Path or URL of the sound file. Used when the soundtrack is a file.",
        tab=_VIDEO,
        visible_when=_WITH_VIDEO,
    )
    r_upscale_video: bool = flag(
        False,
        label="Upscale",
        help="Makes a second, enlarged video once the first is done. Needs PyTorch and spandrel.",
        tab=_VIDEO,
        visible_when=_WITH_VIDEO,
    )
    r_upscale_factor: str = choice(
        "x2",
        ("x2", "x3", "x4"),
        widget="Dropdown",
        label="Upscale factor",
        help="Enlargement of width and height. Only realesr-animevideov3 offers x2 and x3.",
        tab=_VIDEO,
        visible_when=_WITH_VIDEO,
    )
    r_upscale_model: str = choice(
        "realesr-animevideov3",
        ("realesr-animevideov3", "realesrgan-x4plus", "realesrgan-x4plus-anime"),
        widget="Dropdown",
        label="Upscale model",
        help="Network that enlarges the frames: the first for drawn video, the second for photographs.",
        tab=_VIDEO,
        visible_when=_WITH_VIDEO,
    )
    r_upscale_keep_imgs: bool = flag(
        True,
        label="Keep Imgs",
        help="Keeps the enlarged frames beside the enlarged video.",
        tab=_VIDEO,
        visible_when=_WITH_VIDEO,
    )
    store_frames_in_ram: bool = flag(
        False,
        label="Store frames in ram",
        help="Kept for compatibility: frames are always written to disk as they are made, so that none is lost.",
        tab=_VIDEO,
        visible_when="False",
    )
    frame_interpolation_engine: str = choice(
        "None",
        ("None", "RIFE v4.6", "FILM", "Optical Flow"),
        label="Engine",
        help="What makes additional frames between the finished ones, in a second video: RIFE is fast, FILM takes large"
        " motions, Optical Flow needs neither PyTorch nor weights.",
        tab=_INTERPOLATION,
    )
    frame_interpolation_x_amount: int = integer(
        2,
        label="Interp X",
        help="How many times as many frames the interpolated video has.",
        tab=_INTERPOLATION,
        visible_when=_INTERPOLATING,
        minimum=2,
        maximum=10,
        step=1,
    )
    frame_interpolation_slow_mo_enabled: bool = flag(
        False,
        label="Slow-Mo",
        help="Plays the interpolated video slower instead of smoother. Drops sound and subtitles.",
        tab=_INTERPOLATION,
        visible_when=_INTERPOLATING,
    )
    frame_interpolation_slow_mo_amount: int = integer(
        2,
        label="Slow-Mo X",
        help="How many times slower the slow-motion video plays.",
        tab=_INTERPOLATION,
        visible_when=f"frame_interpolation_slow_mo_enabled and {_INTERPOLATING}",
        minimum=2,
        maximum=10,
        step=1,
    )
    frame_interpolation_keep_imgs: bool = flag(
        False,
        label="Keep Imgs",
        help="Keeps the interpolated frames beside the interpolated video.",
        tab=_INTERPOLATION,
        visible_when=_INTERPOLATING,
    )
    frame_interpolation_use_upscaled: bool = flag(
        False,
        label="Use Upscaled",
        help="Interpolates between the enlarged frames instead of the original ones. Has an effect with Upscale only.",
        tab=_INTERPOLATION,
        visible_when=_INTERPOLATING,
    )


@dataclass(frozen=True)
class Trailer:
    """What a settings file records about the software that wrote it. No effect on a run; None where unknown."""

    sd_model_name: str | None = None
    sd_model_hash: str | None = None
    deforum_git_commit_id: str | None = None
