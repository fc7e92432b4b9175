"""The one queue that every door uses: jobs in, one after the other through the engine, and what became of them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from ..errors import JobStateError, SettingsError, StorageError, UnknownJobError
from .ledger import Current, Ledger
from .pictures import as_jpeg, newest_frame
from .status import CANCELLED, CUT_OFF, Batch, JobRequest, JobStatus, Phase
from .store import StoredJob
from .work import JobRunner
from .worker import Worker

DATABASE = "deforum_jobs.sqlite3"
"""The jobs of a folder of all runs, whichever door they came through; it lies in that folder."""
_MAX_DEPTH = 100
"""How deep settings may be nested; no more can be relied on to be read back."""
_LARGEST_BATCH_NUMBER = 10**9


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
        self._ledger = Ledger(database, clock)
        for job in self._ledger.store.cut_off():
            self._ledger.store.save(replace(job.status, status="FAILED", error_type="RETRYABLE", message=CUT_OFF))
        self._worker = Worker(self._ledger, runner)
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
        with self._ledger.changed:
            self._refuse_if_closed()
            batch = self._new_batch(len(requests))
            now = self._ledger.clock()
            statuses = (JobStatus(job, batch=batch.id, started_at=now, last_updated=now) for job in batch.job_ids)
            self._ledger.store.add(batch, [StoredJob(s, r) for s, r in zip(statuses, requests, strict=True)])
            self._ledger.notify()
        return batch

    def job(self, job_id: str) -> JobStatus:
        """What is known of a job.

        Raises:
            UnknownJobError: there is none of that id.
        """
        with self._ledger.changed:
            return self._ledger.shown(self._ledger.find(job_id), self._ledger.waiting())

    def jobs(self) -> tuple[JobStatus, ...]:
        """All jobs, in the order they were submitted."""
        with self._ledger.changed:
            waiting = self._ledger.waiting()
            return tuple(self._ledger.shown(job.status, waiting) for job in self._ledger.store.jobs())

    def batch(self, batch_id: str) -> tuple[JobStatus, ...]:
        """The jobs of a batch.

        Raises:
            UnknownJobError: there is none of that id.
        """
        with self._ledger.changed:
            found = self._ledger.store.of_batch(batch_id)
            if not found:
                raise UnknownJobError(f"There is no batch {batch_id}.")
            waiting = self._ledger.waiting()
            return tuple(self._ledger.shown(job.status, waiting) for job in found)

    def batches(self) -> tuple[Batch, ...]:
        """All batches, in the order they were submitted."""
        return self._ledger.store.batches()

    def cancel(self, job_id: str) -> JobStatus:
        """Give up a job that waits or runs; one that waits is never run, one that runs ends without a video.

        Raises:
            UnknownJobError: there is none of that id.
            JobStateError: it is over.
        """
        with self._ledger.changed:
            status = self._active(job_id, "cancelled")
            current = self._ledger.at_work(job_id)
            if current is not None:
                current.control.stop(video=False)
            return self._ledger.update(status, status="CANCELLED", message=CANCELLED, paused=False)

    def cancel_batch(self, batch_id: str) -> tuple[str, ...]:
        """Cancel what is not over of a batch; returns the ids.

        Raises:
            UnknownJobError: there is no such batch.
        """
        with self._ledger.changed:
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
        with self._ledger.changed:
            status = self._active(job_id, "stopped")
            current = self._ledger.at_work(job_id)
            if current is None:
                return self._ledger.update(status, status="CANCELLED", message=CANCELLED)
            current.control.stop(video=video)
            return self._ledger.update(status, stopping=True, paused=False)

    def pause(self, job_id: str) -> JobStatus:
        """Let a running job pause after the frame at work.

        Raises:
            UnknownJobError: there is none of that id.
            JobStateError: it does not run.
        """
        with self._ledger.changed:
            current = self._running(job_id, "paused")
            current.control.pause()
            return self._ledger.update(current.status, paused=current.control.is_paused, seconds_left=None)

    def go_on(self, job_id: str) -> JobStatus:
        """End the pause of a running job.

        Raises:
            UnknownJobError: there is none of that id.
            JobStateError: it does not run.
        """
        with self._ledger.changed:
            current = self._running(job_id, "continued")
            current.control.go_on()
            current.ticks.clear()
            return self._ledger.update(current.status, paused=False)

    def resume(self, job_id: str) -> JobStatus:
        """Put a job that was cut off, stopped or cancelled at the end of the queue; it goes on where it ended.

        Raises:
            UnknownJobError: there is none of that id.
            JobStateError: it is not over, or cannot be resumed.
        """
        with self._ledger.changed:
            self._refuse_if_closed()
            status = self._ledger.find(job_id)
            if not status.resumable or self._ledger.at_work(job_id) is not None:
                raise JobStateError(f"Job with ID {job_id} cannot be resumed. {_state_text(status)}")
            return self._ledger.update(
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
        with self._ledger.changed:
            status = self._ledger.find(job_id)
            current = self._ledger.at_work(job_id)
            image = current.image if current is not None else None
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
        status, seen = self._ledger.seen(job_id)
        yield status
        while not status.is_over and not self._ledger.closing:
            happened = self._ledger.wait_for_news(seen, heartbeat)
            try:
                newer, seen = self._ledger.seen(job_id)
            except StorageError:
                return  # closed meanwhile
            if newer != status or not happened:
                yield newer
            status = newer

    def listening(self, tell: Callable[[], None]) -> AbstractContextManager[None]:
        """Have ``tell`` called after each change of any job and when the queue closes, from any thread.

        It must return at once and call no method of the queue.
        """
        return self._ledger.listening(tell)

    @property
    def is_closed(self) -> bool:
        """Whether the queue is closed, or about to be."""
        return self._ledger.closing

    def close(self) -> None:
        """Let the running job stop so that it can be resumed, leave the engine, let go of the database.

        Returns when all that is done, whoever has asked for it first.
        """
        with self._ledger.changed:
            ledger = self._ledger
            if not ledger.closing:
                ledger.closing = True
                if ledger.current is not None:
                    ledger.current.control.stop(video=False)
                ledger.notify()
        self._worker.join()
        self._ledger.store.close()

    # --- what is known; the lock is held ------------------------------------------------------------------------------

    def _active(self, job_id: str, done: str) -> JobStatus:
        status = self._ledger.find(job_id)
        if status.is_over:
            raise JobStateError(f"Job with ID {job_id} cannot be {done}. {_state_text(status)}")
        return status

    def _running(self, job_id: str, done: str) -> Current:
        status = self._active(job_id, done)
        current = self._ledger.at_work(job_id)
        if current is None:
            raise JobStateError(f"Job with ID {job_id} cannot be {done}. {_state_text(status)}")
        return current

    def _new_batch(self, count: int) -> Batch:
        while True:
            batch = f"batch({secrets.randbelow(_LARGEST_BATCH_NUMBER)})"
            if not self._ledger.store.of_batch(batch):
                return Batch(batch, tuple(f"{batch}-{number}" for number in range(count)))

    def _refuse_if_closed(self) -> None:
        if self._ledger.closing:
            raise JobStateError("The job queue is closed.")


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
