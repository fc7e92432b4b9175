"""From a request to a plan: what queue, tab and routes have in common, whether they render or only look."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Finding, InputError
from ..job import Job, job_of, plan_job
from ..media.naming import parse_timestring
from ..media.run_folder import RunFolder
from ..rendering.data.render_data import RenderData
from ..resume import find_run, resumed_job, resumed_with
from ..settings.files import Loaded, settings_from
from ..settings.lint import lint_settings
from ..settings.schema import Settings
from ..web import is_url
from .access import Access, check_access, check_plan
from .status import JobRequest

_NO_LIMITS = Access()
_TO_ACCEPT = "To go on all the same, run its settings with resume_from_timestring on and resume_timestring {}."


@dataclass(frozen=True)
class Prepared:
    """A request, ready to be run.

    Attributes:
        job: what to render.
        data: its plan.
        findings: what there is to say about both; no errors.
        resume: the run that goes on; None for a new one.
    """

    job: Job
    data: RenderData
    findings: tuple[Finding, ...] = field(default=())
    resume: RunFolder | None = None


def read_request(request: JobRequest, access: Access = _NO_LIMITS) -> Job:
    """The job that a request describes, with the manifest it names.

    Args:
        request: what was asked for. Settings that are missing have their defaults, the prompts included.
        access: what it may reach, if it is restricted.

    Raises:
        InputError: settings or manifest cannot be used, or reach for what they may not.
    """
    folder, loaded = _read(request, access)
    return job_of(loaded.settings, folder, loaded.findings, allow_private=_allow_private(request, access))


def check_request(request: JobRequest, access: Access = _NO_LIMITS) -> tuple[Finding, ...]:
    """Look at a request as far as that needs neither the network nor videos.

    Returns:
        Warnings and notes.

    Raises:
        InputError: with all findings, if it cannot be run, or reaches for what it may not.
    """
    folder, loaded = _read(request, access)
    findings = (*loaded.findings, *lint_settings(loaded.settings, (folder,)))
    if any(finding.severity == "error" for finding in findings):
        raise InputError(findings)
    if is_url(loaded.settings.parseq.parseq_manifest):
        return findings
    return plan_request(request, access)[1]


def plan_request(request: JobRequest, access: Access = _NO_LIMITS) -> tuple[RenderData, tuple[Finding, ...]]:
    """Plan a request to look at it: files that are missing are warnings, videos are not opened.

    Returns:
        The plan and all findings; none of them is an error.

    Raises:
        InputError: with all findings, if it cannot be planned, or reaches for what it may not.
    """
    return plan_read(read_request(request, access), request, access)


def plan_read(job: Job, request: JobRequest, access: Access = _NO_LIMITS) -> tuple[RenderData, tuple[Finding, ...]]:
    """As :func:`plan_request`, for a request that was read already."""
    data, findings = plan_job(job, need_files=False)
    _check_plan(request, job, data, access)
    return data, findings


def _read(request: JobRequest, access: Access) -> tuple[Path, Loaded]:
    folder = (request.base_dir or Path.cwd()).resolve()
    loaded = settings_from(request.settings, base=Settings())
    if request.restricted:
        check_access(loaded.settings, folder, access)
    return folder, loaded


def prepare(
    request: JobRequest,
    out: Path,
    access: Access = _NO_LIMITS,
    run: RunFolder | None = None,
    *,
    models: Path | None = None,
) -> Prepared:
    """Read and plan a request.

    Args:
        request: what was asked for.
        out: folder of all runs, where those to be resumed are looked for.
        access: what it may reach, if it is restricted.
        run: the run that goes on, with the settings kept with it; None for a new one, unless the settings say so.
        models: as in ``plan_job``.

    Raises:
        InputError: with all findings, if it cannot be planned, or reaches for what it may not.
    """
    if run is not None:
        allowed = _allow_private(request, access)
        job, data, findings = resumed_job(
            run, None, {}, accept_changes=False, to_accept=_TO_ACCEPT.format(run.timestring), allow_private=allowed
        )
        if request.restricted:
            check_access(job.settings, job.folder, access)
    else:
        job = read_request(request, access)
        if job.settings.anim.resume_from_timestring:
            timestring = job.settings.anim.resume_timestring.strip()
            parse_timestring(timestring)  # nothing but a timestring: the finder takes paths as well
            run = find_run(timestring, out)
            # Whoever fills in a form and says "resume" means the form.
            job, data, findings = resumed_with(run, job, accept_changes=True, allow_private=job.allow_private)
        else:
            data, findings = plan_job(job, seed=secrets.randbelow(2**32), models=models)
    _check_plan(request, job, data, access)
    return Prepared(job, data, findings, run)


def _check_plan(request: JobRequest, job: Job, data: RenderData, access: Access) -> None:
    if request.restricted:
        check_plan(data, job.folder, access)


def _allow_private(request: JobRequest, access: Access) -> bool:
    return access.allow_private or not request.restricted
