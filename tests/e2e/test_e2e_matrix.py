"""Every mode with every choice of key frames and every image stage: all frames come, or a sentence says why not."""

from __future__ import annotations

import numpy as np
import pytest
from matrix_parts import FRAMES, HEIGHT, WIDTH, choice_values, outcome, pairwise_rows, write_inputs

MODES = {
    "2D": {"animation_mode": "2D"},
    "3D flat": {"animation_mode": "3D", "use_depth_warping": False},
    "3D depth": {"animation_mode": "3D", "use_depth_warping": True},
    "Video Input": {"animation_mode": "Video Input"},
    "Interpolation": {"animation_mode": "Interpolation", "prompts": {"0": "a cat", "12": "a dog"}},
}
MANIFESTS = {
    "no manifest": {},
    "Parseq Only": {"parseq_manifest": "parseq.json", "neocore_key_index_distribution": "Parseq Only"},
    "Uniform with Parseq": {"parseq_manifest": "parseq.json", "neocore_key_index_distribution": "Uniform with Parseq"},
}
COHERENCES = ("None", "HSV", "LAB", "RGB", "Video Input", "Image")
STAGES = {
    **{f"colours {name}": {"color_coherence": name} for name in COHERENCES},
    **{f"composite {name}": {"hybrid_composite": name} for name in ("Before Motion", "Normal", "After Generation")},
    **{f"motion {name}": {"hybrid_motion": name} for name in ("Optical Flow", "Perspective", "Affine")},
    "motion from the picture": {"hybrid_motion": "Optical Flow", "hybrid_motion_use_prev_img": True},
    "mask file": {"use_mask": True, "use_init": True},
    "mask alpha": {"use_mask": True, "use_init": True, "use_alpha_as_mask": True},
    "mask video": {"use_mask_video": True},
    "mask expression": {"use_mask": True, "mask_schedule": '0: ("!({video_mask} ^ [mask.png])")'},
    "noise mask": {"use_noise_mask": True},
    "guided images": {"use_looper": True},
    "flow cadence": {"optical_flow_cadence": "DIS Medium"},
    "redo": {"diffusion_redo": 1, "optical_flow_redo_generation": "Farneback"},
    "classic": {"neocore_tween_alignment": "Classic"},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    write_inputs(folder)
    return folder


def _check(result, values):
    assert not result.refused, (values, result.refused)
    assert len(result.frames) == FRAMES
    assert all(frame.shape == (HEIGHT, WIDTH, 3) for frame in result.frames)
    assert np.std(result.frames[-1]) > 1, values


@pytest.mark.parametrize("manifest", MANIFESTS)
@pytest.mark.parametrize("mode", MODES)
def test_every_stage_renders_in_every_mode(inputs, mode, manifest):
    for name, stage in STAGES.items():
        values = {**MODES[mode], **MANIFESTS[manifest], **stage}
        _check(outcome(inputs, values), (mode, manifest, name))


CHOICES = (
    "animation_mode", "seed_behavior", "fill", "border", "color_coherence", "optical_flow_cadence",
    "optical_flow_redo_generation", "noise_type", "padding_mode", "sampling_mode", "hybrid_motion", "hybrid_composite",
    "hybrid_comp_mask_type", "hybrid_comp_mask_equalize", "neocore_key_index_distribution", "neocore_tween_alignment",
    "reroll_blank_frames",
)  # fmt: skip
FLAGS = (
    "use_init", "use_mask", "use_alpha_as_mask", "invert_mask", "overlay_mask", "full_res_mask", "motion_preview_mode",
    "enable_perspective_flip", "enable_steps_scheduling", "enable_subseed_scheduling", "use_noise_mask",
    "color_force_grayscale", "legacy_colormatch", "use_depth_warping", "save_depth_maps", "use_mask_video",
    "hybrid_use_first_frame_as_init_image", "hybrid_motion_use_prev_img", "hybrid_flow_consistency",
    "hybrid_use_init_image", "hybrid_comp_mask_inverse", "hybrid_comp_mask_auto_contrast",
    "hybrid_comp_save_extra_frames", "hybrid_generate_inputframes", "use_looper", "aspect_ratio_use_old_formula",
)  # fmt: skip
ROWS = tuple(pairwise_rows(choice_values((*CHOICES, *FLAGS))))


@pytest.mark.parametrize("part", range(8))
def test_every_two_choices_go_together(inputs, part):
    for number, row in enumerate(ROWS[part::8]):
        manifest = {"parseq_manifest": "parseq.json"} if number % 2 else {}
        _check(outcome(inputs, {**row, **manifest}), row)
