"""Settings files of earlier versions and other forks, brought up to date.

A chain of small steps, each ``object -> (object, findings)``: older names, older values, the single-unit ControlNet,
numbers that have become schedules, samplers by index or by other names. Where a file holds both the older and the
present key, the present one counts. What cannot be translated stays as it is and ends up in ``Settings.extra``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ..errors import Finding
from .reading import Data
from .schema import Value
from .schema.controlnet import UNITS
from .schema.samplers import SAMPLERS

Step: TypeAlias = Callable[[Data], tuple[Data, tuple[Finding, ...]]]

NEWEST_KEY = "neocore_tween_alignment"
"""A key that only files of this version hold."""

RENAMED: Mapping[str, str] = {
    "width": "W",
    "height": "H",
    "sampler_name": "sampler",
    "flip_2d_perspective": "enable_perspective_flip",
    "skip_video_for_run_all": "skip_video_creation",
    "positive_prompts": "animation_prompts_positive",
    "negative_prompts": "animation_prompts_negative",
    "parseq_key_frame_redistribution": "neocore_key_index_distribution",
    "controlnet_enabled": "cn_1_enabled",
    "controlnet_lowvram": "cn_1_low_vram",
    "controlnet_module": "cn_1_module",
    "controlnet_model": "cn_1_model",
    "controlnet_weight": "cn_1_weight",
    "controlnet_guidance_strength": "cn_1_guidance_end",
    "controlnet_processor_res": "cn_1_processor_res",
    "controlnet_threshold_a": "cn_1_threshold_a",
    "controlnet_threshold_b": "cn_1_threshold_b",
    "controlnet_resize_mode": "cn_1_resize_mode",
}
"""Older name of a key -> present name."""

_ORDINARY = frozenset({"positive_prompts", "negative_prompts"})
"""Renamed keys that are no sign of age: the files of single runs have them."""

NUMBERS_NOW_SCHEDULES: Mapping[str, str] = {
    "near_plane": "near_schedule",
    "far_plane": "far_schedule",
    "fov": "fov_schedule",
    "scale": "cfg_scale_schedule",
    "ddim_eta": "ddim_eta_schedule",
}
"""Key of a single number -> key of the schedule that has replaced it."""

_SWITCHED_FLOW = {"false": "None", "0": "None", "true": "DIS Fine", "1": "DIS Fine"}
_RESIZE_MODES = {
    "envelope (outer fit)": "Outer Fit (Shrink to Fit)",
    "scale to fit (inner fit)": "Inner Fit (Scale to Fit)",
}

VALUE_MAPS: Mapping[str, Mapping[str, str]] = {
    "color_coherence": {
        "match frame 0 hsv": "HSV",
        "match frame 0 lab": "LAB",
        "match frame 0 rgb": "RGB",
    },
    "hybrid_composite": {"false": "None", "0": "None", "true": "Normal", "1": "Normal"},
    "optical_flow_redo_generation": _SWITCHED_FLOW,
    "optical_flow_cadence": _SWITCHED_FLOW,
    "frame_interpolation_engine": {f"rife v4.{minor}": "RIFE v4.6" for minor in range(6)},
    "add_soundtrack": {"false": "None", "true": "File"},
    "neocore_key_index_distribution": {
        "parseq only (no cadence)": "Parseq Only",
        "parseq_only": "Parseq Only",
        "uniform with parseq (pseudo-cadence)": "Uniform with Parseq",
        "uniform_with_parseq": "Uniform with Parseq",
        "off": "Uniform Spacing",
        "none": "Uniform Spacing",
    },
    **{f"cn_{unit}_resize_mode": _RESIZE_MODES for unit in range(1, UNITS + 1)},
}
"""Key -> older value, in lower case -> present value."""

INDEXED_SAMPLERS = (
    "Euler a",
    "Euler",
    "LMS",
    "Heun",
    "DPM2",
    "DPM2 a",
    "DPM++ 2S a",
    "DPM++ 2M",
    "DPM++ SDE",
    "DPM fast",
    "DPM adaptive",
    "LMS Karras",
    "DPM2 Karras",
    "DPM2 a Karras",
    "DPM++ 2S a Karras",
    "DPM++ 2M Karras",
    "DPM++ SDE Karras",
    "DDIM",
)
"""The web UI's img2img samplers of late 2022, when settings files named them by index."""

