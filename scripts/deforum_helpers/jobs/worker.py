"""The thread that runs the jobs of a queue, one after the other, with an engine that stays open."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

from ..errors import DeforumError, Finding, InputError, StorageError
from ..ports import Image
from .control import RunControl
from .ledger import Current, Ledger
from .status import CANCELLED, CUT_OFF, ErrorType
from .store import StoredJob
from .work import JobRunner, Outcome, RunWork, Work

_SAVE_SECONDS = 1.0
"""How often the progress of a run is written down; all other changes are at once."""
_RETRY_SECONDS = 5.0
"""How long the worker waits before it asks a database again that could not be read."""


class Worker:
    """Runs what waits until the queue closes.

    Args:
        ledger: the jobs.
        runner: runs them.
    """

    def __init__(self, ledger: Ledger, runner: JobRunner) -> None:
        self._ledger = ledger
        self._runner = runner
        self._thread = Thread(target=self._work, name="deforum-jobs", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until the last job has ended and the engine is left."""
        self._thread.join()

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
            with self._ledger.changed:
                self._ledger.current = None

    def _next(self) -> Work | None:
        """The next job, once there is one; None when the queue closes."""
        with self._ledger.changed:
            self._ledger.current = None
            while not self._ledger.closing:
                try:
                    job = self._ledger.store.next_waiting()
                    if job is not None:
                        return self._begin(job)
                    self._ledger.changed.wait()
                except StorageError as error:
                    self._ledger.current = None
                    _log(error)
                    self._ledger.changed.wait(_RETRY_SECONDS)
        return None

    def _begin(self, job: StoredJob) -> Work:
        status = job.status
        self._ledger.current = Current(status, RunControl())
        self._ledger.update(status, phase="PREPARING")
        resume = None
        if status.outdir is not None and status.timestring is not None:
            resume = (Path(status.outdir), status.timestring)
        return Work(job.request, resume)

    def _run(self, run: RunWork, work: Work) -> None:
        current = self._ledger.current
        assert current is not None  # noqa: S101 - for the type checker; _begin has set it
        try:
            outcome = run(work, current.control, _Reporter(self._ledger, current))
        except Exception as error:  # noqa: BLE001 - told to whoever asked for the job
            self._fail(error)
            return
        with self._ledger.changed:
            self._end(current, outcome)

    def _end(self, current: Current, outcome: Outcome) -> None:
        """Write down how the current job ended; the lock is held."""
        facts: dict[str, Any] = {"findings": (*current.status.findings, *outcome.findings)}
        if outcome.video is not None:
            facts["video"] = str(outcome.video)
        if current.status.is_over:  # cancelled while it ran
            facts["message"] = CANCELLED
        elif outcome.stopped is None:
            facts.update(status="SUCCEEDED", phase="DONE", phase_progress=1.0, message=None)
        elif self._ledger.closing and not current.status.stopping:
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
        with self._ledger.changed:
            current = self._ledger.current
            assert current is not None  # noqa: S101 - for the type checker; the worker has one
            told = {finding for finding in findings if finding not in current.status.findings}
            facts: dict[str, Any] = {
                "findings": (*current.status.findings, *(finding for finding in findings if finding in told))
            }
            if not current.status.is_over:
                facts.update(status="FAILED", error_type=kind, message=text)
            self._finish(current, facts)

    def _finish(self, current: Current, facts: dict[str, Any]) -> None:
        self._ledger.current = None
        try:
            self._ledger.update(current.status, **facts, seconds_left=None, paused=False, stopping=False)
        except StorageError as error:
            _log(error)  # the next start finds the job cut off


class _Reporter:
    """Carries what a runner tells into the ledger; a ``work.Report``."""

    def __init__(self, ledger: Ledger, current: Current) -> None:
        self._ledger = ledger
        self._current = current

    def start(self, frames: int, key_frames: int) -> None:
        self._tell(phase="GENERATING", frames=frames, key_frames=key_frames, message=None)

    def advance(self, index: int, image: Image, is_key: bool) -> None:
        ledger, current = self._ledger, self._current
        with ledger.changed:
            now = ledger.clock()
            current.image = image
            current.ticks.append((now, index))
            status = current.status
            facts: dict[str, Any] = {"frame": index + 1, "seconds_left": current.seconds_left()}
            if status.frames and status.phase == "GENERATING":
                facts["phase_progress"] = min(1.0, (index + 1) / status.frames)
            ledger.update(status, save=now - current.saved >= _SAVE_SECONDS, **facts)

    def finish(self) -> None:
        self._tell(phase="POST_PROCESSING")

    def step(self, what: str, done: int, count: int) -> None:
        ledger, current = self._ledger, self._current
        with ledger.changed:
            save = ledger.clock() - current.saved >= _SAVE_SECONDS
            ledger.update(current.status, save=save, message=f"{what}: {done} of {count}")

    def folder(self, outdir: Path, timestring: str) -> None:
        self._tell(outdir=str(outdir), timestring=timestring)

    def findings(self, findings: Sequence[Finding]) -> None:
        self._tell(findings=tuple(findings))

    def _tell(self, **changes: Any) -> None:
        with self._ledger.changed:
            self._ledger.update(self._current.status, **changes)


def _log(error: Exception) -> None:
    logging.getLogger(__name__).error("The job queue: %s", error, exc_info=error)
