"""``depth``: a video to a video of its depth, or of where its anime characters are."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..tools.depth_look import MODES, THRESHOLDINGS, DepthLook
from .tool import add_encoding, add_networks, encoding, networks, tell, watched

_MODES = dict(zip(("depth", "anime", "mixed", "grayscale"), MODES, strict=True))
_THRESHOLDINGS = dict(zip(("none", "simple", "auto", "mean", "gaussian"), THRESHOLDINGS, strict=True))


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "depth",
        help="a video of the depth in a video",
        description="Make a video of how near everything in a video is. The last line printed is its path.",
    )
    parser.add_argument("video", type=Path, metavar="VIDEO", help="the video")
    parser.add_argument(
        "--out", type=Path, default=Path("outputs"), metavar="DIR", help="where frame-depth/ is (outputs)"
    )
    parser.add_argument(
        "--network", default="Midas-3-Hybrid", metavar="NAME", help="as depth_algorithm (Midas-3-Hybrid)"
    )
    parser.add_argument(
        "--mode",
        choices=tuple(_MODES),
        default="depth",
        help="depth, anime characters (white on black), the depth of these alone, or just brightness, without any "
        "network (depth)",
    )
    parser.add_argument("--far-is-brighter", action="store_true", help="far things are white, not near ones")
    parser.add_argument(
        "--thresholding",
        choices=tuple(_THRESHOLDINGS),
        default="none",
        help="black and white in place of greys: parted at --lower, automatically in each frame, or at the (weighted) "
        "mean of the surroundings (none)",
    )
    parser.add_argument("--lower", type=int, default=127, metavar="N", help="simple: level that parts, 0 to 255 (127)")
    parser.add_argument("--upper", type=int, default=255, metavar="N", help="what is above becomes this level (255)")
    parser.add_argument("--block-size", type=int, default=11, metavar="N", help="mean, gaussian: pixels, odd (11)")
    parser.add_argument("-c", type=float, default=2, metavar="N", help="mean, gaussian: levels less than the mean (2)")
    parser.add_argument("--blur", type=int, default=0, metavar="N", help="softens the result by N pixels, to 255 (0)")
    parser.add_argument("--no-images", action="store_true", help="keep the video only")
    add_networks(parser)
    add_encoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the video and print where it is."""
    from ..tools.depth_video import make_depth_video

    look = DepthLook(
        mode=_MODES[arguments.mode],
        network=arguments.network,
        closer_is_brighter=not arguments.far_is_brighter,
        thresholding=_THRESHOLDINGS[arguments.thresholding],
        lower=arguments.lower,
        upper=arguments.upper,
        block_size=arguments.block_size,
        c=arguments.c,
        blur=arguments.blur,
    )
    options = encoding(arguments)
    with watched("Depth") as watch:
        made = make_depth_video(
            arguments.video,
            arguments.out,
            look,
            networks=networks(arguments),
            encode=options,
            keep_frames=not arguments.no_images,
            watch=watch,
        )
    return tell(made, as_json=arguments.json)
