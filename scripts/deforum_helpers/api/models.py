"""What goes over the wire, for pydantic 1 and 2 alike: plain fields with defaults, no validators."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union  # noqa: UP035 - pydantic 1 reads these at run time

from pydantic import BaseModel

Object = Dict[str, Any]  # noqa: UP006


class BatchRequest(BaseModel):
    """Settings to run: one object, or a list of them."""

    # The list first: pydantic 1 would make an object of a list of pairs.
    deforum_settings: Optional[Union[List[Object], Object]] = None  # noqa: UP006, UP007, UP045
    options_overrides: Optional[Object] = None  # noqa: UP045


class SettingsRequest(BaseModel):
    """Settings to look at."""

    deforum_settings: Object
    series: bool = False


class FindingObject(BaseModel):
    """One thing that is wrong or worth knowing."""

    severity: str
    message: str
    key: str
    frame: Optional[int] = None  # noqa: UP045
    column: Optional[int] = None  # noqa: UP045
    hint: str
    text: str


class JobObject(BaseModel):
    """What is known of a job."""

    id: str
    status: str
    phase: str
    error_type: str
    phase_progress: float
    started_at: float
    last_updated: float
    execution_time: float
    update_interval_time: float
    updates: int
    message: Optional[str] = None  # noqa: UP045
    outdir: Optional[str] = None  # noqa: UP045
    timestring: Optional[str] = None  # noqa: UP045
    deforum_settings: Object
    options_overrides: Object
    batch: str
    position: Optional[int] = None  # noqa: UP045
    frame: int
    frames: int
    key_frames: int
    seconds_left: Optional[float] = None  # noqa: UP045
    video: Optional[str] = None  # noqa: UP045
    paused: bool
    stopping: bool
    resumable: bool
    resume: Optional[str] = None  # noqa: UP045
    findings: List[FindingObject]  # noqa: UP006


class Accepted(BaseModel):
    """Jobs that wait now."""

    message: str
    batch_id: str
    job_ids: List[str]  # noqa: UP006


class Told(BaseModel):
    """What happened, or did not."""

    id: str
    message: str


class NotFound(BaseModel):
    """There is nothing of that id."""

    id: str
    status: str


class BatchCancelled(BaseModel):
    """What was cancelled; the message is there a second time under ``message:``, as it is known."""

    ids: List[str]  # noqa: UP006
    message: str


class Refused(BaseModel):
    """Why a request is not taken."""

    message: str
    findings: List[FindingObject] = []  # noqa: UP006


class Invalid(BaseModel):
    """Why a request cannot be read."""

    detail: Any
    body: Any = None


class Linted(BaseModel):
    """What there is to say about settings; ``ok`` if they can be rendered."""

    ok: bool
    findings: List[FindingObject]  # noqa: UP006


class Version(BaseModel):
    """A version."""

    version: str


class SimpleRun(BaseModel):
    """Where the run is."""

    outdir: str


class Failed(BaseModel):
    """Why there is no run."""

    detail: str
