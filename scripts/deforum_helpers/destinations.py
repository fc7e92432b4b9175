"""Where a run is kept: its folder, its frames, its video and those made of it, and what it takes to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from .errors import DeforumError, Finding
from .job import Job
from .media.encode import FfmpegVideoWriter, encode_files
from .media.formats import image_format
from .media.journal import Journal
from .media.preview_video import PreviewVideo
from .media.recorder import Destinations
from .media.run_folder import RunFolder, claim_run_folder, save_run_settings
from .media.run_lock import held
from .media.store import ImageFrameStore
from .models.weights import Opening
from .ports import Control, Image, VideoWriter
from .rendering.data.inputs import Inputs
from .rendering.data.render_data import RenderData
from .run_options import RunOptions, wants_video
from .side_files import DepthRecorder
from .tools.clips import open_pictures, open_video
from .tools.second_videos import SecondVideos, asks_for_second_videos


@contextmanager
def run_folder(job: Job, data: RenderData, options: RunOptions) -> Iterator[RunFolder]:
    """The folder of the run, with its settings in it: a new one, or that of the run to go on with.

    Nobody else goes on with it meanwhile.

    Raises:
        StorageError: it cannot be written, or another program is making it.
    """
    settings = job.reproducible(data.seed)
    run = options.resume or claim_run_folder(options.out, settings, datetime.now())
    with held(run):
        if options.resume is not None:
            run.remove_leftovers()
            save_run_settings(run, settings)
        yield run


def destinations(
    data: RenderData, run: RunFolder, options: RunOptions, remade: Callable[[VideoWriter, int], None]
) -> Destinations:
    """Where the frames of the run go; ``remade`` writes the first so many of them to a video again."""
    path, encode = run.file(".mp4"), options.encode
    store = store_of(run, options) if options.keep_images else None
    journal = Journal(run.file("_journal"))

    def opened() -> FfmpegVideoWriter:
        return FfmpegVideoWriter(path, width=data.width, height=data.height, fps=data.fps, options=encode)

    def rebuild(frames: int) -> Path:
        if store is not None and (store.lossless or not journal.holds(0)):
            return encode_files([store.path(index) for index in range(frames)], path, fps=data.fps, options=encode)
        again = opened()
        try:
            remade(again, frames)
            return again.close()
        finally:
            again.abort()

    video = opened() if wants_video(data, options) else None
    preview = None
    if options.preview_every > 0:
        preview = PreviewVideo(
            run.file("_preview.mp4"),
            fps=data.fps,
            interval=options.preview_every,
            total=data.max_frames,
            codec=image_format(options.image_format).codec,
            ffmpeg=encode.ffmpeg,
        )
    return Destinations(store, journal, video, rebuild, preview, options.infotexts)


def store_of(run: RunFolder, options: RunOptions) -> ImageFrameStore:
    """The frames of the run as files."""
    return ImageFrameStore(run.path, run.timestring, image_format(options.image_format))


def second_videos(
    data: RenderData, run: RunFolder, video: Path, subtitles: Path | None, options: RunOptions, control: Control
) -> tuple[Finding, ...]:
    """Make the further videos that the settings ask for.

    Args:
        data: the plan.
        run: the folder of the run.
        video: the finished video, which stays whatever happens.
        subtitles: the file that was put into it, None for none.
        options: how the run is made.
        control: may stop it.

    Returns:
        Where they are, and what went wrong.
    """
    if not asks_for_second_videos(data.settings):
        return ()
    encode = options.encode
    try:
        source = replace(open_video(video, key="", ffmpeg=encode.ffmpeg), fps=data.fps)
        if options.keep_images:
            store = store_of(run, options)
            files = [store.path(index) for index in range(data.max_frames)]
            source = replace(open_pictures(files, data.fps, key=""), sound=source.sound)
    except DeforumError as error:
        return (Finding("warning", f"no further video was made. {error}"),)
    to = Opening(options.models, options.device, options.allow_download, options.memory, options.on_step)
    stop = control.should_stop
    return SecondVideos(data.settings, run, source, data.cuts, subtitles, to, encode, options.on_step, stop).make()


def with_depth(
    data: RenderData, run: RunFolder, inputs: Inputs, emit: Callable[[int, Image], None]
) -> Callable[[int, Image], None]:
    """``emit``, with the depth of each frame written before, so that a frame that is there has its map."""
    if not data.settings.anim.save_depth_maps or inputs.depth is None:
        return emit
    depth = DepthRecorder(run, inputs.depth)

    def take(index: int, image: Image) -> None:
        depth.take(index, image)
        emit(index, image)

    return take


def room_needed(data: RenderData, run: RunFolder, options: RunOptions) -> str:
    """What the rest of the run takes on the disk, going by the frames that are there."""
    store = store_of(run, options)
    sizes = [store.path(index).stat().st_size for index in store.indices()] if options.keep_images else []
    missing = data.max_frames - len(sizes)
    if not sizes or not missing:
        return ""
    need = missing * sum(sizes) / len(sizes) / 2**20
    return f" The {missing} frames still to come need about {need:.1f} MiB, and the video needs room, too."
