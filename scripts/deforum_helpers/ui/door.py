"""The door: everything the tab may ask for, so that it is the same tab whoever stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import Finding
from ..jobs.status import JobStatus
from .values import Draft

if TYPE_CHECKING:
    from ..jobs.reach import Reach
    from ..jobs.workbench import ToolStatus
    from ..rendering.data.render_data import RenderData
    from ..run_options import RunOptions
    from ..tools.clips import Made, Watch


@dataclass(frozen=True)
class PlanView:
    """What is known before a run.

    Attributes:
        data: the plan; None if there is none because of errors.
        findings: everything there is to say about settings, manifest and plan; errors if ``data`` is None.
        seconds: how long the run is going to take, by the speed of the last one; None if unknown.
    """

    data: RenderData | None
    findings: tuple[Finding, ...]
    seconds: float | None = None


@dataclass(frozen=True)
class PastRun:
    """A run in the output folder.

    Attributes:
        name: of its folder.
        timestring: its identity, 14 digits.
        folder: where it lies.
        settings: its settings file.
        video: its video, None if there is none.
        picture: one of its frames, None if none is there.
        frames: frames on disk or, if they were deleted, in its report.
        seconds: how long it took; None if it never ended.
        unfinished: whether it was cut off, so that it can be resumed.
    """

    name: str
    timestring: str
    folder: Path
    settings: Path
    video: Path | None
    picture: Path | None
    frames: int
    seconds: float | None
    unfinished: bool


@dataclass(frozen=True)
class Preset:
    """Settings somebody found worth keeping.

    Attributes:
        name: unique, for people.
        settings: the settings file.
        picture: how it looks, None if unknown.
    """

    name: str
    settings: Path
    picture: Path | None = None


@dataclass(frozen=True)
class Tooling:
    """What a tool works with.

    Attributes:
        options: where things are, and how videos are encoded.
        reach: what it may read and write.
        watch: who watches, and may stop it.
    """

    options: RunOptions
    reach: Reach
    watch: Watch

    @property
    def networks(self) -> dict[str, Any]:
        """How networks are opened, as arguments of the functions in ``models``."""
        return {
            "models_folder": self.options.models,
            "allow_download": self.options.allow_download,
            "device": self.options.device,
            "memory": self.options.memory,
        }


class Door(Protocol):
    """What the tab asks for. Errors are DeforumErrors, whose texts are shown as they are; any thread may call."""

    def choices(self) -> Mapping[str, Sequence[str]]:
        """Settings key → texts on offer, where they depend on the host: samplers, models, preprocessors."""
        ...

    def plan(self, draft: Draft) -> PlanView:
        """What a run would do. Never raises InputError: it is among the findings."""
        ...

    def keep_manifest(self, text: str) -> str:
        """Keep a large pasted manifest as a file and return its path; other texts come back as they are.

        What was known of it is forgotten: a link is fetched anew by the next plan.
        """
        ...

    def keep_upload(self, upload: Path, key: str) -> Path:
        """Keep an uploaded file as one that the setting ``key`` can name.

        Raises:
            InputError: the setting takes no such file. StorageError: it cannot be written.
        """
        ...

    def submit(self, drafts: Sequence[Draft]) -> tuple[str, ...]:
        """Queue a run of each; returns the ids of the jobs.

        Raises:
            InputError: one of them cannot be run; none is queued then.
        """
        ...

    def job(self, job_id: str) -> JobStatus:
        """What is known of a job.

        Raises:
            InputError: there is no such job.
        """
        ...

    def active(self) -> tuple[str, ...]:
        """Ids of the jobs that wait or run, in the order of the queue."""
        ...

    def latest_frame(self, job_id: str) -> bytes | None:
        """The newest frame of a job as JPEG or PNG; None before there is one."""
        ...

    def pause(self, job_id: str) -> None:
        """Let a running job pause after the frame at work."""
        ...

    def go_on(self, job_id: str) -> None:
        """End the pause of a job."""
        ...

    def stop(self, job_id: str) -> None:
        """End a job after the frame at work, with a video of what there is; one that waits is never run."""
        ...

    def runs(self) -> tuple[PastRun, ...]:
        """Past runs, the newest first."""
        ...

    def resume(self, timestring: str) -> str:
        """Go on with a run that was cut off; returns the id of the job.

        Raises:
            InputError: there is no such run, or it cannot go on.
        """
        ...

    def load_settings(self, path: Path) -> Draft:
        """Read a settings file.

        Raises:
            InputError: it cannot be used.
        """
        ...

    def save_settings(self, draft: Draft, path: Path) -> Path:
        """Write a settings file; relative paths lie below the door's own folder. Returns where it is.

        Raises:
            StorageError: it cannot be written.
        """
        ...

    def kept(self) -> Draft | None:
        """The settings that were submitted last, for the page to begin with; None where they are not kept.

        Raises:
            InputError: they cannot be read.
        """
        ...

    def presets(self) -> tuple[Preset, ...]:
        """Settings to begin with: those that come with the program, then the user's own."""
        ...

    def save_preset(self, draft: Draft, name: str, picture: bytes | None = None) -> Preset:
        """Keep settings as a preset of the user's.

        Args:
            draft: the settings.
            name: for people.
            picture: how it looks, a JPEG or PNG file of any size.

        Raises:
            InputError: the name cannot be that of a file. StorageError: it cannot be written.
        """
        ...

    def start_tool(self, name: str, work: Callable[[Tooling], Made], *, networks: bool) -> None:
        """Let a tool work in the background; returns soon, with a tool that is quick when it is done.

        Args:
            name: of the tool.
            work: what it does.
            networks: whether it uses networks, so that it has to get along with the engine.

        Raises:
            InputError: another tool is at work.
        """
        ...

    def tool(self) -> ToolStatus | None:
        """How the tool that was started last stands; None before any."""
        ...

    def stop_tool(self) -> None:
        """Let the tool at work stop after the frame at work; what it has made stays."""
        ...

    def shows(self, path: Path) -> bool:
        """Whether a page may show a file: it lies in the folder of all runs."""
        ...
