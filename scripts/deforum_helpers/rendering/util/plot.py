"""The plan as a picture: where the key frames are, and the series that move."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import RunError
from ...schedule.series import SERIES
from ..data.render_data import RenderData
from ..data.usage import is_used

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_SERIES = 10
"""Series drawn; more cannot be read on one page."""
_MIN_WIDTH, _MAX_WIDTH, _FRAMES_PER_INCH = 14.0, 36.0, 150
"""Width of the picture, inches: long plans get more room, as key frames closer than a pixel cannot be told apart."""
_MARGIN = 0.004
"""Blank share of the width on either side, so that the first and the last key frame are not on the edge."""
_KEY_COLOUR, _PARSEQ_COLOUR, _BEAT_COLOUR, _LINE_COLOUR = "#d1495b", "#00798c", "#9aa5b1", "#30475e"


def moving_series(data: RenderData) -> dict[str, NDArray[np.float64]]:
    """Numeric series that take part and change, by settings key, in the order of the settings."""
    moving = {}
    for spec in SERIES:
        values = data.series.get(spec.name)
        if isinstance(values, np.ndarray) and is_used(spec, data.settings) and np.ptp(values) > 0:
            moving[spec.settings_key] = values
    return moving


def plot_plan(data: RenderData, path: Path, *, title: str = "") -> Path:
    """Draw the plan: one row of diffused frames and Parseq keys, then a row per moving series, over time.

    Beats are drawn if the manifest has a bpm and they are far enough apart to be told from each other.

    Args:
        data: the plan.
        path: image to write; its suffix chooses the format.
        title: heading.

    Raises:
        RunError: matplotlib is missing, or the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise RunError("The plot needs matplotlib: pip install matplotlib.") from error
    series = dict(list(moving_series(data).items())[:_MAX_SERIES])
    width = min(max(data.max_frames / _FRAMES_PER_INCH, _MIN_WIDTH), _MAX_WIDTH)
    figure = Figure(figsize=(width, 2.4 + 1.15 * len(series)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    ratios = [1.1, *([1.0] * len(series))]
    rows = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios})[:, 0]
    _draw_keys(rows[0], data)
    for axes, (name, values) in zip(rows[1:], series.items(), strict=True):
        _draw_series(axes, data, name, values)
    for axes in rows:
        _draw_beats(axes, data)
    _draw_scales(rows[0], rows[-1], data)
    figure.align_ylabels(list(rows[1:]))
    figure.suptitle(title or _heading(data), fontsize=12)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise RunError(f"The plot could not be written to {path}: {error}") from error
    return path


def _heading(data: RenderData) -> str:
    return (
        f"{data.max_frames} frames, {len(data.keys)} diffused, {data.pseudo_cadence:.1f} frames per diffusion"
        f" - {data.distribution.value}, {data.alignment.value}"
    )


def _times(data: RenderData, frames: Any) -> NDArray[np.float64]:
    return np.asarray(frames, np.float64) / float(data.fps)


def _draw_scales(top: Axes, bottom: Axes, data: RenderData) -> None:
    """Seconds below, frames above."""
    fps, length = float(data.fps), float(data.duration)
    bottom.set_xlim(-_MARGIN * length, (1 + _MARGIN) * length)
    bottom.set_xlabel("seconds")
    frames = top.secondary_xaxis("top", functions=(partial(np.multiply, fps), partial(np.multiply, 1 / fps)))
    frames.set_xlabel("frame")
    frames.tick_params(labelsize=8)


def _line_width(data: RenderData) -> float:
    """Points: thinner where key frames are close, so that they do not run into one another."""
    return 0.5 if len(data.keys) > 400 else 0.9


def _draw_keys(axes: Axes, data: RenderData) -> None:
    width = _line_width(data)
    axes.eventplot(
        _times(data, data.key_frames), lineoffsets=1.5, linelengths=0.8, colors=_KEY_COLOUR, linewidths=width
    )
    names, places = ["diffused"], [1.5]
    if data.parseq is not None and data.parseq.key_frames:
        keys = [k for k in data.parseq.key_frames if k < data.max_frames]
        axes.eventplot(_times(data, keys), lineoffsets=0.5, linelengths=0.8, colors=_PARSEQ_COLOUR, linewidths=width)
        names, places = ["diffused", "Parseq keys"], [1.5, 0.5]
    axes.set_yticks(places, names, fontsize=9)
    axes.set_ylim(0 if len(places) > 1 else 1, 2)
    axes.tick_params(left=False)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _draw_series(axes: Axes, data: RenderData, name: str, values: NDArray[np.float64]) -> None:
    frames = np.arange(len(values))
    axes.plot(_times(data, frames), values, color=_LINE_COLOUR, linewidth=_line_width(data))
    keys = np.asarray(data.key_frames)
    size = 4 * _line_width(data)
    axes.plot(_times(data, keys), values[keys], linestyle="", marker=".", markersize=size, color=_KEY_COLOUR)
    axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_beats(axes: Axes, data: RenderData) -> None:
    bpm = data.parseq.bpm if data.parseq is not None else None
    if not bpm or bpm <= 0:
        return
    period, length = 60 / bpm, float(data.duration)
    beats = np.arange(math.ceil(length / period)) * period
    if len(beats) > 400:  # closer than this they would grey out the plot: bars of four instead
        beats = beats[::4]
    if len(beats) <= 400:
        for beat in beats:
            axes.axvline(beat, color=_BEAT_COLOUR, linewidth=0.5, alpha=0.6, zorder=0)