K_DIFFUSION: Mapping[str, str] = {
    "euler_ancestral": "Euler a",
    "euler_a": "Euler a",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "dpm2_ancestral": "DPM2 a",
    "dpm2_a": "DPM2 a",
    "dpm_fast": "DPM fast",
    "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_a": "DPM++ 2S a",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "uni_pc": "UniPC",
}
"""A sampler's name in k-diffusion and its relatives -> in the web UI."""

_PREFIX = re.compile(r"^(sample_|k_)")
_SUFFIX = re.compile(r"_(gpu|karras|ka)$")


_EVERY_FILE = frozenset(
    {
        *("W", "H", "seed", "sampler", "steps", "animation_mode", "max_frames", "border", "angle", "zoom"),
        *("noise_schedule", "strength_schedule", "contrast_schedule", "color_coherence", "diffusion_cadence"),
    }
)
"""Some of the keys that every version of the original writes, by their present names."""


def is_whole_file(data: Mapping[str, Value]) -> bool:
    """Whether ``data`` is all of a settings file that some version of the original has written, not a few keys of it.

    Only then does a missing key tell the age of the file.
    """
    return {RENAMED.get(key, key) for key in data} >= _EVERY_FILE


def modernise(data: Mapping[str, Value], *, whole_file: bool) -> tuple[Data, tuple[Finding, ...]]:
    """Return ``data`` with today's keys and values, and what there is to say about the changes.

    Args:
        data: an object as read from a settings file, or some of its keys.
        whole_file: whether a missing key means that the file is older than the key. Settings files of before
            ``legacy_colormatch`` are meant to be rendered with it switched on.
    """
    result: Data = dict(data)
    findings: list[Finding] = []
    for step in _STEPS:
        result, found = step(result)
        findings.extend(found)
    if whole_file and "legacy_colormatch" not in result:
        result["legacy_colormatch"] = True
        message = "is not in the file, which is therefore taken to be older than this setting: switched on."
        findings.append(Finding("note", message, key="legacy_colormatch"))
    return result, tuple(findings)


def _typed_prompts(data: Data) -> tuple[Data, tuple[Finding, ...]]:
    """The text box of the page is stored by some versions beside the prompts, and is what they load."""
    rest = _without(data, "animation_prompts")
    if data.get("animation_prompts") is None:
        return rest, ()
    return {**rest, "prompts": data["animation_prompts"]}, ()


def _merged_prompts(data: Data) -> tuple[Data, tuple[Finding, ...]]:
    """Files of single runs used to hold the prompts with positive and negative text already added.

    Taken off again, so that it is not added twice. Files of this version hold the prompts as they were typed.
    """
    prompts = data.get("prompts")
    if "positive_prompts" not in data or NEWEST_KEY in data or not isinstance(prompts, dict) or not prompts:
        return data, ()
    before = f"{data['positive_prompts'] or ''} "
    after = f" {str(data.get('negative_prompts') or '').replace('--neg', '').strip()}"
    texts = [str(prompt) for prompt in prompts.values()]
    if not all(text.startswith(before) and text.rstrip().endswith(after.rstrip()) for text in texts):
        return data, ()
    bare = {frame: _unmerged(str(prompt), before, after) for frame, prompt in prompts.items()}
    message = "the positive and negative text, already part of each prompt in this file of a run, was separated again."
    return {**data, "prompts": bare}, (Finding("note", message, key="prompts"),)


def _unmerged(text: str, before: str, after: str) -> str:
    bare = text[len(before) :].rstrip().removesuffix(after.rstrip()).rstrip()
    # "--neg" was put between unless the prompt had one; then there is something behind it.
    return bare.removesuffix("--neg").rstrip()


def _renamed(data: Data) -> tuple[Data, tuple[Finding, ...]]:
    old = [key for key in data if key in RENAMED]
    result = _without(data, *old)
    for key in old:
        result.setdefault(RENAMED[key], data[key])
    telling = [f"{key} as {RENAMED[key]}" for key in old if key not in _ORDINARY]
    if not telling:
        return result, ()
    return result, (Finding("note", f"older names were read: {', '.join(telling)}."),)


