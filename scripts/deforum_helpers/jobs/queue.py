"""The one queue that every door uses: jobs in, one after the other through the engine, and what became of them."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Protocol

from ..errors import DeforumError, Finding, InputError, JobStateError, SettingsError, StorageError, UnknownJobError
from ..ports import Image
from .control import RunControl
from .pictures import as_jpeg, newest_frame
from .status import Batch, ErrorType, JobRequest, JobStatus, Phase
from .store import JobStore, StoredJob

DATABASE = "deforum_jobs.sqlite3"
"""The jobs of a folder of all runs, whichever door they came through; it lies in that folder."""
_SAVE_SECONDS = 1.0
"""How often the progress of a run is written down; all other changes are at once."""
_RATE_FRAMES = 64
"""Frames from which the speed of a run is estimated."""
_RETRY_SECONDS = 5.0
"""How long the worker waits before it asks a database again that could not be read."""
_MAX_DEPTH = 100
"""How deep settings may be nested; no more can be relied on to be read back."""
_LARGEST_BATCH_NUMBER = 10**9

CANCELLED = "Cancelled due to user request."
CUT_OFF = "The program ended while this job was running. Everything rendered is kept."


class Report(Protocol):
    """What a runner tells of the job it runs; also a ``ports.Progress``. From any thread."""

    def start(self, frames: int, key_frames: int) -> None:
        """Frames are being made from now on."""
        ...

    def advance(self, index: int, image: Image, is_key: bool) -> None:
        """Frame ``index`` is done."""
        ...

    def finish(self) -> None:
        """No more frames are made; what follows is post-processing."""
        ...

    def folder(self, outdir: Path, timestring: str) -> None:
        """The run has its folder."""
        ...

    def findings(self, findings: Sequence[Finding]) -> None:
        """There is something to say about the settings."""
        ...


@dataclass(frozen=True)
class Work:
    """A job for a runner.

    Attributes:
        request: what was asked for.
        resume: folder and timestring of the run to go on with; None to begin a new one.
    """

    request: JobRequest
    resume: tuple[Path, str] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a job ended that did not fail.

    Attributes:
        video: the video, None if none was made.
        findings: what there is to say about the run.
        stopped: what to tell if it was stopped on request; None if it is complete.
    """

    video: Path | None = None
    findings: tuple[Finding, ...] = ()
    stopped: str | None = None


RunWork = Callable[[Work, RunControl, Report], Outcome]
"""Runs one job. InputErrors are final, after any other error the job can be resumed."""


class JobRunner(Protocol):
    """Opens an engine and runs jobs with it, so that the queue knows neither engines nor settings."""

    def open(self) -> AbstractContextManager[RunWork]:
        """Entered before the first job, left when the queue is closed; both in the worker's thread.

        Raises:
            DeforumError: the engine cannot be opened.
        """
        ...


