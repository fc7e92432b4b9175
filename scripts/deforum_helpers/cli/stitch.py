"""``stitch``: numbered pictures to a video."""

from __future__ import annotations

import argparse
from fractions import Fraction
from typing import Any

from .tool import add_encoding, encoding, tell, watched


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "stitch",
        help="numbered pictures to a video",
        description="Make a video of numbered pictures, beside them. The last line printed is its path.",
    )
    parser.add_argument(
        "frames",
        metavar="FRAMES",
        help='their folder, any one of them, or a pattern such as "frames/20240102030405_%%09d.png"',
    )
    parser.add_argument(
        "--fps", default="15", metavar="N", help="frames per second, e.g. 24, 23.976 or 30000/1001 (15)"
    )
    parser.add_argument("--sound", metavar="FILE", help="file or link of the sound to add")
    add_encoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Stitch and print where the video is."""
    from ..parseq.rate import parse_fps
    from ..tools.stitch import find_series, stitch

    fps: Fraction = parse_fps(arguments.fps)
    options = encoding(arguments)
    series = find_series(arguments.frames)
    with watched("Stitching") as watch:
        made = stitch(series, fps=fps, encode=options, sound=arguments.sound, watch=watch)
    return tell(made, as_json=arguments.json)
