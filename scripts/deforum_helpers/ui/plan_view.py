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
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)


def plan_html(view: PlanView, chosen: str = MOVING) -> str:
    """Figures, drawing and findings of a plan.

    Args:
        view: the plan.
        chosen: settings key of the series to draw, or :data:`MOVING`.
    """
    findings = f"<h4>Checked</h4>{findings_html(view.findings, none='Nothing to complain about.')}"
    if view.data is None:
        return f'<div class="deforum-plan"><p>There is no plan yet: mend the errors below.</p>{findings}</div>'
    return (
        f'<div class="deforum-plan">{_figures(view.data, view.seconds)}{plan_svg(view.data, chosen)}'
        f"{_legend(view.data)}{findings}</div>"
    )


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


def plan_svg(data: RenderData, chosen: str = MOVING) -> str:
    """The plan over time: diffused frames, Parseq keys, the cadence grid, and series; a drawing that scales."""
    parts: list[str] = []
    top = _GAP
    for name, frames, style in _key_rows(data):
        frame = _frame(data, top, _ROW - 8)
        parts += [svg.text(_LEFT - 8, top + _ROW - 13, name, anchor="end"), svg.ticks(frame, frames, style)]
        top += _ROW
    series = _chosen_series(data, chosen)
    for name, values in series.items():
        top += _GAP
        parts.append(_series(data, name, values, top))
        top += _SERIES
    parts = [*_beats(data, top), *parts, *_time_axis(data, top)]
    label = f"{len(data.keys)} of {data.max_frames} frames are diffused; drawn are {', '.join(series) or 'no series'}"
    return svg.drawing(_WIDTH, top + 34, parts, label=label, style="deforum-plot")


def _frame(data: RenderData, top: float, height: float, low: float = 0.0, high: float = 1.0) -> svg.Frame:
    return svg.Frame(_LEFT, top, _WIDTH - _LEFT - _RIGHT, height, data.max_frames, low, high)


def _key_rows(data: RenderData) -> list[tuple[str, Sequence[int], str]]:
    rows: list[tuple[str, Sequence[int], str]] = [("Diffused", data.key_frames, "deforum-keys")]
    if data.parseq is not None and data.parseq.key_frames:
        keys = [key for key in data.parseq.key_frames if key < data.max_frames]
        rows.append(("Parseq keys", keys, "deforum-parseq"))
    if data.distribution.value != "Parseq Only" and data.cadence > 1:
        rows.append((f"Cadence {data.cadence}", range(0, data.max_frames, data.cadence), "deforum-grid"))
    return rows


def _chosen_series(data: RenderData, chosen: str) -> dict[str, NDArray[np.float64]]:
    if chosen in SERIES_BY_KEY:
        values = data.series.get(SERIES_BY_KEY[chosen].name)
        return {label_of(chosen): values} if isinstance(values, np.ndarray) else {}
    from ..rendering.util.plot import moving_series

    moving = list(moving_series(data).items())[:_MOST_SERIES]
    return {label_of(key): values for key, values in moving}


def _series(data: RenderData, name: str, values: NDArray[np.float64], top: float) -> str:
    low, high = svg.limits(values)
    frame = _frame(data, top, _SERIES, low, high)
    keys = np.array(data.key_frames, dtype=np.int64)
    shown = name if len(name) <= 18 else f"{name[:17]}…"
    parts = [
        f'<rect class="deforum-pane" x="{frame.left}" y="{top:.1f}" width="{frame.width}" height="{_SERIES}"/>',
        svg.text(_LEFT - 8, top + _SERIES / 2 + 4, shown, anchor="end"),
        svg.text(_LEFT - 8, top + 10, f"{high:.4g}", "deforum-tick", "end"),
        *([svg.text(_LEFT - 8, top + _SERIES, f"{low:.4g}", "deforum-tick", "end")] if high > low else []),
        svg.curve(frame, values, "deforum-curve"),
        *([svg.dots(frame, keys, values[keys], "deforum-dots")] if len(keys) < data.max_frames else []),
    ]
    return "".join(parts)


def _beats(data: RenderData, bottom: float) -> list[str]:
    bpm = data.parseq.bpm if data.parseq is not None else None
    if not bpm or bpm <= 0:
        return []
    step = 60 / bpm * float(data.fps)
    count = math.ceil(data.max_frames / step)
    if count > _MOST_BEATS:  # bars of four
        step, count = step * 4, count // 4
    if count > _MOST_BEATS:
        return []
    return [svg.ticks(_frame(data, _GAP, bottom - _GAP), [round(i * step) for i in range(count)], "deforum-beat")]


def _time_axis(data: RenderData, top: float) -> list[str]:
    seconds, fps = float(data.duration), float(data.fps)
    step = next((step for step in _STEPS if seconds / step <= 9), _STEPS[-1])
    at = [second * fps for second in range(0, int(seconds) + 1, step) if second * fps < data.max_frames]
    places = _frame(data, top, 4).x(at)
    marks = [svg.text(x, top + 16, f"{i * step} s", "deforum-tick", "middle") for i, x in enumerate(places)]
    frames = [svg.text(x, top + 30, f"{round(a)}", "deforum-tick", "middle") for x, a in zip(places, at, strict=True)]
    return [*marks, svg.text(_LEFT - 8, top + 30, "frame", "deforum-tick", "end"), *frames]


def _legend(data: RenderData) -> str:
    beats = " Grey lines are beats." if data.parseq is not None and data.parseq.bpm else ""
    return f'<p class="deforum-legend">Dots on a curve are the values that frames are diffused with.{beats}</p>'
