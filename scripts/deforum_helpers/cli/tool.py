"""What the commands of the stand-alone tools share: the encoder's options, progress and stopping, what came of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Interrupted
from .common import print_findings, print_json
from .progress import frame_bar
from .signals import listening

if TYPE_CHECKING:
    from ..media.encode import EncodeOptions
    from ..tools.clips import Clip, Made, Watch


def add_sources(parser: Any, folder: str) -> None:
    """Declare what a tool works on, and where ``folder`` is that it makes its own one in."""
    parser.add_argument(
        "sources", type=Path, nargs="+", metavar="SOURCE", help="a video, a folder of pictures, or pictures in order"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("outputs"), metavar="DIR", help=f"where {folder}/ is (outputs)"
    )
    parser.add_argument("--fps", default="15", metavar="N", help="of pictures: frames per second (15)")


def sources(arguments: argparse.Namespace) -> Clip:
    """The frames that the arguments name.

    Raises:
        InputError: they cannot be read.
    """
    from ..parseq.rate import parse_fps
    from ..tools.sources import open_sources

    return open_sources(arguments.sources, parse_fps(arguments.fps), key="SOURCE")


def add_encoding(parser: Any) -> None:
    """Declare how the video is encoded, and ``--json``."""
    parser.add_argument("--crf", type=int, default=17, metavar="N", help="quality of the video, 0 best to 51 (17)")
    parser.add_argument(
        "--preset", default="medium", metavar="NAME", help="x264 preset, ultrafast to veryslow (medium)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")


def add_networks(parser: Any) -> None:
    """Declare where networks are and compute."""
    parser.add_argument(
        "--models", type=Path, default=Path("models") / "Deforum", metavar="DIR", help="weights (models/Deforum)"
    )
    parser.add_argument("--download", action="store_true", help="fetch weights that are missing")
    parser.add_argument(
        "--device", default="auto", help="where the network computes: auto, cpu, cuda, cuda:1, mps (auto)"
    )


def encoding(arguments: argparse.Namespace) -> EncodeOptions:
    """How the arguments want the video encoded.

    Raises:
        InputError: no encoder does this.
    """
    from ..media.encode import EncodeOptions

    return EncodeOptions(crf=arguments.crf, preset=arguments.preset)


def networks(arguments: argparse.Namespace) -> dict[str, Any]:
    """How networks are opened, as arguments of the functions in ``models``."""
    return {
        "models_folder": arguments.models,
        "allow_download": arguments.download,
        "device": arguments.device,
    }


@contextmanager
def watched(what: str) -> Iterator[Watch]:
    """A progress bar, and stopping by Ctrl-C, for a tool at work."""
    from ..tools.clips import Watch

    with listening() as control, frame_bar(sys.stderr, what) as progress:
        yield Watch(progress, control.should_stop)


def tell(made: Made, *, as_json: bool) -> int:
    """Print what a tool made, the path of the video last; returns the exit code."""
    print_findings(made.findings)
    if made.stopped:
        print(f"Stopped after {made.frames} frames; the video has them.", file=sys.stderr)
    if as_json:
        folder = None if made.folder is None else str(made.folder)
        print_json({"video": str(made.video), "frames": made.frames, "folder": folder, "stopped": made.stopped})
    else:
        print(made.video)
    return Interrupted.exit_code if made.stopped else 0