class JobQueue:
    """Jobs, run one at a time in the order they came; all of it is in a database and outlives the program.

    A job that ran when the program ended, however it ended, is FAILED and RETRYABLE when the queue is opened again;
    those that waited are run. Every method may be called from any thread.

    Args:
        database: file of the jobs, made if it is not there.
        runner: runs them, in a thread of its own.
        clock: seconds since 1970; for tests.

    Raises:
        StorageError: the database cannot be used, or is in use.
    """

    def __init__(self, database: Path, runner: JobRunner, *, clock: Callable[[], float] = time.time) -> None:
        self._store = JobStore(database)
        self._runner = runner
        self._clock = clock
        self._changed = Condition()
        self._current: _Current | None = None
        self._closing = False
        self._changes = 0
        self._listeners: list[Callable[[], None]] = []
        for job in self._store.cut_off():
            self._store.save(replace(job.status, status="FAILED", error_type="RETRYABLE", message=CUT_OFF))
        self._worker = Thread(target=self._work, name="deforum-jobs", daemon=True)
        self._worker.start()

    def submit(self, requests: Sequence[JobRequest]) -> Batch:
        """Append jobs to the queue.

        Raises:
            SettingsError: there are none, or settings that are no JSON.
            StorageError: they cannot be written down; none is accepted.
        """
        if not requests:
            raise SettingsError("there are no settings to run.", key="deforum_settings")
        for number, request in enumerate(requests):
            _check_json(request, number)
        with self._changed:
            self._refuse_if_closed()
            batch = self._new_batch(len(requests))
            now = self._clock()
            statuses = (JobStatus(job, batch=batch.id, started_at=now, last_updated=now) for job in batch.job_ids)
            self._store.add(batch, [StoredJob(s, r) for s, r in zip(statuses, requests, strict=True)])
            self._notify()
        return batch

    def job(self, job_id: str) -> JobStatus:
        """What is known of a job.

        Raises:
            UnknownJobError: there is none of that id.
        """
        with self._changed:
            return self._shown(self._find(job_id), self._waiting())

    def jobs(self) -> tuple[JobStatus, ...]:
        """All jobs, in the order they were submitted."""
        with self._changed:
            waiting = self._waiting()
            return tuple(self._shown(job.status, waiting) for job in self._store.jobs())

    def batch(self, batch_id: str) -> tuple[JobStatus, ...]:
        """The jobs of a batch.

        Raises:
            UnknownJobError: there is none of that id.
        """
        with self._changed:
            found = self._store.of_batch(batch_id)
            if not found:
                raise UnknownJobError(f"There is no batch {batch_id}.")
            waiting = self._waiting()
            return tuple(self._shown(job.status, waiting) for job in found)

    def batches(self) -> tuple[Batch, ...]:
        """All batches, in the order they were submitted."""
        return self._store.batches()

    def cancel(self, job_id: str) -> JobStatus:
        """Give up a job that waits or runs; one that waits is never run, one that runs ends without a video.

        Raises:
            UnknownJobError: there is none of that id.
            JobStateError: it is over.
        """
        with self._changed:
            status = self._active(job_id, "cancelled")
            if self._current is not None and self._current.status.id == job_id:
                self._current.control.stop(video=False)
            return self._update(status, status="CANCELLED", message=CANCELLED, paused=False)

    def cancel_batch(self, batch_id: str) -> tuple[str, ...]:
        """Cancel what is not over of a batch; returns the ids.

        Raises:
            UnknownJobError: there is no such batch.
        """
        with self._changed:
            ids = tuple(status.id for status in self.batch(batch_id) if not status.is_over)
            for job_id in ids:
                self.cancel(job_id)
            return ids

    def stop(self, job_id: str, *, video: bool = True) -> JobStatus:
        """End a job after the frame at work; it can be resumed. One that waits is cancelled.

        Args:
            job_id: of the job.
            video: whether a video of the frames so far is made.

        Raises:
            UnknownJobError: there is none of that id.
            JobStateError: it is over.
        """
        with self._changed:
            status = self._active(job_id, "stopped")
            if self._current is None or self._current.status.id != job_id:
                return self._update(status, status="CANCELLED", message=CANCELLED)
            self._current.control.stop(video=video)
            return self._update(status, stopping=True, paused=False)

    def pause(self, job_id: str) -> JobStatus:
        """Let a running job pause after the frame at work.

        Raises:
            UnknownJobError: there is none of that id.
            JobStateError: it does not run.
        """
        with self._changed:
            current = self._running(job_id, "paused")
            current.control.pause()
            return self._update(current.status, paused=current.control.is_paused, seconds_left=None)

    def go_on(self, job_id: str) -> JobStatus:
        """End the pause of a running job.

        Raises:
            UnknownJobError: there is none of that id.
            JobStateError: it does not run.
        """
        with self._changed:
            current = self._running(job_id, "continued")
            current.control.go_on()
            current.ticks.clear()
            return self._update(current.status, paused=False)

    def resume(self, job_id: str) -> JobStatus:
        """Put a job that was cut off, stopped or cancelled at the end of the queue; it goes on where it ended.

        Raises:
            UnknownJobError: there is none of that id.
            JobStateError: it is not over, or cannot be resumed.
        """
        with self._changed:
            self._refuse_if_closed()
            status = self._find(job_id)
            if not status.resumable or (self._current is not None and self._current.status.id == job_id):
                raise JobStateError(f"Job with ID {job_id} cannot be resumed. {_state_text(status)}")
            return self._update(
                status,
                requeue=True,
                status="ACCEPTED",
                phase="QUEUED",
                error_type="NONE",
                message=None,
                findings=(),
            )

    def latest_frame(self, job_id: str) -> bytes | None:
        """The newest frame as JPEG or PNG; None before there is one.

        Raises:
            UnknownJobError: there is none of that id.
        """
        with self._changed:
            status = self._find(job_id)
            current = self._current
            image = current.image if current is not None and current.status.id == job_id else None
        if image is not None:
            return as_jpeg(image)
        if status.outdir is None or status.timestring is None:
            return None
        return newest_frame(Path(status.outdir), status.timestring)

    def events(self, job_id: str, *, heartbeat: float | None = None) -> Iterator[JobStatus]:
        """What is known of a job, now and after each change; ends when the job is over or the queue closes.

        A reader that is slow misses states in between, never the last one.

        Args:
            job_id: of the job.
            heartbeat: seconds after which the state is given once more although nothing changed; None for never.

        Raises:
            UnknownJobError: there is none of that id.
        """
        status, seen = self._seen(job_id)
        yield status
        while not status.is_over and not self._closing:
            with self._changed:
                happened = self._changed.wait_for(self._later_than(seen), heartbeat)
            try:
                newer, seen = self._seen(job_id)
            except StorageError:
                return  # closed meanwhile
            if newer != status or not happened:
                yield newer
            status = newer

    @contextmanager
    def listening(self, tell: Callable[[], None]) -> Iterator[None]:
        """Have ``tell`` called after each change of any job and when the queue closes, from any thread.

        It must return at once and call no method of the queue.
        """
        with self._changed:
            self._listeners.append(tell)
        try:
            yield
        finally:
            with self._changed:
                self._listeners.remove(tell)

    @property
    def is_closed(self) -> bool:
        """Whether the queue is closed, or about to be."""
        return self._closing

    def close(self) -> None:
        """Let the running job stop so that it can be resumed, leave the engine, let go of the database.

        Returns when all that is done, whoever has asked for it first.
        """
        with self._changed:
            if not self._closing:
                self._closing = True
                if self._current is not None:
                    self._current.control.stop(video=False)
                self._notify()
        self._worker.join()
        self._store.close()

    # --- the worker ---------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        with ExitStack() as engine:
            run: RunWork | None = None
            while (job := self._next()) is not None:
                try:
                    run = run or engine.enter_context(self._runner.open())
                except Exception as error:  # noqa: BLE001 - told to whoever asked for the job
                    self._fail(error)
                else:
                    self._run(run, job)
            with self._changed:
                self._current = None

    def _next(self) -> Work | None:
        """The next job, once there is one; None when the queue closes."""
        with self._changed:
            self._current = None
            while not self._closing:
                try:
                    job = self._store.next_waiting()
                    if job is not None:
                        return self._begin(job)
                    self._changed.wait()
                except StorageError as error:
                    self._current = None
                    _log(error)
                    self._changed.wait(_RETRY_SECONDS)
        return None

    def _begin(self, job: StoredJob) -> Work:
        status = job.status
        self._current = _Current(status, RunControl())
        self._update(status, phase="PREPARING")
        resume = None
        if status.outdir is not None and status.timestring is not None:
            resume = (Path(status.outdir), status.timestring)
        return Work(job.request, resume)

    def _run(self, run: RunWork, work: Work) -> None:
        current = self._current
        assert current is not None  # noqa: S101 - for the type checker; _begin has set it
        try:
            outcome = run(work, current.control, _Reporter(self, current))
        except Exception as error:  # noqa: BLE001 - told to whoever asked for the job
            self._fail(error)
            return
        with self._changed:
            self._end(current, outcome)

    def _end(self, current: _Current, outcome: Outcome) -> None:
        """Write down how the current job ended; the lock is held."""
        facts: dict[str, Any] = {"findings": (*current.status.findings, *outcome.findings)}
        if outcome.video is not None:
            facts["video"] = str(outcome.video)
        if current.status.is_over:  # cancelled while it ran
            facts["message"] = CANCELLED
        elif outcome.stopped is None:
            facts.update(status="SUCCEEDED", phase="DONE", phase_progress=1.0, message=None)
        elif self._closing and not current.status.stopping:
            facts.update(status="FAILED", error_type="RETRYABLE", message=CUT_OFF)
        else:
            facts.update(status="CANCELLED", message=outcome.stopped)
        self._finish(current, facts)

    def _fail(self, error: Exception) -> None:
        """Write down that the current job failed."""
        if not isinstance(error, DeforumError):
            _log(error)
        kind: ErrorType = "TERMINAL" if isinstance(error, InputError) else "RETRYABLE"
        text = str(error) if isinstance(error, DeforumError) else f"{type(error).__name__}: {error}"
        findings = error.findings if isinstance(error, InputError) else ()
        with self._changed:
            current = self._current
            assert current is not None  # noqa: S101 - for the type checker; the worker has one
            told = {finding for finding in findings if finding not in current.status.findings}
            facts: dict[str, Any] = {
                "findings": (*current.status.findings, *(finding for finding in findings if finding in told))
            }
            if not current.status.is_over:
                facts.update(status="FAILED", error_type=kind, message=text)
            self._finish(current, facts)

    def _finish(self, current: _Current, facts: dict[str, Any]) -> None:
        self._current = None
        try:
            self._update(current.status, **facts, seconds_left=None, paused=False, stopping=False)
        except StorageError as error:
            _log(error)  # the next start finds the job cut off

    # --- what is known; the lock is held ------------------------------------------------------------------------------

    def _find(self, job_id: str) -> JobStatus:
        found = self._store.job(job_id)
        if found is None:
            raise UnknownJobError(f"Job with ID {job_id} not found.")
        current = self._current
        return current.status if current is not None and current.status.id == job_id else found.status

    def _active(self, job_id: str, done: str) -> JobStatus:
        status = self._find(job_id)
        if status.is_over:
            raise JobStateError(f"Job with ID {job_id} cannot be {done}. {_state_text(status)}")
        return status

    def _running(self, job_id: str, done: str) -> _Current:
        status = self._active(job_id, done)
        if self._current is None or self._current.status.id != job_id:
            raise JobStateError(f"Job with ID {job_id} cannot be {done}. {_state_text(status)}")
        return self._current

    def _waiting(self) -> dict[str, int]:
        """Position of each job that waits."""
        first = 1 if self._current is not None and not self._current.status.is_over else 0
        return {job: place for place, job in enumerate(self._store.waiting(), first)}

    def _shown(self, status: JobStatus, waiting: dict[str, int]) -> JobStatus:
        current = self._current
        if current is not None and current.status.id == status.id:
            status = current.status
        position = 0 if status.is_running else waiting.get(status.id)
        return status if position == status.position else replace(status, position=position)

    def _new_batch(self, count: int) -> Batch:
        while True:
            batch = f"batch({secrets.randbelow(_LARGEST_BATCH_NUMBER)})"
            if not self._store.of_batch(batch):
                return Batch(batch, tuple(f"{batch}-{number}" for number in range(count)))

    def _update(self, job: JobStatus, /, *, requeue: bool = False, save: bool = True, **changes: Any) -> JobStatus:
        """Change a job, write it down and tell everybody."""
        now = self._clock()
        status = replace(
            job,
            **changes,
            updates=job.updates + 1,
            update_interval_time=now - job.last_updated,
            last_updated=now,
            execution_time=now - job.started_at,
            position=None,
        )
        if save:
            self._store.save(status, requeue=requeue)
        current = self._current
        if current is not None and current.status.id == status.id:
            current.status = status
            current.saved = now if save else current.saved
        self._notify()
        return self._shown(status, self._waiting())

    def _notify(self) -> None:
        self._changes += 1
        self._changed.notify_all()
        for tell in self._listeners:
            tell()

    def _seen(self, job_id: str) -> tuple[JobStatus, int]:
        with self._changed:
            return self.job(job_id), self._changes

    def _later_than(self, seen: int) -> Callable[[], bool]:
        return lambda: self._changes != seen or self._closing

    def _refuse_if_closed(self) -> None:
        if self._closing:
            raise JobStateError("The job queue is closed.")

    # --- what the runner tells ----------------------------------------------------------------------------------------

    def _advance(self, current: _Current, index: int, image: Image) -> None:
        with self._changed:
            now = self._clock()
            current.image = image
            current.ticks.append((now, index))
            status = current.status
            facts: dict[str, Any] = {"frame": index + 1, "seconds_left": current.seconds_left()}
            if status.frames and status.phase == "GENERATING":
                facts["phase_progress"] = min(1.0, (index + 1) / status.frames)
            self._update(status, save=now - current.saved >= _SAVE_SECONDS, **facts)

    def _tell(self, current: _Current, **changes: Any) -> None:
        with self._changed:
            self._update(current.status, **changes)


