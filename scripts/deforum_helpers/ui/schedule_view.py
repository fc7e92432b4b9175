"""What stands below a box with a schedule, prompts or JSON: a small drawing of its values, or what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from ..errors import Finding, InputError
from ..parseq.columns import MAX_FRAMES
from ..schedule.prompts import prompt_series
from ..schedule.series import numeric_series, text_series
from ..settings.coercion import coerce
from ..settings.schema import SETTINGS
from . import svg
from .findings_view import findings_html
from .pictures_view import pictures_html
from .tree import CHECKED
from .uploads import SHOWN

_WIDTH, _HEIGHT, _MARGIN = 600.0, 44.0, 4.0
_SHOWN_TEXTS = 60


def schedule_html(key: str, text: str, *, max_frames: int, seed: int) -> str:
    """The view of a setting.

    Args:
        key: of the setting, whose kind is one of ``tree.CHECKED``.
        text: what stands in its box.
        max_frames: number of frames.
        seed: the value of ``s``.

    Returns:
        HTML; empty if there is nothing to show, as for a schedule that holds one number throughout.
    """
    draw = _DRAW[SETTINGS[key].kind]
    try:
        return draw(key, text, min(max(max_frames, 1), MAX_FRAMES), max(seed, 0))
    except InputError as error:
        return findings_html(error.findings)


def _numbers(key: str, text: str, max_frames: int, seed: int) -> str:
    result = numeric_series(text, max_frames=max_frames, seed=seed, key=key)
    values, notes = result.values, findings_html(_told(result.findings))
    if not np.isfinite(values).all():
        first = int(np.flatnonzero(~np.isfinite(values))[0])
        notes += findings_html([Finding("error", "the value is no number here.", key, first)])
    low, high = svg.limits(values)
    if low == high:
        return notes
    frame = svg.Frame(0, _MARGIN, _WIDTH, _HEIGHT - 2 * _MARGIN, max_frames, low, high)
    label = f"from {values[0]:.4g} to {values[-1]:.4g}, lowest {low:.4g}, highest {high:.4g}"
    line = svg.curve(frame, values, "deforum-curve")
    drawn = svg.drawing(_WIDTH, _HEIGHT, [line], label=label, style="deforum-sparkline", stretched=True)
    return f'<div class="deforum-range"><span>{high:.4g}</span><span>{low:.4g}</span></div>{drawn}{notes}'


def _texts(key: str, text: str, max_frames: int, seed: int) -> str:
    result = text_series(text, max_frames=max_frames, seed=seed, key=key)
    return _stripes(_runs(result.values), max_frames) + findings_html(_told(result.findings))


def _prompts(key: str, text: str, max_frames: int, seed: int) -> str:
    prompts, found = coerce(SETTINGS[key], text)
    if not prompts:
        return findings_html(found)
    schedule = prompt_series(prompts, max_frames=max_frames, seed=seed)
    starts = [(start, _words(t.text)) for start, t in zip(schedule.frames, schedule.templates, strict=True)]
    stripes = _stripes([start for start in starts if start[0] < max_frames], max_frames)
    return stripes + findings_html(_told((*found, *schedule.findings)))


def _words(prompt: str) -> str:
    """A prompt on one line, without a negative part that says nothing."""
    return " ".join(prompt.split()).removesuffix("--neg").rstrip()


_DRAW: Mapping[str, Callable[[str, str, int, int], str]] = {
    "schedule": _numbers,
    "text_schedule": _texts,
    "prompts": _prompts,
}


def _told(findings: Sequence[Finding]) -> list[Finding]:
    """Notes are kept for the list of all findings; beside a box they would only be in the way."""
    return [finding for finding in findings if finding.severity != "note"]


def _runs(values: Sequence[str]) -> list[tuple[int, str]]:
    return [(i, value) for i, value in enumerate(values) if i == 0 or values[i - 1] != value]


def _stripes(starts: Sequence[tuple[int, str]], max_frames: int) -> str:
    """One stripe per text, as long as the text holds; none for a single one."""
    if len(starts) < 2 or len(starts) > _SHOWN_TEXTS:
        return ""
    ends = [*(start for start, _ in starts[1:]), max_frames]
    spans = [
        f'<span style="flex-grow:{end - start}" title="{start}: {escape(words, quote=True)}">'
        f"<b>{start}</b> {escape(words[:80])}</span>"
        for (start, words), end in zip(starts, ends, strict=True)
    ]
    return f'<div class="deforum-stripes">{"".join(spans)}</div>'


def schedule_reply(query: str, url: Callable[[Path], str]) -> str:
    """Answer the page: many boxes at once.

    Args:
        query: JSON object ``{"max_frames": 120, "seed": 1, "boxes": {"zoom": "0: (1)"}, "at": 1}``.
        url: where the page finds a file.

    Returns:
        JSON object ``{"at": 1, "views": {"zoom": "…"}}``. Boxes that are unknown are left out; ``at`` comes back, so
        that no two answers are the same text.
    """
    asked = json.loads(query)
    max_frames, seed = _whole(asked.get("max_frames"), 120), _whole(asked.get("seed"), 0)
    boxes = {key: str(text) for key, text in asked.get("boxes", {}).items() if key in SETTINGS}
    views = {
        key: schedule_html(key, text, max_frames=max_frames, seed=seed)
        for key, text in boxes.items()
        if SETTINGS[key].kind in CHECKED
    }
    views |= {key: pictures_html(key, text, url) for key, text in boxes.items() if key in SHOWN}
    return json.dumps({"at": asked.get("at"), "views": views})


def _whole(value: object, otherwise: int) -> int:
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return otherwise
