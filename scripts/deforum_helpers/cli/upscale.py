"""``upscale``: a video or pictures in more pixels."""

from __future__ import annotations

import argparse
from typing import Any

from ..settings.schema import SETTINGS
from .tool import add_encoding, add_networks, add_sources, encoding, networks, sources, tell, watched

_NETWORK, _FACTOR = SETTINGS["r_upscale_model"], SETTINGS["r_upscale_factor"]


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "upscale",
        help="enlarge a video",
        description="Make an enlarged video of a video or of pictures. The last line printed is its path.",
    )
    add_sources(parser, "frame-upscaling")
    parser.add_argument(
        "--network",
        choices=_NETWORK.choices,
        default=_NETWORK.default,
        help=f"what enlarges: the first for drawn video, the second for photographs ({_NETWORK.default})",
    )
    parser.add_argument(
        "--factor",
        choices=_FACTOR.choices,
        default=None,
        help="times as wide and high; only the first network does x2 and x3 (what the network does first)",
    )
    parser.add_argument("--no-images", action="store_true", help="keep the video only")
    add_networks(parser)
    add_encoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the video and print where it is."""
    from ..models.upscaling import upscaling_model
    from ..models.weights import Opening
    from ..tools.upscale import Upscaling, upscale_clip

    factor = arguments.factor or upscaling_model(arguments.network).factors[0]
    wanted = Upscaling(arguments.network, factor)
    options = encoding(arguments)
    clip = sources(arguments)
    with watched("Upscaling") as watch:
        made = upscale_clip(
            clip,
            wanted,
            arguments.out,
            to=Opening(**networks(arguments)),
            encode=options,
            keep_pictures=not arguments.no_images,
            watch=watch,
        )
    return tell(made, as_json=arguments.json)
