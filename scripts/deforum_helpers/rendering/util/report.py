"""The plan as a table to read and as data to process."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from ...errors import Finding
from ..data.render_data import RenderData
from ..data.step.key_step import KeyStep

_KEY_FIELDS = (
    "index", "seed", "subseed", "subseed_strength", "strength", "cfg_scale", "steps", "sampler", "scheduler",
    "checkpoint", "clip_skip", "noise", "contrast", "prompt", "negative_prompt",
)  # fmt: skip
_SHOWN_KEYS = 12
"""Key frames listed in the table; the rest is counted."""


def plan_object(data: RenderData, findings: Iterable[Finding], *, with_series: bool = False) -> dict[str, Any]:
    """The plan as one JSON object.

    Returns:
        ``max_frames, fps, distribution, alignment, key_frames, pseudo_cadence, warnings, keys`` and, ``with_series``,
        ``series``: one list of numbers or texts per series, a value per frame. ``fps`` is a number; rates such as
        24000/1001 are rounded to double precision.
    """
    plan: dict[str, Any] = {
        "max_frames": data.max_frames,
        "fps": int(data.fps) if data.fps.denominator == 1 else float(data.fps),
        "width": data.width,
        "height": data.height,
        "seed": data.seed,
        "cadence": data.cadence,
        "distribution": data.distribution.value,
        "alignment": data.alignment.value,
        "key_frames": list(data.key_frames),
        "pseudo_cadence": data.pseudo_cadence,
        "warnings": [str(f) for f in findings],
        "keys": [_key_object(key) for key in data.keys],
    }
    if with_series:
        plan["series"] = {
            name: list(values) if isinstance(values, tuple) else [_json_number(v) for v in values.tolist()]
            for name, values in data.series.items()
        }
    return plan


def _json_number(value: float) -> float | None:
    """JSON has no infinities; they occur in schedules that take no part only."""
    return value if math.isfinite(value) else None


def _key_object(key: KeyStep) -> dict[str, Any]:
    values = asdict(key)
    return {name: values[name] for name in _KEY_FIELDS}


def plan_table(data: RenderData, findings: Sequence[Finding]) -> str:
    """The plan as text for a terminal."""
    return "\n\n".join(part for part in (_summary(data), _keys(data), _ownership(data), finding_list(findings)) if part)


def _summary(data: RenderData) -> str:
    frames, diffused = data.max_frames, len(data.keys)
    rows = [
        ("Frames", f"{frames} at {float(data.fps):g} fps = {float(data.duration):.2f} s, {data.width}×{data.height}"),
        ("Diffused", f"{diffused} ({diffused / frames:.0%})"),
        ("Tweens", str(frames - diffused)),
        ("Pseudo cadence", f"{data.pseudo_cadence:.2f} frames per diffusion"),
        ("Distribution", data.distribution.value + _grid_text(data)),
        ("Alignment", data.alignment.value),
        ("Longest gap", f"{_longest_gap(data)} frames"),
        ("Start seed", str(data.seed)),
    ]
    if data.parseq is not None:
        rows.append(("Parseq", _parseq_text(data)))
    return _aligned(rows)


def _grid_text(data: RenderData) -> str:
    return "" if data.distribution.value == "Parseq Only" else f" (cadence {data.cadence})"


def _longest_gap(data: RenderData) -> int:
    ends = [*data.key_frames[1:], data.max_frames]
    return max(end - key for key, end in zip(data.key_frames, ends, strict=True))


def _parseq_text(data: RenderData) -> str:
    use = data.parseq
    assert use is not None  # noqa: S101 - for the type checker; the caller has asked
    facts = [repr(use.title) if use.title else "untitled", f"{use.frames} frames", f"{len(use.key_frames)} key frames"]
    facts += [f"{float(use.fps):g} fps"] if use.fps else []
    facts += [f"{use.bpm:g} bpm"] if use.bpm else []
    return ", ".join(facts)


def _keys(data: RenderData) -> str:
    head = ("frame", "time", "strength", "seed", "cfg", "steps", "prompt")
    rows = [head, *(_key_row(data, key) for key in data.keys[:_SHOWN_KEYS])]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head) - 1)]
    lines = ["  ".join([*(c.rjust(w) for c, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]
    more = len(data.keys) - _SHOWN_KEYS
    return "\n".join(["Key frames", *lines, *([f"… and {more} more"] if more > 0 else [])])


def _key_row(data: RenderData, key: KeyStep) -> tuple[str, ...]:
    seconds = float(key.index / data.fps)
    prompt = " ".join(key.prompt.split())
    return (
        str(key.index),
        f"{math.floor(seconds / 60)}:{seconds % 60:06.3f}",
        f"{key.strength:.3f}",
        str(key.seed),
        f"{key.cfg_scale:g}",
        str(key.steps),
        prompt if len(prompt) <= 60 else prompt[:59] + "…",
    )


def _ownership(data: RenderData) -> str:
    if data.parseq is None:
        return ""
    mine = [row for row in data.parseq.ownership if row.managed_by == "Parseq"]
    named = ", ".join(row.parameter if row.parameter == row.field else f"{row.parameter} ({row.field})" for row in mine)
    return f"Managed by Parseq: {named or 'nothing'}\nManaged by Deforum: everything else"


def finding_list(findings: Sequence[Finding]) -> str:
    """Findings, the gravest first, one per line; empty if there are none."""
    order = ("error", "warning", "note")
    return "\n".join(f"{f.severity}: {f}" for severity in order for f in findings if f.severity == severity)


def _aligned(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in rows)
