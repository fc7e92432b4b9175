"""Which series take part in a render with given settings: those whose switch is on, if they have one, and whose rule
says so. One line per rule; series without a rule always take part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...schedule.series import SeriesSpec
from ...settings import uses
from ...settings.schema import Settings

Rule = Callable[[Settings], bool]


def is_used(spec: SeriesSpec, settings: Settings) -> bool:
    """Whether ``spec`` has an effect with ``settings``; a mistake in an unused schedule must not stop a render."""
    if spec.group == "looper":
        return uses.uses_guides(settings)
    if spec.group == "controlnet":
        return bool(settings.value(f"cn_{spec.settings_key.split('_')[1]}_enabled"))
    rule = _RULES.get(spec.settings_key)
    return not uses.switch_of(spec.settings_key, settings) and (rule is None or rule(settings))


def _mode(*modes: str) -> Rule:
    return lambda s: s.anim.animation_mode in modes


def _never(_: Settings) -> bool:
    return False


def _moving(s: Settings) -> bool:
    return s.anim.animation_mode != "Interpolation"


_2D, _3D, _2D_3D = _mode("2D"), _mode("3D"), _mode("2D", "3D")


_RULES: Mapping[str, Rule] = {
    "angle": _2D,
    "zoom": _2D,
    "transform_center_x": _2D,
    "transform_center_y": _2D,
    "translation_x": _2D_3D,
    "translation_y": _2D_3D,
    "translation_z": _3D,
    "rotation_3d_x": _3D,
    "rotation_3d_y": _3D,
    "rotation_3d_z": _3D,
    "perspective_flip_theta": _2D_3D,
    "perspective_flip_phi": _2D_3D,
    "perspective_flip_gamma": _2D_3D,
    "perspective_flip_fv": _2D_3D,
    "fov_schedule": _3D,
    "aspect_ratio_schedule": lambda s: _3D(s) and not s.anim.aspect_ratio_use_old_formula,
    "near_schedule": _never,
    "far_schedule": _never,
    "noise_schedule": _moving,
    "strength_schedule": lambda s: _moving(s) and not uses.uses_guides(s),
    "contrast_schedule": _moving,
    "amount_schedule": _moving,
    "kernel_schedule": _moving,
    "sigma_schedule": _moving,
    "threshold_schedule": _moving,
    "seed_schedule": lambda s: s.run.seed_behavior == "schedule" or uses.uses_guides(s),
    "noise_multiplier_schedule": _moving,
    "mask_schedule": uses.uses_mask,
    "cadence_flow_factor_schedule": uses.uses_flow_cadence,
    "redo_flow_factor_schedule": uses.uses_flow_redo,
    "hybrid_comp_alpha_schedule": uses.uses_composite,
    "hybrid_comp_mask_blend_alpha_schedule": uses.uses_composite,
    "hybrid_comp_mask_contrast_schedule": uses.uses_composite,
    "hybrid_comp_mask_auto_contrast_cutoff_high_schedule": uses.uses_composite,
    "hybrid_comp_mask_auto_contrast_cutoff_low_schedule": uses.uses_composite,
    "hybrid_flow_factor_schedule": uses.follows_flow,
}
