"""Every scheduled value there is: what it is called in the plan, in settings files and in Parseq manifests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

SeriesKind = Literal["numeric", "text"]
SeriesGroup = Literal["anim", "looper", "controlnet"]

CONTROLNET_UNITS = 5
"""ControlNet units a settings file can hold, numbered from 1."""


@dataclass(frozen=True)
class SeriesSpec:
    """One scheduled value.

    Attributes:
        name: its name in the plan.
        settings_key: the setting that holds its schedule text.
        kind: whether its values are numbers or texts.
        parseq_field: the field of a Parseq frame that takes its place.
        delta: whether Parseq deltas apply: ``parseq_field`` with ``_delta`` appended is read if deltas are on.
        group: the part of the settings it belongs to.
    """

    name: str
    settings_key: str
    kind: SeriesKind
    parseq_field: str
    delta: bool
    group: SeriesGroup


_ANIM = (
    SeriesSpec("angle_series", "angle", "numeric", "angle", True, "anim"),
    SeriesSpec("transform_center_x_series", "transform_center_x", "numeric", "transform_center_x", False, "anim"),
    SeriesSpec("transform_center_y_series", "transform_center_y", "numeric", "transform_center_y", False, "anim"),
    SeriesSpec("zoom_series", "zoom", "numeric", "zoom", True, "anim"),
    SeriesSpec("translation_x_series", "translation_x", "numeric", "translation_x", True, "anim"),
    SeriesSpec("translation_y_series", "translation_y", "numeric", "translation_y", True, "anim"),
    SeriesSpec("translation_z_series", "translation_z", "numeric", "translation_z", True, "anim"),
    SeriesSpec("rotation_3d_x_series", "rotation_3d_x", "numeric", "rotation_3d_x", True, "anim"),
    SeriesSpec("rotation_3d_y_series", "rotation_3d_y", "numeric", "rotation_3d_y", True, "anim"),
    SeriesSpec("rotation_3d_z_series", "rotation_3d_z", "numeric", "rotation_3d_z", True, "anim"),
    SeriesSpec(
        "perspective_flip_theta_series", "perspective_flip_theta", "numeric", "perspective_flip_theta", True, "anim"
    ),
    SeriesSpec("perspective_flip_phi_series", "perspective_flip_phi", "numeric", "perspective_flip_phi", True, "anim"),
    SeriesSpec(
        "perspective_flip_gamma_series", "perspective_flip_gamma", "numeric", "perspective_flip_gamma", True, "anim"
    ),
    SeriesSpec("perspective_flip_fv_series", "perspective_flip_fv", "numeric", "perspective_flip_fv", False, "anim"),
    SeriesSpec("noise_schedule_series", "noise_schedule", "numeric", "noise", False, "anim"),
    SeriesSpec("strength_schedule_series", "strength_schedule", "numeric", "strength", False, "anim"),
    SeriesSpec("contrast_schedule_series", "contrast_schedule", "numeric", "contrast", False, "anim"),
    SeriesSpec("cfg_scale_schedule_series", "cfg_scale_schedule", "numeric", "scale", False, "anim"),
    SeriesSpec("ddim_eta_schedule_series", "ddim_eta_schedule", "numeric", "ddim_eta", False, "anim"),
    SeriesSpec("ancestral_eta_schedule_series", "ancestral_eta_schedule", "numeric", "ancestral_eta", False, "anim"),
    SeriesSpec(
        "pix2pix_img_cfg_scale_series",
        "pix2pix_img_cfg_scale_schedule",
        "numeric",
        "pix2pix_img_cfg_scale",
        False,
        "anim",
    ),
    SeriesSpec("subseed_schedule_series", "subseed_schedule", "numeric", "subseed", False, "anim"),
    SeriesSpec(
        "subseed_strength_schedule_series", "subseed_strength_schedule", "numeric", "subseed_strength", False, "anim"
    ),
    SeriesSpec("checkpoint_schedule_series", "checkpoint_schedule", "text", "checkpoint", False, "anim"),
    SeriesSpec("steps_schedule_series", "steps_schedule", "numeric", "steps_schedule", False, "anim"),
    SeriesSpec("seed_schedule_series", "seed_schedule", "numeric", "seed", False, "anim"),
    SeriesSpec("sampler_schedule_series", "sampler_schedule", "text", "sampler_schedule", False, "anim"),
    SeriesSpec("clipskip_schedule_series", "clipskip_schedule", "numeric", "clipskip", False, "anim"),
    SeriesSpec(
        "noise_multiplier_schedule_series", "noise_multiplier_schedule", "numeric", "noise_multiplier", False, "anim"
    ),
    SeriesSpec("mask_schedule_series", "mask_schedule", "text", "mask", False, "anim"),
    SeriesSpec("noise_mask_schedule_series", "noise_mask_schedule", "text", "noise_mask", False, "anim"),
    SeriesSpec("kernel_schedule_series", "kernel_schedule", "numeric", "antiblur_kernel", False, "anim"),
    SeriesSpec("sigma_schedule_series", "sigma_schedule", "numeric", "antiblur_sigma", False, "anim"),
    SeriesSpec("amount_schedule_series", "amount_schedule", "numeric", "antiblur_amount", False, "anim"),
    SeriesSpec("threshold_schedule_series", "threshold_schedule", "numeric", "antiblur_threshold", False, "anim"),
    SeriesSpec("aspect_ratio_series", "aspect_ratio_schedule", "numeric", "aspect_ratio", False, "anim"),
    SeriesSpec("fov_series", "fov_schedule", "numeric", "fov", False, "anim"),
    SeriesSpec("near_series", "near_schedule", "numeric", "near", False, "anim"),
    SeriesSpec(
        "cadence_flow_factor_schedule_series",
        "cadence_flow_factor_schedule",
        "numeric",
        "cadence_flow_factor",
        False,
        "anim",
    ),
    SeriesSpec(
        "redo_flow_factor_schedule_series", "redo_flow_factor_schedule", "numeric", "redo_flow_factor", False, "anim"
    ),
    SeriesSpec("far_series", "far_schedule", "numeric", "far", False, "anim"),
    SeriesSpec(
        "hybrid_comp_alpha_schedule_series", "hybrid_comp_alpha_schedule", "numeric", "hybrid_comp_alpha", False, "anim"
    ),
    SeriesSpec(
        "hybrid_comp_mask_blend_alpha_schedule_series",
        "hybrid_comp_mask_blend_alpha_schedule",
        "numeric",
        "hybrid_comp_mask_blend_alpha",
        False,
        "anim",
    ),
    SeriesSpec(
        "hybrid_comp_mask_contrast_schedule_series",
        "hybrid_comp_mask_contrast_schedule",
        "numeric",
        "hybrid_comp_mask_contrast",
        False,
        "anim",
    ),
    SeriesSpec(
        "hybrid_comp_mask_auto_contrast_cutoff_high_schedule_series",
        "hybrid_comp_mask_auto_contrast_cutoff_high_schedule",
        "numeric",
        "hybrid_comp_mask_auto_contrast_cutoff_high",
        False,
        "anim",
    ),
    SeriesSpec(
        "hybrid_comp_mask_auto_contrast_cutoff_low_schedule_series",
        "hybrid_comp_mask_auto_contrast_cutoff_low_schedule",
        "numeric",
        "hybrid_comp_mask_auto_contrast_cutoff_low",
        False,
        "anim",
    ),
    SeriesSpec(
        "hybrid_flow_factor_schedule_series",
        "hybrid_flow_factor_schedule",
        "numeric",
        "hybrid_flow_factor",
        False,
        "anim",
    ),
)

_LOOPER = (
    SeriesSpec("image_strength_schedule_series", "image_strength_schedule", "numeric", "strength", False, "looper"),
    SeriesSpec("blendFactorMax_series", "blendFactorMax", "numeric", "guided_blendFactorMax", False, "looper"),
    SeriesSpec("blendFactorSlope_series", "blendFactorSlope", "numeric", "guided_blendFactorSlope", False, "looper"),
    SeriesSpec(
        "tweening_frames_schedule_series",
        "tweening_frames_schedule",
        "numeric",
        "guided_tweening_frames",
        False,
        "looper",
    ),
    SeriesSpec(
        "color_correction_factor_series",
        "color_correction_factor",
        "numeric",
        "guided_color_correction_factor",
        False,
        "looper",
    ),
)

_CONTROLNET = tuple(
    SeriesSpec(
        f"cn_{unit}_{value}_schedule_series", f"cn_{unit}_{value}", "numeric", f"cn_{unit}_{value}", False, "controlnet"
    )
    for unit in range(1, CONTROLNET_UNITS + 1)
    for value in ("weight", "guidance_start", "guidance_end")
)

SERIES: tuple[SeriesSpec, ...] = (*_ANIM, *_LOOPER, *_CONTROLNET)
"""All of them, in the order of the settings."""

SERIES_BY_NAME: Mapping[str, SeriesSpec] = MappingProxyType({spec.name: spec for spec in SERIES})
SERIES_BY_KEY: Mapping[str, SeriesSpec] = MappingProxyType({spec.settings_key: spec for spec in SERIES})
"""By settings key; every key names one series."""
