"""One job from top to bottom: settings → plan → frames → video → sound and subtitles."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from .errors import Finding, InputError, Interrupted, RunError
from .finish import add_gif, add_sound, add_subtitles, remove_frames, remove_input_frames, write_subtitles
from .imaging.backend import pick_resampler
from .inputs import Opened, Places, open_inputs
from .job import Job
from .media.encode import EncodeOptions, FfmpegVideoWriter, check_format, encode_files
from .media.ffmpeg import find_ffmpeg
from .media.formats import image_format
from .media.journal import Journal, JournalHeader
from .media.preview_video import PreviewVideo
from .media.recorder import Destinations, Recorder
from .media.report import RunReport, Seconds, Stopwatch, peak_memory_mb
from .media.run_folder import RunFolder, claim_run_folder, save_run_settings
from .media.store import ImageFrameStore, lacks_space
from .media.subtitles import chosen_parameters
from .ports import Control, Diffused, Diffuser, DiffusionRequest, Image, Progress, SharedMemory, VideoWriter
from .render import Beginning, Observers, render_animation
from .rendering.data.inputs import Inputs
from .rendering.data.render_data import RenderData
from .rendering.util.identity import plan_digest
from .rendering.util.resilience import OnFailure, ReliableDiffuser, RetryPolicy, event_findings
from .resume import first_frames, images_of, journaled_states, resumption
from .side_files import DepthRecorder, Told, keeping_extra_frames, write_human_masks, write_input_frames

_NO_IMAGES = "none"
"""Says in the journal that a run keeps no images."""


def _nobody(*_told: object) -> None:
    """Nobody wants to know."""


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


@dataclass(frozen=True)
class RunResult:
    """What came of a run.

    Attributes:
        video: the finished video, None if none was made.
        outdir, timestring: where, and under which identity.
        report: frames, time and memory.
        findings: what the user should know of the run, e.g. why there is no sound.
    """

    video: Path | None
    outdir: Path
    timestring: str
    report: RunReport
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Rendered:
    """Frames made, the video of them, and whether they are all."""

    frames: int
    video: Path | None
    complete: bool
    findings: tuple[Finding, ...]


class _NoControl:
    """Nobody stops the run."""

    wants_video = True

    def should_stop(self) -> bool:
        return False


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
        RunError: the run failed; the frames made so far are kept, and the message says how to go on.
        Interrupted: stopped on request; the frames made so far are kept, and the message says how to go on.
    """
    watch = Stopwatch()
    options = _as_begun(options)
    with watch.measure("total"):
        _check(data, options)
        resampler = pick_resampler(options.device)
        with open_inputs(data, _places(job, options)) as opened:
            run = _run_folder(job, data, options)
            options.on_folder(run)
            timed = _TimedDiffuser(engine, watch)
            reliable = ReliableDiffuser(timed, RetryPolicy.of(job.settings, on_failure=options.on_failure))
            inputs = keeping_extra_frames(data, run, opened.inputs)
            begin = Beginning(inputs=inputs, resampler=resampler)
            watchers = _Watchers(progress, control or _NoControl(), watch)
            try:
                masks = _side_files(job, data, opened, run, options, watchers.control)
                rendered = _render(data, reliable, run, options, watchers, begin)
                notes = (*masks, *opened.findings(), *_finish(data, run, job, options, rendered))
            except RunError as error:
                kept = "frames" if options.keep_images else "key frames"
                room = _room_needed(data, run, options) if lacks_space(error) else ""
                raise RunError(f"{error}{room}\nThe {kept} made so far are kept; {_go_on(run)}") from error
    report = _report(data, rendered, timed, reliable, watch)
    report.write(run.file("_report.json"))
    if not rendered.complete:
        raise Interrupted(_stopped_text(data, run, rendered, options))
    findings = (*rendered.findings, *event_findings(reliable.events), *notes)
    return RunResult(rendered.video, run.path, run.timestring, report, findings)


