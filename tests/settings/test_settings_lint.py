"""Every check of settings against each other: it speaks when it should, and only then."""

from __future__ import annotations

import pytest

from deforum_helpers.settings.lint import lint_settings
from deforum_helpers.settings.schema import Settings


def findings_of(folder=None, **values) -> dict[str, str]:
    findings = lint_settings(Settings().with_values(values), [folder])
    return {finding.key: finding.severity for finding in findings}


def test_the_defaults_are_clean():
    assert lint_settings(Settings()) == ()


@pytest.mark.parametrize(
    ("values", "key", "severity"),
    [
        ({"fps": 0}, "fps", "error"),
        ({"fps": -1.5}, "fps", "error"),
        ({"max_frames": 0}, "max_frames", "error"),
        ({"seed": -5}, "seed", "error"),
        ({"W": 4}, "W", "error"),
        ({"make_gif": True, "fps": 31}, "make_gif", "warning"),
        ({"delete_imgs": True, "skip_video_creation": True}, "delete_imgs", "error"),
        ({"W": 511}, "W", "note"),
        ({"H": 386}, "H", "note"),
        ({"prompts": {}}, "prompts", "error"),
        ({"prompts": {}, "parseq_manifest": "{}"}, "prompts", "note"),
        ({"diffusion_cadence": 120}, "diffusion_cadence", "note"),
        ({"animation_mode": "Interpolation"}, "diffusion_cadence", "note"),
        ({"seed_behavior": "schedule"}, "seed_schedule", "note"),
        ({"seed_schedule": "0:(5)"}, "seed_schedule", "note"),
        ({"subseed_schedule": "0:(5)"}, "enable_subseed_scheduling", "note"),
        ({"steps_schedule": "0:(5)"}, "enable_steps_scheduling", "note"),
        ({"perspective_flip_phi": "0:(5)"}, "enable_perspective_flip", "note"),
        ({"strength": 0.1}, "use_init", "note"),
        ({"near_schedule": "0: (1)"}, "near_schedule", "note"),
        ({"use_init": True}, "init_image", "error"),
        ({"use_init": True, "strength": 0}, "strength", "note"),
        ({"use_init": True, "init_image": "missing.png"}, "init_image", "error"),
        ({"use_mask": True, "mask_file": "missing.png"}, "mask_file", "error"),
        ({"color_coherence": "Image"}, "color_coherence_image_path", "error"),
        ({"color_coherence": "Video Input"}, "color_coherence", "warning"),
        ({"animation_mode": "Video Input"}, "video_init_path", "error"),
        ({"hybrid_composite": "Normal", "hybrid_generate_inputframes": True}, "video_init_path", "error"),
        ({"use_mask_video": True}, "video_mask_path", "error"),
        ({"cn_2_enabled": True, "cn_2_vid_path": "missing.mp4"}, "cn_2_vid_path", "error"),
        ({"add_soundtrack": "File"}, "soundtrack_path", "warning"),
        ({"add_soundtrack": "File", "soundtrack_path": "missing.mp3"}, "soundtrack_path", "warning"),
        ({"add_soundtrack": "File", "soundtrack_path": "null\0.mp3"}, "soundtrack_path", "warning"),
        ({"add_soundtrack": "File", "soundtrack_path": "x" * 5000}, "soundtrack_path", "warning"),
        ({"resume_from_timestring": True, "resume_timestring": ""}, "resume_timestring", "error"),
        ({"resume_from_timestring": True, "resume_timestring": "yesterday"}, "resume_timestring", "warning"),
        ({"r_upscale_video": True, "r_upscale_model": "realesrgan-x4plus"}, "r_upscale_factor", "error"),
        (
            {"frame_interpolation_engine": "RIFE v4.6", "frame_interpolation_x_amount": 11},
            "frame_interpolation_x_amount",
            "error",
        ),
        (
            {"frame_interpolation_engine": "FILM", "frame_interpolation_x_amount": 1},
            "frame_interpolation_x_amount",
            "error",
        ),
        (
            {"frame_interpolation_engine": "Optical Flow", "frame_interpolation_x_amount": 301},
            "frame_interpolation_x_amount",
            "error",
        ),
        (
            {
                "frame_interpolation_engine": "Optical Flow",
                "frame_interpolation_slow_mo_enabled": True,
                "frame_interpolation_slow_mo_amount": 0,
            },
            "frame_interpolation_slow_mo_amount",
            "error",
        ),
        (
            {"frame_interpolation_engine": "FILM", "frame_interpolation_use_upscaled": True},
            "frame_interpolation_use_upscaled",
            "note",
        ),
        ({"frame_interpolation_engine": "FILM", "skip_video_creation": True}, "frame_interpolation_engine", "note"),
        ({"r_upscale_video": True, "skip_video_creation": True}, "r_upscale_video", "note"),
        (
            {"animation_mode": "Video Input", "extract_from_frame": 5, "extract_to_frame": 5},
            "extract_to_frame",
            "error",
        ),
        ({"use_looper": True, "animation_mode": "Interpolation"}, "use_looper", "warning"),
        ({"use_looper": True, "init_images": "not JSON"}, "init_images", "error"),
        ({"use_looper": True, "init_images": '{"0": 5}'}, "init_images", "error"),
        ({"use_looper": True, "init_images": '{"0": "missing.png"}'}, "init_images", "error"),
        ({"use_looper": True, "init_images": "[" * 100_000}, "init_images", "error"),
    ],
)
def test_spoken(values, key, severity):
    assert findings_of(**values).get(key) == severity


