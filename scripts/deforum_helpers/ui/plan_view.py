"""The plan as HTML: figures, a drawing of key frames and series over time, the manifest, and all findings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..schedule.catalogue import SERIES_BY_KEY
from ..settings.schema import SETTINGS
from . import svg
from .door import PlanView
from .findings_view import findings_html, jump, label_of
from .tree import elem_id

if TYPE_CHECKING:
    from ..rendering.data.render_data import RenderData

MOVING = "All that move"
"""The choice that draws every series that changes."""

_WIDTH, _LEFT, _RIGHT = 760.0, 128.0, 10.0
_ROW, _SERIES, _GAP = 26.0, 62.0, 10.0
_MOST_SERIES = 6
_MOST_BEATS = 500
_TINY = 1e-9
_STEPS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)


def plan_html(view: PlanView, chosen: str = MOVING, shown: tuple[int, int] | None = None) -> str:
    """Figures, drawing and findings of a plan.

    Args:
        view: the plan.
        chosen: settings key of the series to draw, or :data:`MOVING`.
        shown: first and last frame to draw; None for all.
    """
    findings = f"<h4>Checked</h4>{findings_html(view.findings, none='Nothing to complain about.')}"
    if view.data is None:
        return f'<div class="deforum-plan"><p>There is no plan yet: mend the errors below.</p>{findings}</div>'
    window = _window(shown, view.data.max_frames)
    return (
        f'<div class="deforum-plan">{_figures(view.data, view.seconds)}{_zoom(window, view.data.max_frames)}'
        f"{plan_svg(view.data, chosen, window)}{_legend(view.data)}{findings}</div>"
    )


def _window(shown: tuple[int, int] | None, frames: int) -> range:
    """The frames to draw, two at least where there are as many."""
    first, last = shown or (0, frames - 1)
    first = min(max(first, 0), max(frames - 2, 0))
    return range(first, min(max(last, first + 1), frames - 1) + 1)


def _zoom(window: range, frames: int) -> str:
    """Buttons that the script answers by asking for other frames."""
    buttons = (("out", "−", "Zoom out"), ("in", "+", "Zoom in"), ("back", "‹", "Earlier"), ("on", "›", "Later"))
    whole = len(window) == frames
    made = "".join(
        f'<button type="button" data-zoom="{name}" aria-label="{label}" title="{label}"'
        f"{' disabled' if whole and name != 'in' else ''}>{sign}</button>"
        for name, sign, label in buttons
    )
    said = "All frames" if whole else f"Frames {window[0]} to {window[-1]}"
    reset = f'<button type="button" data-zoom="all"{" disabled" if whole else ""}>Show all</button>'
    facts = f'data-first="{window[0]}" data-last="{window[-1]}" data-frames="{frames}"'
    return f'<div class="deforum-zoom" {facts}>{made}{reset}<span>{said}</span></div>'


def series_choices() -> dict[str, str]:
    """Label → settings key of the series that can be drawn, :data:`MOVING` first."""
    numeric = [spec for spec in SERIES_BY_KEY.values() if spec.kind == "numeric"]
    return {MOVING: MOVING, **{label_of(spec.settings_key): spec.settings_key for spec in numeric}}


def manifest_html(view: PlanView) -> str:
    """What a Parseq manifest brings, as a list; empty without one."""
    if view.data is None:
        errors = [finding for finding in view.findings if finding.severity == "error"]
        return findings_html(errors)
    use = view.data.parseq
    if use is None:
        return ""
    facts = [
        ("Manifest frames", str(use.frames)),
        ("Its fps", f"{float(use.fps):g}" if use.fps else "not given"),
        ("Its bpm", f"{use.bpm:g}" if use.bpm else "not given"),
        ("Key frames", str(len(use.key_frames)) if use.key_frames else "none listed"),
    ]
    cells = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    mine = ", ".join(jump(key) for key in _managed(view))
    managed = f"<p>Managed by Parseq: {mine or 'nothing'}. Deforum manages everything else.</p>"
    title = f"<p><b>Parseq: {escape(use.title or 'untitled')}</b></p>"
    return f'<div class="deforum-manifest">{title}<dl class="deforum-figures">{cells}</dl>{managed}</div>'


def managed_fields(view: PlanView) -> list[str]:
    """Element ids of the fields whose values come from the manifest."""
    return [elem_id(key) for key in _managed(view)]


def _managed(view: PlanView) -> list[str]:
    rows = view.data.parseq.ownership if view.data is not None and view.data.parseq is not None else ()
    return [row.parameter for row in rows if row.managed_by == "Parseq" and row.parameter in SETTINGS]


def duration_text(seconds: float) -> str:
    """``1:05`` or ``2:03:04``."""
    whole = max(round(seconds), 0)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _figures(data: RenderData, seconds: float | None) -> str:
    gaps = np.diff([*data.key_frames, data.max_frames])
    facts = [
        ("Frames", f"{data.max_frames}"),
        ("Length", f"{float(data.duration):.1f} s at {float(data.fps):g} fps"),
        ("Diffused", f"{len(data.keys)} ({len(data.keys) / data.max_frames:.0%})"),
        ("Pseudo cadence", f"{data.pseudo_cadence:.2f}"),
        ("Longest gap", f"{int(gaps.max())} frame{'' if gaps.max() == 1 else 's'}"),
        ("Expected time", "known after a run" if seconds is None else f"about {duration_text(seconds)}"),
    ]
    cells = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f'<dl class="deforum-figures">{cells}</dl>'


def plan_svg(data: RenderData, chosen: str = MOVING, window: range | None = None) -> str:
    """The plan over time: diffused frames, Parseq keys, the cadence grid, and series; a drawing that scales.

    Args:
        data: the plan.
        chosen: settings key of the series to draw, or :data:`MOVING`.
        window: the frames to draw; None for all.
    """
    window = window or range(data.max_frames)
    parts: list[str] = []
    top = _GAP
    for name, frames, style in _key_rows(data):
        frame = _frame(window, top, _ROW - 8)
        seen = [at for at in frames if at in window]
        parts += [svg.text(_LEFT - 8, top + _ROW - 13, name, anchor="end"), svg.ticks(frame, seen, style)]
        top += _ROW
    series = _chosen_series(data, chosen)
    for name, values in series.items():
        top += _GAP
        parts.append(_series(data, name, values, top, window))
        top += _SERIES
    parts = [*_beats(data, top, window), *parts, *_time_axis(data, top, window)]
    label = f"{len(data.keys)} of {data.max_frames} frames are diffused; drawn are {', '.join(series) or 'no series'}"
    return svg.drawing(_WIDTH, top + 34, parts, label=label, style="deforum-plot")


def _frame(window: range, top: float, height: float, low: float = 0.0, high: float = 1.0) -> svg.Frame:
    return svg.Frame(_LEFT, top, _WIDTH - _LEFT - _RIGHT, height, len(window), low, high, first=window[0])


def _key_rows(data: RenderData) -> list[tuple[str, Sequence[int], str]]:
    rows: list[tuple[str, Sequence[int], str]] = [("Diffused", data.key_frames, "deforum-keys")]
    if data.parseq is not None and data.parseq.key_frames:
        rows.append(("Parseq keys", data.parseq.key_frames, "deforum-parseq"))
    if data.distribution.value != "Parseq Only" and data.cadence > 1:
        rows.append((f"Cadence {data.cadence}", range(0, data.max_frames, data.cadence), "deforum-grid"))
    return rows


def _chosen_series(data: RenderData, chosen: str) -> dict[str, NDArray[np.float64]]:
    from ..rendering.util.plot import moving_series

    if chosen in SERIES_BY_KEY:
        values = data.series.get(SERIES_BY_KEY[chosen].name)
        return {label_of(chosen): values} if isinstance(values, np.ndarray) else {}
    moving = list(moving_series(data).items())[:_MOST_SERIES]
    return {label_of(key): values for key, values in moving}


def _series(data: RenderData, name: str, values: NDArray[np.float64], top: float, window: range) -> str:
    low, high = svg.limits(values)
    frame = _frame(window, top, _SERIES, low, high)
    keys = np.array([key for key in data.key_frames if key in window], dtype=np.int64)
    shown = name if len(name) <= 18 else f"{name[:17]}…"
    parts = [
        f'<rect class="deforum-pane" x="{frame.left}" y="{top:.1f}" width="{frame.width}" height="{_SERIES}"/>',
        svg.text(_LEFT - 8, top + _SERIES / 2 + 4, shown, anchor="end"),
        svg.text(_LEFT - 8, top + 10, f"{high:.4g}", "deforum-tick", "end"),
        *([svg.text(_LEFT - 8, top + _SERIES, f"{low:.4g}", "deforum-tick", "end")] if high > low else []),
        svg.curve(frame, values[window[0] : window[-1] + 1], "deforum-curve"),
        *([svg.dots(frame, keys, values[keys], "deforum-dots")] if len(data.keys) < data.max_frames else []),
    ]
    return "".join(parts)


def _beats(data: RenderData, bottom: float, window: range) -> list[str]:
    bpm = data.parseq.bpm if data.parseq is not None else None
    if not bpm or bpm <= 0:
        return []
    step = 60 / bpm * float(data.fps)
    if len(window) / step > _MOST_BEATS:
        step *= 4  # bars of four
    if len(window) / step > _MOST_BEATS:
        return []
    beats = range(math.ceil(window[0] / step), math.floor(window[-1] / step) + 1)
    seen = [at for at in (round(beat * step) for beat in beats) if at in window]
    return [svg.ticks(_frame(window, _GAP, bottom - _GAP), seen, "deforum-beat")]


def _time_axis(data: RenderData, top: float, window: range) -> list[str]:
    fps = float(data.fps)
    step = next((step for step in _STEPS if len(window) / fps / step <= 9), _STEPS[-1])
    begin, end = math.ceil(window[0] / fps / step - _TINY), math.floor(window[-1] / fps / step + _TINY)
    times = [i * step for i in range(begin, end + 1)]
    places = _frame(window, top, 4).x([time * fps for time in times])
    named = list(zip(places, times, strict=True))
    marks = [svg.text(x, top + 16, f"{time:g} s", "deforum-tick", "middle") for x, time in named]
    frames = [svg.text(x, top + 30, f"{round(time * fps)}", "deforum-tick", "middle") for x, time in named]
    return [*marks, svg.text(_LEFT - 8, top + 30, "frame", "deforum-tick", "end"), *frames]


def _legend(data: RenderData) -> str:
    beats = " Grey lines are beats." if data.parseq is not None and data.parseq.bpm else ""
    return f'<p class="deforum-legend">Dots on a curve are the values that frames are diffused with.{beats}</p>'