def _as_begun(options: RunOptions) -> RunOptions:
    """The options with the images that the run to go on with has kept so far."""
    if options.resume is None:
        return options
    images = images_of(options.resume, options.image_format if options.keep_images else _NO_IMAGES)
    if images == _NO_IMAGES:
        return replace(options, keep_images=False)
    return replace(options, keep_images=True, image_format=images)


def _check(data: RenderData, options: RunOptions) -> None:
    """Everything that would stop the run later stops it here, before anything is written."""
    chosen_parameters(options.subtitles or ())
    image_format(options.image_format)
    _check_no_images(data, options)
    if _wants_video(data, options):
        find_ffmpeg(options.encode.ffmpeg)
        check_format(data.width, data.height, data.fps)


def _check_no_images(data: RenderData, options: RunOptions) -> None:
    if options.keep_images:
        return
    if not _wants_video(data, options):
        text = "without images and without a video nothing would be left of the run."
        raise InputError(text, key="--no-images", hint="Keep the one or the other.")
    if options.preview_every > 0:
        text = "the preview video is made of the images, and none are kept."
        raise InputError(text, key="--preview-every", hint="Leave out --no-images or --preview-every.")


def _side_files(
    job: Job, data: RenderData, opened: Opened, run: RunFolder, options: RunOptions, control: Control
) -> tuple[Finding, ...]:
    """What is written before the first frame."""
    write_input_frames(data, opened, run, options.on_step, control.should_stop)
    return write_human_masks(data, opened, run, _places(job, options), options.on_step, control.should_stop)


def _places(job: Job, options: RunOptions) -> Places:
    return Places(
        job.folder,
        options.models,
        allow_download=options.allow_download,
        allow_private=job.allow_private,
        ffmpeg=options.encode.ffmpeg,
        device=options.device,
        memory=options.memory,
    )


def _wants_video(data: RenderData, options: RunOptions) -> bool:
    return options.video and not data.settings.output.skip_video_creation


def _run_folder(job: Job, data: RenderData, options: RunOptions) -> RunFolder:
    settings = job.reproducible(data.seed)
    if options.resume is None:
        return claim_run_folder(options.out, settings, datetime.now())
    options.resume.remove_leftovers()
    save_run_settings(options.resume, settings)
    return options.resume


@dataclass(frozen=True)
class _Watchers:
    """Who sees the run, who may stop it, and what measures it."""

    progress: Progress
    control: Control
    watch: Stopwatch


def _render(
    data: RenderData,
    diffuser: Diffuser,
    run: RunFolder,
    options: RunOptions,
    watchers: _Watchers,
    given: Beginning,
) -> _Rendered:
    control = watchers.control
    resumed: tuple[Finding, ...] = ()
    with ThreadPoolExecutor(options.threads) as workers:

        def remade(video: VideoWriter, frames: int) -> None:
            states = journaled_states(to.journal, 0)
            begin = replace(given, states=states)
            part = first_frames(data, frames)
            render_animation(part, diffuser, lambda _, image: video.write(image), workers, begin=begin)

        to = _destinations(data, run, options, remade)
        recorder = Recorder(data, to, watchers.progress, watchers.watch, workers)
        complete = True
        try:
            intact = recorder.adopt_frames() if options.resume else 0
            going_on = resumption(data, to.store, to.journal, intact)
            resumed = going_on.findings
            if intact < data.max_frames:
                images = options.image_format if options.keep_images else _NO_IMAGES
                recorder.start_journal(JournalHeader(plan_digest(data), diffuser.name, data.seed, images))
                observers = Observers(control.should_stop, recorder.take_key, watchers.watch.measure)
                begin = replace(given, frame=going_on.begin.frame, states=going_on.begin.states)
                emit = _with_depth(data, run, given.inputs, recorder.take_frame)
                render_animation(going_on.data, diffuser, emit, workers, observers, begin)
        except Interrupted:
            complete = False
            if not control.wants_video:
                recorder.drop_video()
        except BaseException:
            recorder.give_up()
            raise
        finally:
            watchers.progress.finish()
        video = recorder.finish()
        made = given.resampler.findings
        findings = (*resumed, *made, *recorder.findings())
    if complete and not options.keep_journal:
        to.journal.remove()
    return _Rendered(recorder.frames, video, complete, findings)


