"""What is known of all jobs: the database, the job at work, and who waits for something to change."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Condition
from typing import Any

from ..errors import UnknownJobError
from ..ports import Image
from .control import RunControl
from .status import JobStatus
from .store import JobStore

_RATE_FRAMES = 64
"""Frames from which the speed of a run is estimated."""


@dataclass
class Current:
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


class Ledger:
    """The jobs of a queue. All attributes and methods are used with ``changed`` held, unless they say otherwise.

    Args:
        database: file of the jobs, made if it is not there.
        clock: seconds since 1970.

    Attributes:
        store: the database.
        changed: lock of all that is here, and what to wait on for a change.
        current: the job at work; None if there is none.
        closing: whether the queue is closed, or about to be; may be read at any time.

    Raises:
        StorageError: the database cannot be used, or is in use.
    """

    def __init__(self, database: Path, clock: Callable[[], float]) -> None:
        self.store = JobStore(database)
        self.changed = Condition()
        self.current: Current | None = None
        self.closing = False
        self.clock = clock
        self._changes = 0
        self._listeners: list[Callable[[], None]] = []

    def find(self, job_id: str) -> JobStatus:
        """The newest state of a job.

        Raises:
            UnknownJobError: there is none of that id.
        """
        found = self.store.job(job_id)
        if found is None:
            raise UnknownJobError(f"Job with ID {job_id} not found.")
        current = self.at_work(job_id)
        return current.status if current is not None else found.status

    def at_work(self, job_id: str) -> Current | None:
        """The job at work if it is this one."""
        current = self.current
        return current if current is not None and current.status.id == job_id else None

    def waiting(self) -> dict[str, int]:
        """Position of each job that waits."""
        first = 1 if self.current is not None and not self.current.status.is_over else 0
        return {job: place for place, job in enumerate(self.store.waiting(), first)}

    def shown(self, status: JobStatus, waiting: dict[str, int]) -> JobStatus:
        """A state of a job as it is now, with its place among those that are ``waiting``."""
        current = self.at_work(status.id)
        status = current.status if current is not None else status
        position = 0 if status.is_running else waiting.get(status.id)
        return status if position == status.position else replace(status, position=position)

    def update(self, job: JobStatus, /, *, requeue: bool = False, save: bool = True, **changes: Any) -> JobStatus:
        """Change a job, write it down and tell everybody."""
        now = self.clock()
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
            self.store.save(status, requeue=requeue)
        current = self.at_work(status.id)
        if current is not None:
            current.status = status
            current.saved = now if save else current.saved
        self.notify()
        return self.shown(status, self.waiting())

    def notify(self) -> None:
        """Tell everybody that something has changed."""
        self._changes += 1
        self.changed.notify_all()
        for tell in self._listeners:
            tell()

    def seen(self, job_id: str) -> tuple[JobStatus, int]:
        """The job and the number of changes so far. Takes the lock itself.

        Raises:
            UnknownJobError: there is none of that id.
        """
        with self.changed:
            return self.shown(self.find(job_id), self.waiting()), self._changes

    def wait_for_news(self, seen: int, patience: float | None) -> bool:
        """Whether there are changes after the first ``seen``, or the queue closes, within so many seconds.

        Takes the lock itself.
        """
        with self.changed:
            return self.changed.wait_for(lambda: self._changes != seen or self.closing, patience)

    @contextmanager
    def listening(self, tell: Callable[[], None]) -> Iterator[None]:
        """Have ``tell`` called at each :meth:`notify`. Takes the lock itself."""
        with self.changed:
            self._listeners.append(tell)
        try:
            yield
        finally:
            with self.changed:
                self._listeners.remove(tell)
