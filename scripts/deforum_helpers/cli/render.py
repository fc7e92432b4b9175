"""``render``: from a settings file to a video."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from ..errors import Finding, SettingsError
from .common import add_input, load, overrides, print_findings, print_json
from .engine import add_engine, findings_of, open_engine
from .progress import TerminalProgress
from .signals import listening

if TYPE_CHECKING:
    from ..job import Job
    from ..media.run_folder import RunFolder
    from ..rendering.data.render_data import RenderData
    from ..run_deforum import RunOptions, RunResult

_TO_ACCEPT = "Add --accept-changes to go on all the same."
_PROMPT = "Prompt"
"""What subtitles show unless told otherwise."""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "render",
        help="render a settings file to a video",
        description="Render a settings file to a video. The last line printed is the path of the video.",
    )
    add_input(parser, optional=True)
    parser.add_argument(
        "--resume",
        metavar="RUN",
        help='go on with a run that was cut off: its folder, its timestring, or "last"; SETTINGS may then be left out',
    )
    parser.add_argument(
        "--accept-changes", action="store_true", help="with --resume: go on although the settings have changed"
    )
    parser.add_argument("--keep-journal", action="store_true", help="keep the journal when the run is done")
    parser.add_argument("--out", type=Path, default=Path("outputs"), metavar="DIR", help="where runs go (outputs)")
    add_engine(parser)
    parser.add_argument("--threads", type=_count, metavar="N", help="worker threads (as many as the machine has)")
    parser.add_argument("--no-video", action="store_true", help="keep the frames, make no video")
    parser.add_argument(
        "--no-images", action="store_true", help="keep the video only; key frames until it is done, to go on with"
    )
    parser.add_argument(
        "--image-format", choices=("png", "jpg", "webp"), default="png", help="what frames are written as (png)"
    )
    parser.add_argument(
        "--infotext", action="store_true", help="write into PNG frames what they were made with, as web UIs do"
    )
    parser.add_argument("--crf", type=int, default=17, metavar="N", help="quality of the video, 0 best to 51 (17)")
    parser.add_argument(
        "--preset", default="medium", metavar="NAME", help="x264 preset, ultrafast to veryslow (medium)"
    )
    parser.add_argument(
        "--subtitles",
        nargs="?",
        const=_PROMPT,
        metavar="LABELS",
        help='write {timestring}.srt with these values, e.g. "Zoom,Str Sch,Prompt"',
    )
    parser.add_argument("--embed-subtitles", action="store_true", help="put the subtitles into the video, too")
    parser.add_argument(
        "--on-failure",
        choices=("stop", "reuse"),
        default="stop",
        help="when a frame cannot be diffused: stop, to be resumed, or keep the picture that was to be diffused (stop)",
    )
    parser.add_argument(
        "--preview-every", type=_count, default=0, metavar="N", help="renew {timestring}_preview.mp4 every N frames"
    )
    parser.add_argument(
        "--models", type=Path, default=Path("models") / "Deforum", metavar="DIR", help="weights (models/Deforum)"
    )
    parser.add_argument("--download", action="store_true", help="fetch weights that are missing")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Render and print where the video is."""
    from ..imaging.colour import build_tables

    # What the first key frame of most runs would wait for is ready when the rest of the program is loaded.
    Thread(target=build_tables, args=("LAB",)).start()
    from ..run_deforum import run_job

    progress = TerminalProgress(sys.stderr)
    job, data, findings, resumed = _prepare(arguments, progress.step)
    options = replace(_options(arguments, resumed), on_step=progress.step)
    engine = open_engine(arguments, motion_preview=job.settings.run.motion_preview_mode)
    said = findings_of(engine)
    print_findings((*findings, *said))
    with listening() as control:
        result = run_job(job, data, engine, options, progress, control)
    print_findings((*result.findings, *findings_of(engine)[len(said) :]))
    print(result.report.line(), file=sys.stderr)
    _print_result(result, as_json=arguments.json)
    return 0


def _prepare(
    arguments: argparse.Namespace, told: Callable[[str, int, int], None]
) -> tuple[Job, RenderData, tuple[Finding, ...], RunFolder | None]:
    """The job, its plan, what there is to say about them, and the run to go on with."""
    from ..job import plan_job
    from ..resume import find_run, resumed_job

    resume = arguments.resume
    if resume is None:
        if arguments.settings is None:
            raise SettingsError("render needs a settings file.", hint="Or a run to go on with: --resume last")
        job = load(arguments)
        if not job.settings.anim.resume_from_timestring:
            models = None if arguments.download else arguments.models
            return (job, *plan_job(job, seed=secrets.randbelow(2**32), told=told, models=models), None)
        resume = job.settings.anim.resume_timestring
    run = find_run(resume, arguments.out, key="--resume", hint="Give the folder of the run, or --out DIR.")
    changes = overrides(arguments)
    accept = arguments.accept_changes
    return (*resumed_job(run, arguments.settings, changes, accept_changes=accept, to_accept=_TO_ACCEPT), run)


def _options(arguments: argparse.Namespace, resume: RunFolder | None) -> RunOptions:
    from ..media.encode import EncodeOptions
    from ..run_deforum import RunOptions

    return RunOptions(
        out=arguments.out,
        video=not arguments.no_video,
        threads=arguments.threads,
        encode=EncodeOptions(crf=arguments.crf, preset=arguments.preset, threads=arguments.threads),
        subtitles=_labels(arguments),
        embed_subtitles=arguments.embed_subtitles,
        resume=resume,
        keep_journal=arguments.keep_journal,
        on_failure=arguments.on_failure,
        preview_every=arguments.preview_every,
        image_format=arguments.image_format,
        keep_images=not arguments.no_images,
        infotexts=arguments.infotext,
        device=arguments.device,
        models=arguments.models,
        allow_download=arguments.download,
    )


def _labels(arguments: argparse.Namespace) -> tuple[str, ...] | None:
    text = _PROMPT if arguments.embed_subtitles and arguments.subtitles is None else arguments.subtitles
    return None if text is None else tuple(label.strip() for label in text.split(",") if label.strip())


def _print_result(result: RunResult, *, as_json: bool) -> None:
    video = str(result.video) if result.video is not None else None
    if not as_json:
        print(video or result.outdir)
        return
    print_json(
        {
            "video": video,
            "outdir": str(result.outdir),
            "timestring": result.timestring,
            "frames": result.report.frames,
            "key_frames": result.report.key_frames,
            "seconds": result.report.as_json()["seconds"],
        }
    )


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return number