@pytest.mark.parametrize(
    "values",
    [
        {"fps": 23.976},
        {"make_gif": True, "fps": 30},
        {"delete_imgs": True},
        {"W": 8},
        {"diffusion_cadence": 119},
        {"diffusion_cadence": 200, "parseq_manifest": "{}"},
        {"seed_schedule": "0:(5)", "seed_behavior": "schedule"},
        {"seed_schedule": "0:(5)", "parseq_manifest": "{}"},
        {"subseed_schedule": "0:(5)", "enable_subseed_scheduling": True},
        {"steps_schedule": "0:(25)"},
        {"use_init": True, "init_image": "https://example.org/picture.png"},
        {"use_init": True, "init_image_box": object()},
        {"use_init": True, "hybrid_composite": "Normal", "strength": 0.5, "video_init_path": "https://x"},
        {"use_mask": True},
        {"use_mask": True, "use_init": True, "init_image": "http://x", "use_alpha_as_mask": True, "mask_file": "no"},
        {"hybrid_motion": "Affine", "video_init_path": "https://example.org/clip.mp4"},
        {"cn_1_enabled": True, "cn_1_loopback_mode": True, "cn_1_vid_path": "missing.mp4"},
        {"cn_1_vid_path": "missing.mp4"},
        {"soundtrack_path": "missing.mp3"},
        {"add_soundtrack": "File", "skip_video_creation": True},
        {"resume_from_timestring": True},
        {"r_upscale_video": True, "r_upscale_model": "realesrgan-x4plus", "r_upscale_factor": "x4"},
        {"r_upscale_model": "realesrgan-x4plus"},
        {"frame_interpolation_engine": "FILM", "frame_interpolation_x_amount": 100},
        {"frame_interpolation_x_amount": 100},
        {"frame_interpolation_use_upscaled": True},
        {
            "frame_interpolation_engine": "FILM",
            "frame_interpolation_use_upscaled": True,
            "r_upscale_video": True,
        },
        {"extract_from_frame": 5, "extract_to_frame": 5},
        {"init_images": "not JSON"},
        {"use_looper": True, "init_images": '{"0": "https://example.org/picture.png"}'},
        {"near_schedule": "0:(200)"},
    ],
)
def test_silent(values):
    assert findings_of(**values) == {}


def test_an_odd_size_is_a_matter_of_the_video_only():
    odd = lint_settings(Settings().replace(W=511))
    assert [(finding.key, finding.severity) for finding in odd] == [("W", "warning"), ("W", "note")]
    unencoded = lint_settings(Settings().replace(W=511, skip_video_creation=True))
    assert [finding.severity for finding in unencoded] == ["note"]


def test_relative_files_are_looked_up_beside_the_settings_file(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"")
    values = {"use_init": True, "init_image": "picture.png", "strength": 0.5}
    assert findings_of(tmp_path, **values) == {}
    assert findings_of(tmp_path / "elsewhere", **values) == {"init_image": "error"}


def test_several_settings_behind_a_switch_make_one_note():
    settings = Settings().replace(subseed_schedule="0:(5)", subseed_strength_schedule="0:(1)")
    notes = [str(finding) for finding in lint_settings(settings)]
    expected = "is off, so subseed_schedule and subseed_strength_schedule have no effect."
    assert notes == [f"enable_subseed_scheduling: {expected}"]
