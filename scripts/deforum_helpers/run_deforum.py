"""One job from top to bottom: settings → plan → frames → video → sound and subtitles."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from .errors import Finding, InputError, Interrupted, RunError, StorageError
from .finish import add_sound, add_subtitles, remove_frames, write_subtitles
from .job import Job
from .media.encode import EncodeOptions, FfmpegVideoWriter, check_format, encode_files
from .media.ffmpeg import find_ffmpeg
from .media.journal import Journal, JournalEntry, JournalHeader
from .media.run_folder import RunFolder, claim_run_folder, save_run_settings
from .media.sink import FrameSink
from .media.store import PngFrameStore
from .media.subtitles import chosen_parameters
from .ports import Control, Diffuser, DiffusionRequest, Image, Progress
from .render import LoopState, Observers, render_animation
from .rendering.data.render_data import RenderData
from .rendering.util.identity import plan_digest
from .rendering.util.support import support_findings
from .resume import Resumption, resumption


@dataclass(frozen=True)
class RunOptions:
    """How to run a job; none of this changes a picture.

    Attributes:
        out: folder in which the run's own folder is made.
        video: whether to make a video, unless the settings say not to.
        threads: worker threads; None takes one per core.
        encode: quality and speed of the encoder, and which ffmpeg.
        subtitles: labels of the values to put into a subtitle file, None for no subtitles.
        embed_subtitles: whether the video carries the subtitles as a track, too.
        resume: the run to go on with, None to start a new one.
        keep_journal: whether the journal stays when the run is done.
    """

    out: Path = Path("outputs")
    video: bool = True
    threads: int | None = None
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    subtitles: tuple[str, ...] | None = None
    embed_subtitles: bool = False
    resume: RunFolder | None = None
    keep_journal: bool = False


@dataclass(frozen=True)
class RunResult:
    """What came of a run.

    Attributes:
        video: the finished video, None if none was made.
        outdir, timestring: where, and under which identity.
        frames, key_frames: how many were made and how many of them diffused.
        seconds_total, seconds_diffusion: time of the whole run, and of it in the engine.
        findings: what the user should know of the run, e.g. why there is no sound.
    """

    video: Path | None
    outdir: Path
    timestring: str
    frames: int
    key_frames: int
    seconds_total: float
    seconds_diffusion: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Rendered:
    """Frames made, the video of them, and whether they are all."""

    frames: int
    video: Path | None
    complete: bool
    findings: tuple[Finding, ...]


def run_job(
    job: Job,
    data: RenderData,
    engine: Diffuser,
    options: RunOptions,
    progress: Progress,
    control: Control | None = None,
) -> RunResult:
    """Render a job.

    Args:
        job: what to render.
        data: its plan.
        engine: makes the key frames.
        options: where to, and how.
        progress: told of every frame.
        control: may stop and pause it; nobody does if None.

    Raises:
        InputError: the job cannot be rendered; nothing was written.
        RunError: the run failed; the frames made so far are kept, and the message says where.
        Interrupted: stopped on request; the frames made so far are kept, and a video of them is made.
    """
    started = time.monotonic()
    _check(data, options)
    run = _run_folder(job, data, options)
    timed = _TimedDiffuser(engine)
    try:
        rendered = _render(data, timed, run, options, _Watchers(progress, control or _NoControl()))
        notes = _finish(data, run, job, options, rendered)
    except RunError as error:
        raise RunError(f"{error}\nThe frames made so far are kept; to go on: render --resume {run.path}") from error
    if not rendered.complete:
        raise Interrupted(_stopped_text(data, run, rendered))
    return RunResult(
        video=rendered.video,
        outdir=run.path,
        timestring=run.timestring,
        frames=rendered.frames,
        key_frames=len(data.keys),
        seconds_total=time.monotonic() - started,
        seconds_diffusion=timed.seconds,
        findings=(*rendered.findings, *notes),
    )


def _run_folder(job: Job, data: RenderData, options: RunOptions) -> RunFolder:
    settings = job.reproducible(data.seed)
    if options.resume is None:
        return claim_run_folder(options.out, settings, datetime.now())
    options.resume.remove_leftovers()
    save_run_settings(options.resume, settings)
    return options.resume


def _check(data: RenderData, options: RunOptions) -> None:
    """Everything that would stop the run later stops it here, before anything is written."""
    refused = [f for f in support_findings(data.settings) if f.severity == "error"]
    if refused:
        raise InputError(refused)
    chosen_parameters(options.subtitles or ())
    if _wants_video(data, options):
        find_ffmpeg(options.encode.ffmpeg)
        check_format(data.width, data.height, data.fps)


def _wants_video(data: RenderData, options: RunOptions) -> bool:
    return options.video and not data.settings.output.skip_video_creation


def _render(
    data: RenderData,
    diffuser: Diffuser,
    run: RunFolder,
    options: RunOptions,
    watchers: _Watchers,
) -> _Rendered:
    progress, control = watchers.progress, watchers.control
    store, journal = PngFrameStore(run.path, run.timestring), Journal(run.file("_journal"))
    with ThreadPoolExecutor(options.threads) as workers:
        sink = _sink(data, run, store, options, workers)
        progress.start(data.max_frames, len(data.keys))
        complete = True
        try:
            intact = _adopt_frames(data, store, sink, progress) if options.resume else 0
            going_on = resumption(data, store, journal, intact)
            _render_rest(going_on, diffuser, _Outputs(sink, journal, progress), workers, control)
        except Interrupted:
            complete = False
            if not control.wants_video:
                sink.drop_video()
        except BaseException:
            sink.give_up()
            raise
        finally:
            progress.finish()
        video = _finished(sink)
    if complete and not options.keep_journal:
        journal.remove()
    findings = going_on.findings
    if sink.encoder_failure is not None:
        text = f"the video was made again from the frames: {sink.encoder_failure}"
        findings = (*findings, Finding("warning", text))
    return _Rendered(sink.frames, video, complete, findings)


@dataclass(frozen=True)
class _Watchers:
    """Who sees the run, and who may stop it."""

    progress: Progress
    control: Control


class _NoControl:
    """Nobody stops the run."""

    wants_video = True

    def should_stop(self) -> bool:
        return False


@dataclass(frozen=True)
class _Outputs:
    """Where what the loop makes goes to."""

    sink: FrameSink
    journal: Journal
    progress: Progress


def _adopt_frames(data: RenderData, store: PngFrameStore, sink: FrameSink, progress: Progress) -> int:
    """Take over the frames that are there and whole, from the first on. Returns how many."""
    keys = frozenset(data.key_frames)
    for index in range(data.max_frames):
        try:
            image = store.read(index)
        except StorageError:
            return index
        if image.shape != (data.height, data.width, 3):
            return index
        sink.adopt(store.path(index), image)
        progress.advance(index, image, index in keys)
    return data.max_frames


def _render_rest(
    going_on: Resumption,
    diffuser: Diffuser,
    outputs: _Outputs,
    workers: Executor,
    control: Control,
) -> None:
    data = going_on.data
    if going_on.begin.frame >= data.max_frames:
        return
    keys = frozenset(data.key_frames)
    journal = outputs.journal
    journal.start(JournalHeader(plan_digest(data), diffuser.name, data.seed))
    entries: deque[Future[None]] = deque()

    def emit(index: int, image: Image) -> None:
        outputs.sink.emit(index, image)
        outputs.progress.advance(index, image, index in keys)

    def keep(state: LoopState) -> None:
        # Written by a worker: the engine need not wait for the disk, an error shows one key frame later.
        while entries and (entries[0].done() or len(entries) > 1):
            entries.popleft().result()
        entries.append(workers.submit(journal.write, JournalEntry(state.position, state.picture, state.reference)))
        journal.forget_before(data.tweens[outputs.sink.frames].older if outputs.sink.frames < data.max_frames else 0)

    render_animation(data, diffuser, emit, workers, Observers(control.should_stop, keep), going_on.begin)
    while entries:
        entries.popleft().result()


def _finished(sink: FrameSink) -> Path | None:
    try:
        return sink.finish()
    except BaseException:
        # Cut off while the video was being finished (Ctrl-C again): no encoder and no part of a video stays behind.
        sink.give_up()
        raise


def _sink(data: RenderData, run: RunFolder, store: PngFrameStore, options: RunOptions, workers: Executor) -> FrameSink:
    path = run.file(".mp4")
    video = None
    if _wants_video(data, options):
        video = FfmpegVideoWriter(path, width=data.width, height=data.height, fps=data.fps, options=options.encode)
    return FrameSink(
        store,
        video,
        lambda frames: encode_files(frames, path, fps=data.fps, options=options.encode),
        workers,
    )


def _finish(
    data: RenderData, run: RunFolder, job: Job, options: RunOptions, rendered: _Rendered
) -> tuple[Finding, ...]:
    ffmpeg = options.encode.ffmpeg
    findings: tuple[Finding, ...] = ()
    if rendered.video is not None:
        findings += add_sound(data, rendered.video, job.folder, ffmpeg)
    if options.subtitles is not None and rendered.frames:
        srt = write_subtitles(data, run, options.subtitles, rendered.frames)
        if options.embed_subtitles and rendered.video is not None:
            findings += add_subtitles(rendered.video, srt, ffmpeg)
    if rendered.video is not None and rendered.complete:
        findings += remove_frames(data, run, rendered.video, ffmpeg)
    return findings


def _stopped_text(data: RenderData, run: RunFolder, rendered: _Rendered) -> str:
    lines = [f"Stopped after {rendered.frames} of {data.max_frames} frames. They are kept in {run.path}."]
    if rendered.video is not None:
        lines.append(f"The video so far: {rendered.video}")
    lines.append(f"To go on: render --resume {run.path}")
    return "\n".join(lines)


class _TimedDiffuser:
    """Measures the time an engine takes."""

    def __init__(self, engine: Diffuser) -> None:
        self.name = engine.name
        self.seconds = 0.0
        self._engine = engine

    def diffuse(self, request: DiffusionRequest) -> Image:
        """As the engine's own."""
        started = time.monotonic()
        try:
            return self._engine.diffuse(request)
        finally:
            self.seconds += time.monotonic() - started
