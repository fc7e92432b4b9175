"""Values of the wrong type are understood where they can be, and refused with what is allowed where they cannot."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import SettingsError
from deforum_helpers.settings.coercion import coerce
from deforum_helpers.settings.files import parse_settings, settings_from, with_overrides
from deforum_helpers.settings.schema import SETTINGS, Settings


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("diffusion_cadence", "2", 2),
        ("diffusion_cadence", " 3 ", 3),
        ("fps", 12.0, 12),
        ("fps", "23.976", 23.976),
        ("mask_overlay_blur", 5.0, 5),
        ("max_frames", "1e2", 100),
        ("strength", 0, 0),
        ("strength", ".5", 0.5),
        ("diffusion_redo", "0", 0),
        ("seed", -1, -1),
        ("seed", 2**32 - 1, 2**32 - 1),
        ("cn_1_weight", 1, "0:(1)"),
        ("cn_1_weight", 0.7, "0:(0.7)"),
        ("cn_5_guidance_end", True, "0:(1)"),
        ("blendFactorMax", 0.35, "0:(0.35)"),
        ("angle", " 0:(1),\n5:(2)", " 0:(1),\n5:(2)"),
        ("sampler_schedule", '0: ("Euler a")', '0: ("Euler a")'),
        ("use_init", "true", True),
        ("use_init", "No", False),
        ("use_init", 1, True),
        ("use_init", 0, False),
        ("scheduler", "karras", "Karras"),
        ("scheduler", "Simple", "Simple"),
        ("depth_algorithm", "Depth-Anything-V2-small", "Depth-Anything-V2-small"),
        ("cn_1_module", "canny", "canny"),
        ("animation_mode", "video input", "Video Input"),
        ("hybrid_composite", False, "None"),
        ("add_soundtrack", False, "None"),
        ("fill", 0, "fill"),
        ("fill", "3", "latent nothing"),
        ("fill", "Latent Noise", "latent noise"),
        ("init_image", None, ""),
        ("init_image", "None", ""),
        ("soundtrack_path", "None", ""),
        ("parseq_manifest", None, ""),
        ("parseq_manifest", {"keyframes": []}, '{\n    "keyframes": []\n}'),
        ("init_images", {"0": "ä.png"}, '{\n    "0": "ä.png"\n}'),
        ("resume_timestring", None, "20230129210106"),
        ("max_frames", None, 120),
        ("angle", None, "0: (0)"),
        ("batch_name", 12, "12"),
        ("prompts", '{"0": "a", "5": "b"}', {"0": "a", "5": "b"}),
        ("prompts", '{"0": "a",}', {"0": "a"}),
        ("prompts", "a house", {"0": "a house"}),
        ("prompts", {"0": None, "5": 3}, {"0": "", "5": "3"}),
        ("prompts", {0: "a"}, {"0": "a"}),
        ("prompts", None, {}),
        ("prompts", "", {}),
        ("animation_prompts_positive", "None", "None"),
    ],
)
def test_understood(key, raw, value):
    result, _ = coerce(SETTINGS[key], raw)
    assert result == value
    assert isinstance(result, bool) == isinstance(value, bool)


@pytest.mark.parametrize("value", [386, 720, 1080, 4096, 100])
def test_sizes_off_the_slider_are_neither_clamped_nor_snapped(value):
    assert coerce(SETTINGS["W"], value)[0] == value


def test_a_value_beyond_the_slider_is_noted_and_kept():
    value, findings = coerce(SETTINGS["steps"], 500)
    assert value == 500
    assert [finding.severity for finding in findings] == ["note"]
    assert "1 to 200" in findings[0].message
    assert coerce(SETTINGS["W"], 386)[1] == ()


@pytest.mark.parametrize(
    ("key", "raw", "expected"),
    [
        ("max_frames", 0, "from 1"),
        ("max_frames", 12.5, "12.5 is not a whole number"),
        ("max_frames", "many", "'many' is not a number. Allowed: whole numbers from 1"),
        ("max_frames", True, "not a number"),
        ("max_frames", [1], "not a number"),
        ("max_frames", "1_000", "not a number"),
        ("max_frames", "", "not a number"),
        ("max_frames", float("inf"), "not a finite number"),
        ("max_frames", 10**400, "not a finite number"),
        ("fps", float("nan"), "not a finite number"),
        ("fps", "nan", "not a number"),
        ("fps", "1e999", "not a finite number"),
        ("diffusion_cadence", -1, "from 1"),
        ("W", 7, "from 8"),
        ("seed", -2, "from -1 to 4294967295"),
        ("seed", 2**32, "from -1 to 4294967295"),
        ("use_init", "perhaps", "Allowed: true, false"),
        ("use_init", 2, "Allowed: true, false"),
        ("animation_mode", "Vidoe Input", "'Video Input' comes closest"),
        ("animation_mode", "4D", "Allowed: 2D, 3D, Video Input, Interpolation"),
        ("animation_mode", 3, "Allowed: 2D"),
        ("use_mask", None, ""),
        ("fill", 4, "is not the number of a choice"),
        ("fill", True, "not one of the choices"),
        ("angle", {"0": 1}, "Write it like 0: (0)"),
        ("angle", float("nan"), "not a finite number"),
        ("prompts", ["a"], "is not an object of frames and prompts"),
        ("prompts", {"0": {"a": 1}}, "a prompt that is not a text"),
        ("prompts", 5, "is not an object of frames and prompts"),
        ("prompts", '{"0": "never closed', "prompts"),
        ("init_image", 5, "is not a path"),
        ("batch_name", {}, "is not a text"),
        ("max_frames", "x" * 500, "xxx..."),
    ],
)
def test_refused(key, raw, expected):
    if not expected:
        assert coerce(SETTINGS[key], raw)[0] == SETTINGS[key].default
        return
    with pytest.raises(SettingsError) as caught:
        coerce(SETTINGS[key], raw)
    assert expected in str(caught.value)
    assert caught.value.findings[0].key == key
    assert len(str(caught.value)) < 400


def test_all_errors_of_a_file_are_raised_together():
    text = json.dumps({"max_frames": "x", "W": 1, "animation_mode": "5D", "fps": 10, "zoom": []})
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)
    assert [finding.key for finding in caught.value.findings] == ["max_frames", "W", "animation_mode", "zoom"]
    assert {finding.severity for finding in caught.value.findings} == {"error"}


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(SETTINGS)), ANY_JSON)
def test_any_value_is_read_as_the_right_type_or_refused_by_key(key, raw):
    setting = SETTINGS[key]
    if setting.kind == "object":
        return
    try:
        value, _ = coerce(setting, raw)
    except SettingsError:
        return
    if setting.kind == "flag":
        assert isinstance(value, bool)
    elif setting.kind in ("integer", "number"):
        assert isinstance(value, int if setting.kind == "integer" else (int, float))
        assert not isinstance(value, bool)
    elif setting.kind == "prompts":
        assert all(isinstance(part, str) for item in value.items() for part in item)
    else:
        assert isinstance(value, str)
    assert coerce(setting, value)[0] == value


def test_overrides_are_read_by_type():
    overrides = {
        "max_frames": "90",
        "use_init": "true",
        "fps": "23.976",
        "strength_schedule": "0: (0.5), 10: (0.7)",
        "animation_mode": "3d",
        "prompts": '{"0": "a", "45": "b"}',
        "fill": "2",
        "cn_2_enabled": "yes",
    }
    settings = with_overrides(Settings(extra={"a": 1}), overrides).settings
    assert (settings.anim.max_frames, settings.run.use_init, settings.output.fps) == (90, True, 23.976)
    assert settings.anim.strength_schedule == "0: (0.5), 10: (0.7)"
    assert settings.anim.animation_mode == "3D"
    assert settings.prompts.prompts == {"0": "a", "45": "b"}
    assert settings.run.fill == "latent noise"
    assert settings.controlnet[1].enabled
    assert settings.extra == {"a": 1}
    assert settings.anim.legacy_colormatch is False
    assert with_overrides(settings, {}).settings == settings


def test_overrides_understand_older_names_and_values():
    loaded = with_overrides(Settings(), {"width": "640", "sampler": "DPM++ 2M Karras", "hybrid_composite": "true"})
    assert loaded.settings.run.W == 640
    assert (loaded.settings.run.sampler, loaded.settings.run.scheduler) == ("DPM++ 2M Karras", "Automatic")
    assert loaded.settings.anim.hybrid_composite == "Normal"
    assert loaded.findings


def test_wrong_overrides_are_raised_together():
    with pytest.raises(SettingsError) as caught:
        with_overrides(Settings(), {"max_frame": "1", "fps": "fast", "Zoom": "0:(1)"})
    findings = {finding.key: str(finding) for finding in caught.value.findings}
    assert set(findings) == {"max_frame", "fps", "Zoom"}
    assert "Did you mean max_frames?" in findings["max_frame"]
    assert "Did you mean zoom?" in findings["Zoom"]
    with pytest.raises(SettingsError, match="Did you mean steps"):
        with_overrides(Settings(), {"step": "1"})


def test_missing_keys_come_from_the_base():
    base = Settings().replace(W=640, prompts={"0": "kept"}, animation_prompts_positive="before")
    loaded = settings_from({"H": 320, "legacy_colormatch": False}, base=base)
    assert loaded.settings == base.replace(H=320)


def test_a_file_without_prompts_has_none():
    loaded = settings_from({"W": 640})
    assert loaded.settings.prompts.prompts == {}
    assert loaded.settings.prompts.animation_prompts_negative == ""
    assert any(finding.key == "prompts" for finding in loaded.findings)


def test_unknown_keys_are_kept_in_order_and_reported_once():
    data = {"zzz": [1], "max_frmaes": 5, "W": 64, "prompt": "x", "aaa": None, "fetched_parseq_manifest_summary": {}}
    loaded = settings_from(data)
    assert list(loaded.settings.extra) == ["zzz", "max_frmaes", "prompt", "aaa", "fetched_parseq_manifest_summary"]
    assert loaded.settings.extra["zzz"] == [1]
    assert loaded.settings.anim.max_frames == 120
    typo = next(finding for finding in loaded.findings if finding.key == "max_frmaes")
    assert (typo.severity, typo.hint) == ("warning", "Did you mean max_frames?")
    note = next(finding for finding in loaded.findings if "no settings here" in finding.message)
    assert note.message.endswith("zzz, prompt, aaa.")
