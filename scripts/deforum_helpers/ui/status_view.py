"""How a job stands, as HTML: a bar with frame counts and time left, the newest frame, the finished video."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from ..jobs.status import JobStatus
from .findings_view import findings_html
from .plan_view import duration_text

IDLE = '<div id="deforum_progress_row" class="deforum-status"><p>Ready. Generate renders the animation.</p></div>'
_PHASES = {
    "QUEUED": "Waiting",
    "PREPARING": "Preparing",
    "GENERATING": "Rendering",
    "POST_PROCESSING": "Finishing the video",
    "DONE": "Done",
}


def status_html(jobs: Sequence[JobStatus]) -> str:
    """How jobs stand that were submitted together; ``data-live`` tells the script whether to go on asking."""
    if not jobs:
        return IDLE
    live = any(not job.is_over for job in jobs)
    current = current_job(jobs)
    lines = [_bar(current), f'<p role="status">{escape(_sentence(current, jobs))}</p>']
    lines += [f'<p class="deforum-message">{escape(_outcome(current))}</p>'] if current.is_over else []
    lines.append(_folder(current))
    lines.append(findings_html(f for f in current.findings if f.severity != "note"))
    return f'<div id="deforum_progress_row" class="deforum-status" data-live="{int(live)}">{"".join(lines)}</div>'


def current_job(jobs: Sequence[JobStatus]) -> JobStatus:
    """The one to look at: the first that is not over, else the last."""
    return next((job for job in jobs if not job.is_over), jobs[-1])


def picture_html(picture: bytes | None) -> str:
    """The newest frame, which exists for a moment only, so it travels inside the page."""
    if picture is None:
        return '<div class="deforum-picture deforum-blank">The picture appears here.</div>'
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    data = base64.b64encode(picture).decode("ascii")
    return f'<div class="deforum-picture"><img alt="Newest frame" src="data:image/{kind};base64,{data}"></div>'


def video_html(url: str, name: str) -> str:
    """A finished video, served as a file."""
    address, called = escape(url, quote=True), escape(name, quote=True)
    video = f'<video controls loop preload="metadata" src="{address}"></video>'
    link = f'<a href="{address}" download="{called}">Download {called}</a>'
    return f'<div class="deforum-picture">{video}</div><p class="deforum-links">{link}</p>'


def said_html(sentence: str) -> str:
    """What was just done."""
    return f'<p class="deforum-said" role="status">{escape(sentence)}</p>'


def _bar(job: JobStatus) -> str:
    done = 1.0 if job.status == "SUCCEEDED" else job.frame / job.frames if job.frames else 0.0
    return bar_html(done, job.status.lower())


def bar_html(done: float, kind: str) -> str:
    """A bar, ``done`` of it full; ``kind`` is how what it shows stands, for its colour."""
    facts = f'aria-label="Progress" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{round(100 * done)}"'
    inner = f'<span style="width:{done:.1%}"></span>'
    return f'<div class="deforum-bar deforum-{kind}" role="progressbar" {facts}>{inner}</div>'


def _sentence(job: JobStatus, jobs: Sequence[JobStatus]) -> str:
    parts = [_state(job)]
    if job.frames and job.status == "ACCEPTED" and job.phase == "GENERATING":
        parts.append(f"frame {job.frame} of {job.frames}")
        if job.seconds_left is not None and not job.paused:
            parts.append(f"{duration_text(job.seconds_left)} left")
    elif job.status == "ACCEPTED" and job.message:
        parts.append(job.message)
    elif job.is_over and job.frames:
        parts.append(f"{job.frame} of {job.frames} frames")
    if job.is_over and job.execution_time:
        parts.append(f"took {duration_text(job.execution_time)}")
    if len(jobs) > 1:
        over = sum(each.is_over for each in jobs)
        parts.append(f"{over} of {len(jobs)} runs over")
    return " · ".join(parts)


def _state(job: JobStatus) -> str:
    if job.status != "ACCEPTED":
        return {"SUCCEEDED": "Done", "FAILED": "Failed", "CANCELLED": "Stopped"}[job.status]
    if job.stopping:
        return "Stopping after this frame"
    if job.paused:
        return "Paused"
    if job.phase == "QUEUED" and job.position:
        return f"Waiting, {job.position} before it"
    return _PHASES[job.phase]


def _outcome(job: JobStatus) -> str:
    """What is worth knowing of a job that did not end well. How to go on is told in the words of this page."""
    how = "Resume Animation in the tab Run goes on with it." if job.resumable and job.timestring else ""
    if job.status == "CANCELLED":
        return f"All frames are kept. {how}" if job.frame else ""
    return f"{job.message or ''} {how}".strip() if job.status == "FAILED" else ""


def _folder(job: JobStatus) -> str:
    return f'<p class="deforum-folder">In {escape(job.outdir)}</p>' if job.outdir else ""
