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
from ..rendering.util.support import support_findings
from ..resume import find_run, resumed_job, resumed_with
from ..settings.files import Loaded, settings_from
from ..settings.lint import lint_settings
from ..settings.schema import Settings
from ..web import is_url
from .access import Access, check_access
from .status import JobRequest

_NO_LIMITS = Access()


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
    """Look at a request as far as that needs no network; nothing is rendered.

    Returns:
        Warnings and notes.

    Raises:
        InputError: with all findings, if it cannot be run, or reaches for what it may not.
    """
    folder, loaded = _read(request, access)
    if is_url(loaded.settings.parseq.parseq_manifest):
        findings = (*loaded.findings, *lint_settings(loaded.settings, (folder,)))
        if any(finding.severity == "error" for finding in findings):
            raise InputError(findings)
        return findings
    job = job_of(loaded.settings, folder, loaded.findings, allow_private=_allow_private(request, access))
    return _with_support(job, plan_job(job)[1])


def _read(request: JobRequest, access: Access) -> tuple[Path, Loaded]:
    folder = (request.base_dir or Path.cwd()).resolve()
    loaded = settings_from(request.settings, base=Settings())
    if request.restricted:
        check_access(loaded.settings, folder, access)
    return folder, loaded


def prepare(request: JobRequest, out: Path, access: Access = _NO_LIMITS, run: RunFolder | None = None) -> Prepared:
    """Read and plan a request.

    Args:
        request: what was asked for.
        out: folder of all runs, where those to be resumed are looked for.
        access: what it may reach, if it is restricted.
        run: the run that goes on, with the settings kept with it; None for a new one, unless the settings say so.

    Raises:
        InputError: with all findings, if it cannot be planned, or reaches for what it may not.
    """
    if run is not None:
        allowed = _allow_private(request, access)
        job, data, findings = resumed_job(run, None, {}, accept_changes=False, allow_private=allowed)
        if request.restricted:
            check_access(job.settings, job.folder, access)
        return Prepared(job, data, _with_support(job, findings), run)
    job = read_request(request, access)
    if not job.settings.anim.resume_from_timestring:
        data, findings = plan_job(job, seed=secrets.randbelow(2**32))
        return Prepared(job, data, _with_support(job, findings))
    timestring = job.settings.anim.resume_timestring.strip()
    parse_timestring(timestring)  # nothing but a timestring: the finder takes paths as well
    run = find_run(timestring, out)
    # Whoever fills in a form and says "resume" means the form.
    job, data, findings = resumed_with(run, job, accept_changes=True)
    return Prepared(job, data, _with_support(job, findings), run)


def _allow_private(request: JobRequest, access: Access) -> bool:
    return access.allow_private or not request.restricted


def _with_support(job: Job, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return (*findings, *(f for f in support_findings(job.settings) if f.severity != "error"))
