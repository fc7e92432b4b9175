"""Whether two plans are the same render, and from which frame on they differ."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...schedule.series import SERIES, SERIES_BY_KEY
from ...settings.schema import SETTINGS, DeforumOutputArgs, InterfaceArgs
from ..data.render_data import RenderData
from ..data.schedule import Values
from ..data.usage import is_used

_WITHOUT_EFFECT = frozenset({"batch_name", "seed", "show_info_on_ui", "resume_from_timestring", "resume_timestring"})
"""Settings that change no frame by themselves; the seed is part of the key steps."""

_THROUGH_THE_PLAN = frozenset(
    {
        "max_frames", "diffusion_cadence", "neocore_key_index_distribution", "neocore_tween_alignment", "prompts",
        "animation_prompts_positive", "animation_prompts_negative", "seed_behavior", "seed_iter_N", "steps", "sampler",
        "scheduler", "parseq_manifest", "parseq_use_deltas", "parseq_non_schedule_overrides",
        "enable_steps_scheduling", "enable_subseed_scheduling", "enable_sampler_scheduling",
        "enable_checkpoint_scheduling", "enable_clipskip_scheduling", "enable_noise_multiplier_scheduling",
        "enable_ddim_eta_scheduling", "enable_ancestral_eta_scheduling",
    }
)  # fmt: skip
"""Settings whose whole effect is in the plan's keys, tweens and series."""


def plan_digest(data: RenderData) -> str:
    """A digest of all that decides what the frames are; equal for equal plans, on any machine."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (_setting_values(data), data.width, data.height, data.max_frames, data.keys, data.tweens):
        digest.update(repr(part).encode("utf-8", "surrogatepass"))
    for name, values in _used_series(data).items():
        digest.update(name.encode())
        digest.update(values.tobytes() if isinstance(values, np.ndarray) else repr(values).encode())
    return digest.hexdigest()


def changed_settings(old: RenderData, new: RenderData) -> tuple[str, ...]:
    """Keys whose values differ, without those that change no frame."""
    return tuple(key for key in _relevant_keys() if old.settings.value(key) != new.settings.value(key))


def first_difference(old: RenderData, new: RenderData) -> int | None:
    """The first frame that the two plans make in another way; None if there is none."""
    at_once = set(changed_settings(old, new)) - _THROUGH_THE_PLAN - SERIES_BY_KEY.keys()
    if at_once:
        return 0
    before, after = _used_series(old), _used_series(new)
    found = [_first_index(old.tweens, new.tweens), _first_index(_by_frame(old), _by_frame(new))]
    found += [_first_index(before.get(name, ()), after.get(name, ())) for name in {**before, **after}]
    return min((frame for frame in found if frame is not None), default=None)


def _relevant_keys() -> tuple[str, ...]:
    groups = {DeforumOutputArgs.__name__, InterfaceArgs.__name__}
    return tuple(key for key, s in SETTINGS.items() if s.group not in groups and key not in _WITHOUT_EFFECT)


def _setting_values(data: RenderData) -> dict[str, Any]:
    keys = (k for k in _relevant_keys() if k not in _THROUGH_THE_PLAN and k not in SERIES_BY_KEY)
    return {key: data.settings.value(key) for key in keys if SETTINGS[key].kind not in {"object", "path"}}


def _used_series(data: RenderData) -> dict[str, Values]:
    used = (spec.name for spec in SERIES if is_used(spec, data.settings))
    return {name: data.series[name] for name in used if name in data.series}


def _by_frame(data: RenderData) -> tuple[Any, ...]:
    """For each frame its key step, if it has one."""
    steps = {key.index: key for key in data.keys}
    return tuple(steps.get(frame) for frame in range(data.max_frames))


def _first_index(a: Values | Sequence[Any], b: Values | Sequence[Any]) -> int | None:
    differing = (n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y)
    shorter = min(len(a), len(b)) if len(a) != len(b) else None
    return next(differing, shorter)