def _depth_switch(data: Data) -> tuple[Data, tuple[Finding, ...]]:
    old = str(data.get("use_zoe_depth")).lower()
    if old not in ("true", "false"):
        return data, ()
    algorithm = "Zoe+AdaBins (old)" if old == "true" else "Midas+AdaBins (old)"
    return {"depth_algorithm": algorithm, **_without(data, "use_zoe_depth")}, ()


def _guess_modes(data: Data) -> tuple[Data, tuple[Finding, ...]]:
    result = dict(data)
    for unit in range(1, UNITS + 1):
        guess = result.pop(f"cn_{unit}_guess_mode", None)
        if guess is not None:
            mode = "ControlNet is more important" if str(guess).lower() in ("true", "1") else "Balanced"
            result.setdefault(f"cn_{unit}_control_mode", mode)
    return result, ()


def _single_numbers(data: Data) -> tuple[Data, tuple[Finding, ...]]:
    old = [key for key, new in NUMBERS_NOW_SCHEDULES.items() if new not in data and _is_number(data.get(key))]
    if not old:
        return data, ()
    schedules = {NUMBERS_NOW_SCHEDULES[key]: f"0: ({data[key]})" for key in old}
    result = {**_without(data, *old), **schedules}
    if "ddim_eta" in old:
        result.setdefault("enable_ddim_eta_scheduling", data["ddim_eta"] != 0)
    telling = ", ".join(f"{key} as {NUMBERS_NOW_SCHEDULES[key]}" for key in old)
    return result, (Finding("note", f"single numbers were read as schedules: {telling}."),)


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _older_values(data: Data) -> tuple[Data, tuple[Finding, ...]]:
    result = dict(data)
    for key, values in VALUE_MAPS.items():
        if key in data:
            result[key] = values.get(str(data[key]).strip().lower(), data[key])
    return result, ()


def _sampler(data: Data) -> tuple[Data, tuple[Finding, ...]]:
    """Give a sampler that is an index or a k-diffusion name its name in the web UI.

    Names such as "DPM++ 2M Karras" stay whole: the original knows no other way to ask for Karras, and engines
    understand both.
    """
    raw = data.get("sampler")
    name = _sampler_name(raw)
    if name is None or name == raw:
        return data, ()
    return {**data, "sampler": name}, (Finding("note", f"{raw!r} was read as {name}.", key="sampler"),)


def _sampler_name(raw: Value) -> str | None:
    if isinstance(raw, str) and not raw.strip().isdecimal():
        return raw.strip() if "_" not in raw else _k_diffusion_name(raw.strip())
    names = {str(index): name for index, name in enumerate(INDEXED_SAMPLERS)}
    return names.get(str(raw).strip())


def _k_diffusion_name(text: str) -> str:
    bare = _PREFIX.sub("", text.lower())
    core = _SUFFIX.sub("", bare)
    by_lower = {sampler.lower(): sampler for sampler in SAMPLERS}
    name = K_DIFFUSION.get(core, by_lower.get(core, ""))
    if not name:
        return text
    return f"{name} Karras" if bare.endswith(("_karras", "_ka")) else name


def _histogram_matching(data: Data) -> tuple[Data, tuple[Finding, ...]]:
    if not data.get("histogram_matching"):
        return data, ()
    message = "no longer exists and has no effect."
    return data, (Finding("warning", message, key="histogram_matching", hint="See color_coherence."),)


def _without(data: Mapping[str, Value], *keys: str) -> Data:
    return {key: value for key, value in data.items() if key not in keys}


_STEPS: tuple[Step, ...] = (
    _typed_prompts,
    _merged_prompts,
    _renamed,
    _depth_switch,
    _guess_modes,
    _single_numbers,
    _older_values,
    _sampler,
    _histogram_matching,
)

NOT_MISSPELT = frozenset({"prompt", "colorCorrectionFactor", "tweeningFrameSchedule"})
"""Keys left behind by runs of earlier versions, which only look like misspelt settings."""
