"""How a job is run: what the doors may choose, and what of it cannot be."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .errors import InputError
from .media.encode import EncodeOptions, check_format
from .media.ffmpeg import find_ffmpeg
from .media.formats import image_format
from .media.frames import Told
from .media.run_folder import RunFolder
from .media.subtitles import chosen_parameters
from .ports import SharedMemory
from .rendering.data.render_data import RenderData
from .rendering.util.resilience import OnFailure
from .resume import images_of

NO_IMAGES = "none"
"""Says in the journal that a run keeps no images."""


def _nobody(*_told: object) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class RunOptions:
    """How to run a job; none of this changes a picture.

    Attributes:
        out: folder in which the run's own folder is made.
        video: whether to make a video, unless the settings say not to.
        threads: worker threads; None takes one per core that the program may use.
        encode: quality and speed of the encoder, and which ffmpeg.
        subtitles: labels of the values to put into a subtitle file, None for no subtitles.
        embed_subtitles: whether the video carries the subtitles as a track, too.
        resume: the run to go on with, None to start a new one.
        on_folder: told of the run's folder as soon as it has one.
        on_step: told of long preparations: what is done, how much of it, and of how much.
        keep_journal: whether the journal stays when the run is done.
        on_failure: what becomes of a key frame that cannot be diffused, whatever is tried: "stop" ends the run, which
            can be resumed; "reuse" keeps the picture that was to be diffused.
        preview_every: frames between two renewals of the preview video, 0 for none.
        image_format: what frames are written as, "png", "jpg" or "webp".
        device: where networks compute and the frames between key frames are made: "cpu", "cuda" …, or "auto".
        keep_images: whether frames are written at all; if not, there is the video, and the journal until it is done.
            A run that goes on keeps its frames as it did when it began.
        infotexts: whether frames (PNG) say what their key frame was made with, as web UIs write and read it.
        models: folder of the networks' weights.
        allow_download: whether missing weights may be fetched.
        memory: graphics memory that the networks share with the engine, if they do.
    """

    out: Path = Path("outputs")
    video: bool = True
    threads: int | None = None
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    subtitles: tuple[str, ...] | None = None
    embed_subtitles: bool = False
    resume: RunFolder | None = None
    on_folder: Callable[[RunFolder], None] = _nobody
    on_step: Told = _nobody
    keep_journal: bool = False
    on_failure: OnFailure = "stop"
    preview_every: int = 0
    image_format: str = "png"
    keep_images: bool = True
    device: str = "auto"
    infotexts: bool = False
    models: Path = Path("models") / "Deforum"
    allow_download: bool = False
    memory: SharedMemory | None = None

    @property
    def workers(self) -> int:
        """How many threads make and write frames."""
        if self.threads is not None:
            return self.threads
        # More than cores only get in each other's way: the encoder and the loop are at work besides.
        return max(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 2)


def as_begun(options: RunOptions) -> RunOptions:
    """The options with the images that the run to go on with has kept so far."""
    if options.resume is None:
        return options
    images = images_of(options.resume, options.image_format if options.keep_images else NO_IMAGES)
    if images == NO_IMAGES:
        return replace(options, keep_images=False)
    return replace(options, keep_images=True, image_format=images)


def wants_video(data: RenderData, options: RunOptions) -> bool:
    """Whether the run makes a video."""
    return options.video and not data.settings.output.skip_video_creation


def check_options(data: RenderData, options: RunOptions) -> None:
    """Everything that would stop the run later stops it here, before anything is written.

    Raises:
        InputError: the options cannot be, or do not go together.
        FfmpegError: a video is wanted, and there is no ffmpeg.
    """
    chosen_parameters(options.subtitles or ())
    image_format(options.image_format)
    _check_no_images(data, options)
    if wants_video(data, options):
        find_ffmpeg(options.encode.ffmpeg)
        check_format(data.width, data.height, data.fps)


def _check_no_images(data: RenderData, options: RunOptions) -> None:
    if options.keep_images:
        return
    if not wants_video(data, options):
        text = "without images and without a video nothing would be left of the run."
        raise InputError(text, key="--no-images", hint="Keep the one or the other.")
    if options.preview_every > 0:
        text = "the preview video is made of the images, and none are kept."
        raise InputError(text, key="--preview-every", hint="Leave out --no-images or --preview-every.")
