"""Keys and values of earlier versions and other forks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deforum_helpers.settings.files import dump_settings, settings_from
from deforum_helpers.settings.legacy import INDEXED_SAMPLERS, RENAMED, VALUE_MAPS, modernise
from deforum_helpers.settings.schema import SETTINGS, Settings

GOLDENS = Path(__file__).parent.parent / "goldens"
CASES = json.loads((GOLDENS / "settings_legacy.json").read_text(encoding="utf-8"))["cases"]
MERGED = json.loads((GOLDENS / "settings_merged_prompts.json").read_text(encoding="utf-8"))["cases"]

# Deliberate differences: every unit's resize mode is translated, true as a weight is 1, an unreadable switch is kept.
OURS = {
    "cn_4_resize_mode": "Outer Fit (Shrink to Fit)",
    "cn_5_guidance_end": "0:(1)",
}


@pytest.mark.parametrize("case", CASES, ids=[str(index) for index in range(len(CASES))])
def test_deprecated_keys_as_the_original(case):
    settings = settings_from(case["in"]).settings
    for key, value in case["out"].items():
        found = settings.value(key) if key in SETTINGS else settings.extra[key]
        assert found == OURS.get(key, value)
    kept = {"use_zoe_depth": "maybe"} if case["in"].get("use_zoe_depth") == "maybe" else {}
    assert settings.extra == {**{key: value for key, value in case["out"].items() if key not in SETTINGS}, **kept}


def test_every_translation_leads_to_a_setting_and_a_legal_value():
    assert set(RENAMED.values()) <= set(SETTINGS)
    assert not set(RENAMED) & set(SETTINGS)
    for key, values in VALUE_MAPS.items():
        assert set(values.values()) <= set(SETTINGS[key].choices)
        assert all(old == old.lower() for old in values)


def read(**data) -> Settings:
    return settings_from({"legacy_colormatch": False, **data}).settings


def test_the_present_name_counts_where_both_are_given():
    settings = read(W=640, width=320, flip_2d_perspective=True, enable_perspective_flip=False)
    assert settings.run.W == 640
    assert settings.anim.enable_perspective_flip is False
    assert settings.extra == {}


def test_old_values_are_read_in_any_case():
    settings = read(
        color_coherence="match frame 0 lab", cn_5_resize_mode="ENVELOPE (Outer Fit)", hybrid_composite="TRUE"
    )
    assert settings.anim.color_coherence == "LAB"
    assert settings.controlnet[4].resize_mode == "Outer Fit (Shrink to Fit)"
    assert settings.anim.hybrid_composite == "Normal"


def test_the_single_unit_becomes_the_first_unit():
    settings = read(
        controlnet_enabled=True,
        controlnet_lowvram=True,
        controlnet_module="openpose",
        controlnet_model="pose [fef5e48e]",
        controlnet_weight=2,
        controlnet_guidance_strength=0.5,
        controlnet_processor_res=512,
        controlnet_threshold_a=64,
        controlnet_threshold_b=100,
        controlnet_resize_mode="Scale to Fit (Inner Fit)",
        controlnet_scribble_mode=False,
    )
    unit = settings.controlnet[0]
    assert (unit.enabled, unit.low_vram, unit.module, unit.model) == (True, True, "openpose", "pose [fef5e48e]")
    assert (unit.weight, unit.guidance_start, unit.guidance_end) == ("0:(2)", "0:(0.0)", "0:(0.5)")
    assert (unit.processor_res, unit.threshold_a, unit.threshold_b) == (512, 64, 100)
    assert unit.resize_mode == "Inner Fit (Scale to Fit)"
    assert settings.extra == {"controlnet_scribble_mode": False}


@pytest.mark.parametrize(
    ("guess", "mode"),
    [(True, "ControlNet is more important"), (False, "Balanced"), ("True", "ControlNet is more important")],
)
def test_guess_mode_becomes_control_mode(guess, mode):
    settings = read(cn_3_guess_mode=guess)
    assert settings.controlnet[2].control_mode == mode
    assert settings.extra == {}


def test_a_control_mode_that_is_given_counts():
    settings = read(cn_1_guess_mode=True, cn_1_control_mode="My prompt is more important")
    assert settings.controlnet[0].control_mode == "My prompt is more important"


def test_single_numbers_become_schedules():
    settings = read(near_plane=100.0, far_plane=9000, fov=40.0, scale=9, ddim_eta=0.5)
    assert settings.anim.near_schedule == "0: (100.0)"
    assert settings.anim.far_schedule == "0: (9000)"
    assert settings.anim.fov_schedule == "0: (40.0)"
    assert settings.anim.cfg_scale_schedule == "0: (9)"
    assert settings.anim.ddim_eta_schedule == "0: (0.5)"
    assert settings.anim.enable_ddim_eta_scheduling
    assert settings.extra == {}


def test_single_numbers_do_not_replace_schedules():
    settings = read(scale=9, cfg_scale_schedule="0: (5)", fov=None)
    assert settings.anim.cfg_scale_schedule == "0: (5)"
    assert settings.extra == {"scale": 9, "fov": None}


@pytest.mark.parametrize(
    ("raw", "sampler"),
    [
        (0, "Euler a"),
        ("7", "DPM++ 2M"),
        (15, "DPM++ 2M Karras"),
        ("dpmpp_2s_a", "DPM++ 2S a"),
        ("dpmpp_2m_sde_gpu", "DPM++ 2M SDE"),
        ("sample_dpmpp_2m", "DPM++ 2M"),
        ("k_euler_ancestral", "Euler a"),
        ("k_dpm_2_a_ka", "k_dpm_2_a_ka"),
        ("dpmpp_sde_karras", "DPM++ SDE Karras"),
        ("k_lms", "LMS"),
        ("uni_pc", "UniPC"),
        ("DPM2 Karras", "DPM2 Karras"),
        ("DPM++ 2M SDE Exponential", "DPM++ 2M SDE Exponential"),
        ("DPM++ 2M SGM Uniform", "DPM++ 2M SGM Uniform"),
        ("euler A", "Euler a"),
        ("Karras", "Karras"),
        ("My own sampler", "My own sampler"),
    ],
)
def test_samplers(raw, sampler):
    settings = read(sampler=raw, scheduler="Automatic")
    assert (settings.run.sampler, settings.run.scheduler) == (sampler, "Automatic")


@pytest.mark.parametrize("raw", [99, -1, 2.5, True, None, "9" * 5000])
def test_samplers_that_mean_nothing(raw):
    data, findings = modernise({"sampler": raw}, whole_file=False)
    assert data == {"sampler": raw}
    assert findings == ()


def test_indexed_samplers_start_with_the_default():
    assert INDEXED_SAMPLERS[0] == SETTINGS["sampler"].default


@pytest.mark.parametrize(
    ("value", "distribution"),
    [
        ("Parseq Only (no cadence)", "Parseq Only"),
        ("Uniform with Parseq (pseudo-cadence)", "Uniform with Parseq"),
        ("Off", "Uniform Spacing"),
        ("off", "Uniform Spacing"),
        ("None", "Uniform Spacing"),
        (None, "Parseq Only"),
    ],
)
def test_key_frame_redistribution(value, distribution):
    data = {} if value is None else {"parseq_key_frame_redistribution": value}
    assert read(**data).anim.neocore_key_index_distribution == distribution


def test_text_box_of_the_page_replaces_the_prompts():
    settings = read(prompts={"0": "old"}, animation_prompts='{"0": "new"}')
    assert settings.prompts.prompts == {"0": "new"}
    assert settings.extra == {}


def test_a_file_without_legacy_colormatch_switches_it_on():
    assert settings_from({}).settings.anim.legacy_colormatch is True
    assert "legacy_colormatch" not in modernise({}, whole_file=False)[0]


def test_a_few_keys_have_the_others_from_the_base():
    """What the API gets: only an object that is all of a file of the original is as old as it looks."""
    few = {"W": 512, "max_frames": 48, "color_coherence": "LAB", "prompts": {"0": "x"}}
    assert settings_from(few, base=Settings()).settings.anim.legacy_colormatch is False
    assert settings_from(few).settings.anim.legacy_colormatch is True
    for number in ("01", "04", "06"):
        whole = json.loads((GOLDENS / "settings_corpus" / f"{number}.txt").read_text("utf-8-sig"), strict=False)
        assert "legacy_colormatch" not in whole
        assert settings_from(whole, base=Settings()).settings.anim.legacy_colormatch is True
        del whole["border"]
        assert settings_from(whole, base=Settings()).settings.anim.legacy_colormatch is False


@pytest.mark.parametrize("case", MERGED, ids=[str(index) for index in range(len(MERGED))])
def test_prompts_merged_by_the_original_are_taken_apart(case):
    data = {"prompts": case["merged"], "positive_prompts": case["positive"], "negative_prompts": case["negative"]}
    prompts = read(**data).prompts
    expected = {frame: text.removesuffix("--neg").rstrip() for frame, text in case["prompts"].items()}
    assert prompts.prompts == expected
    assert prompts.animation_prompts_positive == case["positive"]
    assert prompts.animation_prompts_negative == case["negative"]


def test_prompts_of_our_own_run_files_are_left_alone():
    prompts = {"0": "best cat --neg blur"}
    settings = Settings().replace(prompts=prompts, animation_prompts_positive="best", animation_prompts_negative="blur")
    written = json.loads(dump_settings(settings, kind="run"))
    assert settings_from(written).settings == settings


def test_prompts_that_are_not_all_merged_are_left_alone():
    prompts = {"0": "best cat --neg blur", "9": "dog"}
    settings = read(prompts=prompts, positive_prompts="best", negative_prompts="blur")
    assert settings.prompts.prompts == prompts