def _with_depth(
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


def _destinations(
    data: RenderData, run: RunFolder, options: RunOptions, remade: Callable[[VideoWriter, int], None]
) -> Destinations:
    """Where the run is kept; ``remade`` writes the first so many frames to a video again."""
    path, encode = run.file(".mp4"), options.encode
    store = _store(run, options) if options.keep_images else None
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

    video = opened() if _wants_video(data, options) else None
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


def _store(run: RunFolder, options: RunOptions) -> ImageFrameStore:
    return ImageFrameStore(run.path, run.timestring, image_format(options.image_format))


def _finish(
    data: RenderData, run: RunFolder, job: Job, options: RunOptions, rendered: _Rendered
) -> tuple[Finding, ...]:
    ffmpeg = options.encode.ffmpeg
    findings: tuple[Finding, ...] = ()
    if rendered.video is not None:
        findings += add_sound(data, rendered.video, job.folder, ffmpeg, allow_private=job.allow_private)
    if options.subtitles is not None and rendered.frames:
        srt = write_subtitles(data, run, options.subtitles, rendered.frames)
        if options.embed_subtitles and rendered.video is not None:
            findings += add_subtitles(rendered.video, srt, ffmpeg)
    if rendered.complete and rendered.video is not None:
        findings += add_gif(data, rendered.video, ffmpeg)
        if options.keep_images:
            findings += remove_frames(data, _store(run, options).path, rendered.video, ffmpeg)
    return (*findings, *remove_input_frames(data, run)) if rendered.complete else findings


def _report(
    data: RenderData, rendered: _Rendered, timed: _TimedDiffuser, reliable: ReliableDiffuser, watch: Stopwatch
) -> RunReport:
    tasks = ("total", "diffusion", "warping", "writing", "encoding", "waiting")
    reused = sum(event.action == "reused" for event in reliable.events)
    return RunReport(
        frames=rendered.frames,
        key_frames=len(data.keys),
        diffused=timed.count,
        reused=reused,
        retries=len(reliable.events) - reused,
        seconds=Seconds(**{task: watch.seconds(task) for task in tasks}),
        peak_memory_mb=peak_memory_mb(),
    )


def _stopped_text(data: RenderData, run: RunFolder, rendered: _Rendered, options: RunOptions) -> str:
    kept = "They are kept" if options.keep_images else "Their key frames are kept"
    lines = [f"Stopped after {rendered.frames} of {data.max_frames} frames. {kept} in {run.path}."]
    if rendered.video is not None:
        lines.append(f"The video so far: {rendered.video}")
    return "\n".join([*lines, _go_on(run)[0].upper() + _go_on(run)[1:]])


def _room_needed(data: RenderData, run: RunFolder, options: RunOptions) -> str:
    """What the rest of the run takes on the disk, going by the frames that are there."""
    store = _store(run, options)
    sizes = [store.path(index).stat().st_size for index in store.indices()] if options.keep_images else []
    missing = data.max_frames - len(sizes)
    if not sizes or not missing:
        return ""
    need = missing * sum(sizes) / len(sizes) / 2**20
    return f" The {missing} frames still to come need about {need:.1f} MiB, and the video needs room, too."


def _go_on(run: RunFolder) -> str:
    return f"to go on: render --resume {run.path}"


class _TimedDiffuser:
    """Counts diffusions, and measures the time an engine takes."""

    def __init__(self, engine: Diffuser, watch: Stopwatch) -> None:
        self.name = engine.name
        self.count = 0
        self.free_memory = getattr(engine, "free_memory", None)
        self._engine = engine
        self._watch = watch

    def diffuse(self, request: DiffusionRequest) -> Diffused:
        """As the engine's own."""
        self.count += 1
        with self._watch.measure("diffusion"):
            return self._engine.diffuse(request)
