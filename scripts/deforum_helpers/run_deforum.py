"""One job from top to bottom: settings → plan → frames → video → sound and subtitles."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from .destinations import destinations, room_needed, run_folder, second_videos, store_of, with_depth
from .errors import Finding, Interrupted, RunError
from .finish import add_gif, add_sound, add_subtitles, remove_frames, remove_input_frames, write_subtitles
from .imaging.backend import pick_resampler
from .inputs import Opened, Places, open_inputs
from .job import Job
from .media.journal import JournalHeader
from .media.recorder import Recorder
from .media.report import RunReport, Seconds, Stopwatch, peak_memory_mb
from .media.run_folder import RunFolder
from .media.store import lacks_space
from .ports import Control, Diffused, Diffuser, DiffusionRequest, Progress, VideoWriter
from .render import Beginning, Observers, render_animation
from .rendering.data.render_data import RenderData
from .rendering.util.identity import plan_digest
from .rendering.util.resilience import ReliableDiffuser, RetryPolicy, event_findings
from .resume import first_frames, journaled_states, resumption
from .run_options import NO_IMAGES, RunOptions, as_begun, check_options
from .side_files import keeping_extra_frames, write_human_masks, write_input_frames

__all__ = ["RunOptions", "RunResult", "run_job"]


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
        RunError: the run failed; the frames made so far are kept, and the error names the run to go on with.
        Interrupted: stopped on request; otherwise as RunError.
    """
    watch = Stopwatch()
    options = as_begun(options)
    with watch.measure("total"):
        check_options(data, options)
        resampler = pick_resampler(options.device)
        with open_inputs(data, _places(job, options)) as opened, run_folder(job, data, options) as run:
            options.on_folder(run)
            timed = _TimedDiffuser(engine, watch)
            reliable = ReliableDiffuser(timed, RetryPolicy.of(job.settings, on_failure=options.on_failure))
            inputs = keeping_extra_frames(data, run, opened.inputs)
            begin = Beginning(inputs=inputs, resampler=resampler)
            watchers = _Watchers(progress, control or _NoControl(), watch)
            try:
                masks = _side_files(job, data, opened, run, options, watchers.control)
                rendered = _render(data, reliable, run, options, watchers, begin)
                notes = (*masks, *opened.findings(), *_finish(data, run, job, options, rendered, watchers.control))
            except RunError as error:
                kept = "frames" if options.keep_images else "key frames"
                room = room_needed(data, run, options) if lacks_space(error) else ""
                raise RunError(f"{error}{room}\nThe {kept} made so far are kept.", run=run.path) from error
            except Interrupted as stopped:
                raise Interrupted(str(stopped), run=run.path) from stopped
    report = _report(data, rendered, timed, reliable, watch)
    report.write(run.file("_report.json"))
    if not rendered.complete:
        raise Interrupted(_stopped_text(data, run, rendered, options), run=run.path)
    findings = (*rendered.findings, *event_findings(reliable.events), *notes)
    return RunResult(rendered.video, run.path, run.timestring, report, findings)


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
        indexes=job.indexes,
        told=options.on_step,
        device=options.device,
        memory=options.memory,
    )


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

        to = destinations(data, run, options, remade)
        recorder = Recorder(data, to, watchers.progress, watchers.watch, workers)
        complete = True
        try:
            intact = recorder.adopt_frames() if options.resume else 0
            going_on = resumption(data, to.store, to.journal, intact)
            resumed = going_on.findings
            if intact < data.max_frames:
                images = options.image_format if options.keep_images else NO_IMAGES
                recorder.start_journal(JournalHeader(plan_digest(data), diffuser.name, data.seed, images))
                observers = Observers(control.should_stop, recorder.take_key, watchers.watch.measure)
                begin = replace(given, frame=going_on.begin.frame, states=going_on.begin.states)
                emit = with_depth(data, run, given.inputs, recorder.take_frame)
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


def _finish(
    data: RenderData, run: RunFolder, job: Job, options: RunOptions, rendered: _Rendered, control: Control
) -> tuple[Finding, ...]:
    ffmpeg = options.encode.ffmpeg
    findings: tuple[Finding, ...] = ()
    embedded: Path | None = None
    if rendered.video is not None:
        findings += add_sound(data, rendered.video, job.folder, ffmpeg, allow_private=job.allow_private)
    if options.subtitles is not None and rendered.frames:
        srt = write_subtitles(data, run, options.subtitles, rendered.frames)
        if options.embed_subtitles and rendered.video is not None:
            embedded = srt
            findings += add_subtitles(rendered.video, srt, ffmpeg)
    if rendered.complete and rendered.video is not None:
        findings += add_gif(data, rendered.video, ffmpeg)
        findings += second_videos(data, run, rendered.video, embedded, options, control)
        if options.keep_images:
            findings += remove_frames(data, store_of(run, options).path, rendered.video, ffmpeg)
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
    return "\n".join(lines)


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
