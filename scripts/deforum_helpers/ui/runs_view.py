"""Past runs as HTML: a card each, and one run in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from .door import PastRun
from .plan_view import duration_text

Address = Callable[[Path], str]
"""Where the page finds a file."""


def gallery_html(runs: Sequence[PastRun], url: Address) -> str:
    """A card per run, which the script makes a choice."""
    if not runs:
        return '<p class="deforum-blank">There are no runs yet. Generate makes the first.</p>'
    return f'<div class="deforum-cards">{"".join(_card(run, url) for run in runs)}</div>'


def run_html(run: PastRun, url: Address) -> str:
    """One run: its video or a frame, and what is known of it."""
    shown = _picture(run, url) or "<p>No picture is left.</p>"
    if run.video is not None:
        shown = f'<video controls loop preload="metadata" src="{escape(url(run.video), quote=True)}"></video>'
    folder = f'<p class="deforum-folder">{escape(str(run.folder))}</p>'
    return f'<div class="deforum-picture">{shown}</div><p>{escape(_facts(run))}</p>{folder}'


def run_label(run: PastRun) -> str:
    """How a run is called in a list."""
    t = run.timestring
    moment = f"{t[:4]}-{t[4:6]}-{t[6:8]} {t[8:10]}:{t[10:12]}:{t[12:]}"
    return " · ".join([moment, run.name, *(["unfinished"] if run.unfinished else [])])


def _card(run: PastRun, url: Address) -> str:
    mark = '<span class="deforum-badge">unfinished</span>' if run.unfinished else ""
    picture = _picture(run, url) or '<span class="deforum-blank">no picture</span>'
    text = f"<span>{escape(run.name)}</span><small>{escape(_facts(run))}</small>"
    facts = f'data-run="{run.timestring}" title="{escape(run_label(run), quote=True)}"'
    return f'<button type="button" class="deforum-card" {facts}>{picture}{text}{mark}</button>'


def _picture(run: PastRun, url: Address) -> str:
    if run.picture is None:
        return ""
    return f'<img loading="lazy" alt="" src="{escape(url(run.picture), quote=True)}">'


def _facts(run: PastRun) -> str:
    parts = [f"{run.frames} frames"]
    parts += [f"took {duration_text(run.seconds)}"] if run.seconds is not None else []
    parts += ["can be resumed"] if run.unfinished else []
    return " · ".join(parts)
