"""Tools at work: one at a time, in a thread of its own, beside the jobs of the queue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock, Thread
from typing import TYPE_CHECKING

from ..errors import DeforumError, JobStateError, RunError

if TYPE_CHECKING:
    from ..run_options import RunOptions
    from ..tools.clips import Made, Watch

_PATIENCE_SECONDS = 10.0
"""How long the end of the program waits for a tool to stop."""


@dataclass(frozen=True)
class ToolStatus:
    """How a tool stands.

    Attributes:
        name: of the tool.
        done: frames done.
        count: of so many; None if that is not known.
        seconds: since it began, or that it took.
        seconds_left: going by the frames so far; None if unknown.
        stopping: whether it was asked to stop.
        made: what it made; None while it is at work, and if it failed.
        error: why it made nothing.
    """

    name: str
    done: int = 0
    count: int | None = None
    seconds: float = 0.0
    seconds_left: float | None = None
    stopping: bool = False
    made: Made | None = None
    error: DeforumError | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, however that was."""
        return self.made is not None or self.error is not None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Workplace:
    """Where a tool works.

    Attributes:
        options: how things are done there.
        interrupted: whether somebody there wants it to stop, besides those who ask the workbench.
    """

    options: RunOptions
    interrupted: Callable[[], bool] = _never


class Workbench:
    """Runs tools. Every method may be called from any thread.

    Args:
        clock: seconds; for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._status: ToolStatus | None = None
        self._thread: Thread | None = None
        self._begun = self._first = 0.0

    def start(self, name: str, work: Callable[[Watch], Made]) -> None:
        """Let a tool work in the background.

        Args:
            name: of the tool.
            work: what it does.

        Raises:
            JobStateError: another one is at work.
        """
        with self._lock:
            if self._status is not None and not self._status.is_over:
                hint = "Wait until it is done, or stop it."
                raise JobStateError(f"{self._status.name} is at work, and tools work one at a time.", hint=hint)
            self._status = ToolStatus(name)
            self._begun = self._clock()
            self._thread = Thread(target=self._run, args=(work,), name="deforum-tool", daemon=True)
            self._thread.start()

    @property
    def status(self) -> ToolStatus | None:
        """How the tool that was started last stands; None before any."""
        with self._lock:
            status = self._status
            if status is None or status.is_over:
                return status
            now = self._clock()
            left = None
            if status.count and status.done > 1:
                # The first frame waits for the network to be loaded.
                left = (now - self._first) / (status.done - 1) * (status.count - status.done)
            return replace(status, seconds=now - self._begun, seconds_left=left)

    def stop(self) -> None:
        """Let the tool stop after the frame at work; what it has made stays."""
        with self._lock:
            if self._status is not None and not self._status.is_over:
                self._status = replace(self._status, stopping=True)

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the tool is done, but not longer than so many seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def close(self) -> None:
        """Stop, and wait a moment for that."""
        self.stop()
        self.wait(_PATIENCE_SECONDS)

    def _run(self, work: Callable[[Watch], Made]) -> None:
        from ..tools.clips import Watch

        try:
            made = work(Watch(self._progress, self._should_stop))
        except DeforumError as error:
            self._end(error=error)
        except Exception as error:  # whatever it was, somebody waits for an answer
            logging.getLogger(__name__).exception("a tool failed")
            self._end(error=RunError(f"This should not have happened: {type(error).__name__}: {error}"))
        else:
            self._end(made=made)

    def _end(self, *, made: Made | None = None, error: DeforumError | None = None) -> None:
        with self._lock:
            if self._status is not None:
                took = self._clock() - self._begun
                self._status = replace(self._status, made=made, error=error, seconds=took)

    def _progress(self, done: int, count: int | None) -> None:
        with self._lock:
            if self._status is not None:
                if done == 1:
                    self._first = self._clock()
                self._status = replace(self._status, done=done, count=count)

    def _should_stop(self) -> bool:
        with self._lock:
            return self._status is not None and self._status.stopping
