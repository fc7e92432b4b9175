"""Settings files of 2022 to 2025 as people have them (prompts and paths replaced): read, and written without loss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deforum_helpers.errors import SettingsError
from deforum_helpers.settings.files import dump_settings, load_settings, parse_settings
from deforum_helpers.settings.lint import lint_settings
from deforum_helpers.settings.schema import SETTINGS

CORPUS = Path(__file__).parent.parent / "goldens" / "settings_corpus"
READABLE = [file for file in sorted(CORPUS.glob("*.txt")) if file.stem != "30"]

# Older key -> present key. A key whose present form is in the file too stays as it is.
MOVED = {
    "width": "W",
    "height": "H",
    "sampler_name": "sampler",
    "flip_2d_perspective": "enable_perspective_flip",
    "skip_video_for_run_all": "skip_video_creation",
    "positive_prompts": "animation_prompts_positive",
    "negative_prompts": "animation_prompts_negative",
    "near_plane": "near_schedule",
    "far_plane": "far_schedule",
    "fov": "fov_schedule",
    "scale": "cfg_scale_schedule",
    "ddim_eta": "ddim_eta_schedule",
    "use_zoe_depth": "depth_algorithm",
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
    **{f"cn_{unit}_guess_mode": f"cn_{unit}_control_mode" for unit in range(1, 6)},
}
# (file, present key) -> value as it is written, where it is not the value of the file.
TRANSLATED = {
    ("01", "sampler"): "Euler a",
    ("01", "color_coherence"): "LAB",
    ("01", "ddim_eta_schedule"): "0: (0.0)",
    ("03", "sampler"): "DPM++ 2S a",
    ("03", "cfg_scale_schedule"): "0: (7)",
    ("03", "ddim_eta_schedule"): "0: (0)",
    ("04", "color_coherence"): "LAB",
    ("04", "hybrid_composite"): "None",
    ("04", "cn_1_weight"): "0:(2)",
    ("04", "cn_1_guidance_end"): "0:(1)",
    ("04", "cn_1_resize_mode"): "Inner Fit (Scale to Fit)",
    ("04", "ddim_eta_schedule"): "0: (0.0)",
    ("06", "depth_algorithm"): "Midas+AdaBins (old)",
    ("06", "ddim_eta_schedule"): "0: (0.0)",
    **{("06", f"cn_{unit}_weight"): "0:(1)" for unit in range(1, 6)},
    **{("06", f"cn_{unit}_guidance_start"): "0:(0)" for unit in range(1, 6)},
    **{("06", f"cn_{unit}_guidance_end"): "0:(1)" for unit in range(1, 6)},
    **{("06", f"cn_{unit}_control_mode"): "Balanced" for unit in range(1, 6)},
    ("08", "resume_timestring"): "20230129210106",
    ("23", "sampler"): "DPM++ 2M SDE",
    ("23", "scheduler"): "Karras",
    ("27", "init_image"): "",
    ("28", "add_soundtrack"): "None",
}


def raw_of(file: Path) -> dict:
    text = file.read_text(encoding="utf-8-sig")
    return json.loads(text.replace(": karras", ': "karras"') if file.stem == "23" else text)


def expected(stem: str, key: str, raw):
    if (stem, key) in TRANSLATED:
        return TRANSLATED[stem, key]
    if key in SETTINGS and raw is None:
        return ""
    if key in ("diffusion_redo", "deforum_git_commit_id"):
        return str(raw)
    return int(raw) if key == "diffusion_cadence" else raw


def test_the_corpus_is_complete():
    assert len(READABLE) == 19


@pytest.mark.parametrize("file", READABLE, ids=lambda file: file.stem)
@pytest.mark.parametrize("kind", ["save", "run"])
def test_saving_keeps_every_key_and_value(file, kind):
    loaded = load_settings(file)
    text = dump_settings(loaded.settings, kind=kind)
    saved = json.loads(text)
    if kind == "run":
        saved["animation_prompts_positive"] = saved.pop("positive_prompts")
        saved["animation_prompts_negative"] = saved.pop("negative_prompts")
    for key, raw in raw_of(file).items():
        now = key if key in saved else MOVED.get(key, key)
        if key in SETTINGS and not SETTINGS[key].saved:
            assert loaded.settings.value(key) == raw
        else:
            assert (key, saved[now]) == (key, expected(file.stem, now, raw))
    assert parse_settings(text).settings == loaded.settings


@pytest.mark.parametrize("file", READABLE, ids=lambda file: file.stem)
def test_nothing_else_is_different_from_the_default(file):
    loaded = load_settings(file)
    raw = raw_of(file)
    named = {*raw, *(MOVED[key] for key in raw if key in MOVED)}
    changed = {key for key, setting in SETTINGS.items() if loaded.settings.value(key) != setting.default}
    implied = {"scheduler", "legacy_colormatch", "prompts", "animation_prompts_negative"}
    assert changed <= named | implied


@pytest.mark.parametrize("file", READABLE, ids=lambda file: file.stem)
def test_every_file_can_be_linted(file):
    findings = lint_settings(load_settings(file).settings, [CORPUS])
    # These name files of somebody else's computer, or hold output settings without prompts.
    errors = {finding.key for finding in findings if finding.severity == "error"}
    assert errors <= {"video_init_path", "init_image", "cn_1_vid_path", "cn_2_vid_path", "cn_3_vid_path", "prompts"}


def test_repairs_and_old_settings_are_reported():
    by_file = {file.stem: [str(finding) for finding in load_settings(file).findings] for file in READABLE}
    assert by_file["23"][0] == "23.txt: line 11: karras stands without quotes; mended."
    assert any("legacy_colormatch" in text for text in by_file["01"])
    assert any("freeu_enabled" in text for text in by_file["25"])
    assert any("older names were read: width as W, height as H" in text for text in by_file["21"])
    assert by_file["10"] == by_file["19"] == []


def test_another_format_under_the_same_name_is_refused():
    with pytest.raises(SettingsError, match="INI file") as caught:
        load_settings(CORPUS / "30.txt")
    assert caught.value.findings[0].key == "30.txt"
