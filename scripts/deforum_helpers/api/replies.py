"""From values to replies."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from fastapi.responses import JSONResponse

from ..errors import Finding, InputError
from ..jobs.status import JobStatus

JOBS = "/deforum_api/jobs"
"""Where jobs are."""


class Reply(JSONResponse):
    """JSON for any value: half characters are escaped, and what is no finite number is null."""

    def render(self, content: Any) -> bytes:
        """The body."""
        try:
            return json.dumps(content, allow_nan=False).encode("ascii")
        except ValueError:
            return json.dumps(_finite(content), allow_nan=False).encode("ascii")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def job_object(status: JobStatus) -> dict[str, Any]:
    """The job as the API shows it; see ``models.JobObject``."""
    shown: dict[str, Any] = {item.name: getattr(status, item.name) for item in fields(status)}
    return {
        **shown,
        "deforum_settings": dict(status.deforum_settings),
        "options_overrides": dict(status.options_overrides),
        "resumable": status.resumable,
        "resume": f"POST {JOBS}/{status.id}/resume" if status.resumable else None,
        "findings": finding_objects(status.findings),
    }


def progress_object(status: JobStatus) -> dict[str, Any]:
    """The job without what it was submitted with."""
    submitted = ("deforum_settings", "options_overrides")
    return {name: value for name, value in job_object(status).items() if name not in submitted}


def finding_objects(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as objects."""
    return [asdict(finding) for finding in findings]


def refusal(error: InputError, code: int) -> Reply:
    """A reply that says everything that is wrong."""
    return Reply({"message": str(error), "findings": finding_objects(error.findings)}, code)


def told(identity: str, message: str, code: int = 200) -> Reply:
    """A reply about the thing of that id."""
    return Reply({"id": identity, "message": message}, code)
