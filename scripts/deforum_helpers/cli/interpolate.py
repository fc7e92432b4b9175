"""``interpolate``: more frames between the frames of a video, or between pictures."""

from __future__ import annotations

import argparse
from typing import Any

from .tool import add_encoding, add_networks, add_sources, encoding, networks, sources, tell, watched

_ENGINES = {"rife": "RIFE v4.6", "film": "FILM", "flow": "Optical Flow"}


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "interpolate",
        help="more frames between those of a video, or between pictures",
        description="Make a smoother or slower video of a video or of pictures. The last line printed is its path.",
    )
    add_sources(parser, "frame-interpolation")
    parser.add_argument(
        "--engine",
        choices=tuple(_ENGINES),
        default="rife",
        help="what makes the frames: rife is fast, film takes large motions, flow needs no network (rife)",
    )
    parser.add_argument("--factor", type=int, default=2, metavar="N", help="times as many frames (2)")
    parser.add_argument("--slow-motion", type=int, default=1, metavar="N", help="times slower, without sound (1)")
    parser.add_argument("--keep-images", action="store_true", help="keep all frames as files, too")
    add_networks(parser)
    add_encoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the video and print where it is."""
    from ..models.weights import Opening
    from ..tools.interpolate import Interpolation, interpolate_clip

    wanted = Interpolation(_ENGINES[arguments.engine], arguments.factor, arguments.slow_motion)
    options = encoding(arguments)
    clip = sources(arguments)
    with watched("Interpolating") as watch:
        made = interpolate_clip(
            clip,
            wanted,
            arguments.out,
            to=Opening(**networks(arguments)),
            encode=options,
            keep_pictures=arguments.keep_images,
            watch=watch,
        )
    return tell(made, as_json=arguments.json)
