"""What a job is: what was asked for, and what is known of it. Plain frozen values that every door shows as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import Finding

Status = Literal["ACCEPTED", "SUCCEEDED", "FAILED", "CANCELLED"]
"""ACCEPTED is waiting or running; the others are final, unless the job is resumed."""
Phase = Literal["QUEUED", "PREPARING", "GENERATING", "POST_PROCESSING", "DONE"]
"""How far a job came; one that fails keeps the phase it failed in."""
ErrorType = Literal["NONE", "RETRYABLE", "TERMINAL"]
"""Whether a failed job may succeed when it goes on (RETRYABLE), or only with other settings (TERMINAL)."""

CANCELLED = "Cancelled due to user request."
CUT_OFF = "The program ended while this job was running. Everything rendered is kept."


@dataclass(frozen=True)
class JobRequest:
    """What somebody asks for.

    Attributes:
        settings: values by settings key, as in a settings file; older keys are understood, missing keys have their
            defaults. JSON values only.
        options_overrides: options of the host to be changed while the job runs.
        base_dir: where relative paths in the settings are looked up first; None for the working directory.
        restricted: whether a stranger asks: input files must lie below allowed folders, and links must lead to the
            public internet.
    """

    settings: Mapping[str, object]
    options_overrides: Mapping[str, object] = field(default_factory=dict)
    base_dir: Path | None = None
    restricted: bool = False


@dataclass(frozen=True)
class Batch:
    """Jobs that were submitted together.

    Attributes:
        id: ``batch(N)``.
        job_ids: ``batch(N)-0`` and so on, in the order of the requests.
    """

    id: str
    job_ids: tuple[str, ...]


@dataclass(frozen=True)
class JobStatus:
    """What is known of a job. The first attributes, up to ``options_overrides``, are known to users of the REST API.

    Attributes:
        id: of the job.
        status, phase, error_type: see :data:`Status`, :data:`Phase`, :data:`ErrorType`.
        phase_progress: 0..1, frames done of all while GENERATING, 1 when DONE.
        started_at: when it was submitted, seconds since 1970.
        last_updated: when something last changed, seconds since 1970.
        execution_time: seconds from ``started_at`` to ``last_updated``.
        update_interval_time: seconds between the last two changes.
        updates: number of changes so far.
        message: why it failed or was cancelled, or what it is at besides frames; None if there is nothing to say.
        outdir, timestring: folder and identity of the run; None before it begins.
        deforum_settings, options_overrides: as asked for.
        batch: the batch it came with.
        position: jobs to be run before it: 0 for the one that runs or is next; None for a job that is over.
        frame: frames done.
        frames, key_frames: how many the run has; 0 before it is planned.
        seconds_left: estimate of the time until all frames are done; None while there is none.
        video: the video, once there is one.
        paused: whether it pauses, or is about to.
        stopping: whether it runs, but is about to end on request.
        findings: what there is to say about its settings and its run.
        resumable: whether :meth:`JobQueue.resume` takes it.
    """

    id: str
    status: Status = "ACCEPTED"
    phase: Phase = "QUEUED"
    error_type: ErrorType = "NONE"
    phase_progress: float = 0.0
    started_at: float = 0.0
    last_updated: float = 0.0
    execution_time: float = 0.0
    update_interval_time: float = 0.0
    updates: int = 0
    message: str | None = None
    outdir: str | None = None
    timestring: str | None = None
    deforum_settings: Mapping[str, object] = field(default_factory=dict)
    options_overrides: Mapping[str, object] = field(default_factory=dict)
    batch: str = ""
    position: int | None = None
    frame: int = 0
    frames: int = 0
    key_frames: int = 0
    seconds_left: float | None = None
    video: str | None = None
    paused: bool = False
    stopping: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it, unless it is resumed."""
        return self.status != "ACCEPTED"

    @property
    def is_running(self) -> bool:
        """Whether a worker is at it, or was when the program ended."""
        return self.status == "ACCEPTED" and self.phase != "QUEUED"

    @property
    def resumable(self) -> bool:
        """Whether it can go on where it ended."""
        return self.status == "CANCELLED" or (self.status == "FAILED" and self.error_type == "RETRYABLE")
