"""What queue and runners say to each other: work, how it goes on, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import Finding
from ..ports import Image
from .control import RunControl
from .status import JobRequest


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

    def step(self, what: str, done: int, count: int) -> None:
        """Something before or after the frames that takes long: what it is, how much is done, and of how much."""
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