@dataclass
class _Current:
    """The job at work.

    Attributes:
        status: newest state; the database may be a second behind.
        control: its switches.
        image: the newest frame.
        ticks: when which frame was done, of the last frames.
        saved: when the state was last written down.
    """

    status: JobStatus
    control: RunControl
    image: Image | None = None
    ticks: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_RATE_FRAMES))
    saved: float = 0.0

    def seconds_left(self) -> float | None:
        """Estimate from the speed of the last frames."""
        if len(self.ticks) < 2:
            return None
        (start, first), (end, last) = self.ticks[0], self.ticks[-1]
        if last <= first:
            return None
        return (end - start) / (last - first) * max(0, self.status.frames - 1 - last)


class _Reporter:
    """Carries what a runner tells into the queue; a :class:`Report`."""

    def __init__(self, queue: JobQueue, current: _Current) -> None:
        self._queue = queue
        self._current = current

    def start(self, frames: int, key_frames: int) -> None:
        self._tell(phase="GENERATING", frames=frames, key_frames=key_frames)

    def advance(self, index: int, image: Image, is_key: bool) -> None:
        self._queue._advance(self._current, index, image)

    def finish(self) -> None:
        self._tell(phase="POST_PROCESSING")

    def folder(self, outdir: Path, timestring: str) -> None:
        self._tell(outdir=str(outdir), timestring=timestring)

    def findings(self, findings: Sequence[Finding]) -> None:
        self._tell(findings=tuple(findings))

    def _tell(self, **changes: Any) -> None:
        self._queue._tell(self._current, **changes)


def _log(error: Exception) -> None:
    logging.getLogger(__name__).error("The job queue: %s", error, exc_info=error)


def _check_json(request: JobRequest, number: int) -> None:
    asked = [dict(request.settings), dict(request.options_overrides)]
    if _is_deeper(asked, _MAX_DEPTH):
        raise SettingsError(f"settings {number} are nested too deep.", key="deforum_settings")
    try:
        json.dumps(asked, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"settings {number} are no JSON: {error}.", key="deforum_settings") from error


def _is_deeper(value: object, levels: int) -> bool:
    inner: Iterable[object] = ()
    if isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    return levels < 0 or any(_is_deeper(part, levels - 1) for part in inner)


def _state_text(status: JobStatus) -> str:
    if status.is_over:
        return f"It has ended: {status.status}."
    phase: Phase = status.phase
    return "It waits in the queue." if phase == "QUEUED" else "It is running."
