"""The schema equals the facts of the original interface, and every setting is fully described."""

from __future__ import annotations

import ast
import copy
import json
from collections import Counter
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from deforum_helpers.errors import SettingsError
from deforum_helpers.settings.schema import SETTINGS, TRAILER_KEYS, Settings, Trailer

GOLDEN = json.loads((Path(__file__).parent.parent / "goldens" / "settings_schema.json").read_text(encoding="utf-8"))

# Deliberate differences: addresses of example media are empty here, texts are our own, labels are mended.
OWN_DEFAULTS = {
    "init_image": "",
    "mask_file": "",
    "video_init_path": "",
    "video_mask_path": "",
    "soundtrack_path": "",
    "parseq_manifest": "",
    "diffusion_redo": 0,
}
OWN_TEXTS = {"init_images"}
OWN_LABELS = {
    "perspective_flip_fv": "Perspective flip fv",
    "sampling_mode": "Sampling mode",
    **{f"cn_{unit}_mask_vid_path": "ControlNet Mask Video/ Image Path" for unit in range(1, 6)},
}
OWN_CHOICES = {
    "frame_interpolation_engine": ["None", "RIFE v4.6", "FILM", "Optical Flow"],
    "neocore_key_index_distribution": [
        "Parseq Only",
        "Uniform with Parseq",
        "Uniform Spacing",
        "Random Spacing",
        "Random Placement",
    ],
}
IN_FILES = {"animation_prompts": "prompts"}
ADDED = {"neocore_tween_alignment"}

PYTHON_TYPES = {
    "flag": bool,
    "integer": int,
    "number": (int, float),
    "choice": str,
    "text": str,
    "path": str,
    "json": str,
    "schedule": str,
    "text_schedule": str,
}


def original(key: str) -> dict:
    return GOLDEN["settings"][f"cn_1_{key[5:]}" if key.startswith("cn_") else key]


ORIGINAL_KEYS = [key for key in SETTINGS if key not in ADDED and key != "prompts"]


def test_every_setting_of_the_original_is_there_and_only_one_is_new():
    from_original = {IN_FILES.get(key, key) for key in GOLDEN["settings"]}
    first_units = {key for key in SETTINGS if not key.startswith(("cn_2_", "cn_3_", "cn_4_", "cn_5_"))}
    assert first_units == from_original | ADDED
    assert len(SETTINGS) == 259


@pytest.mark.parametrize("key", ORIGINAL_KEYS)
def test_default_and_widget_equal_the_original(key):
    setting, facts = SETTINGS[key], original(key)
    if key not in OWN_TEXTS:
        assert setting.default == OWN_DEFAULTS.get(key, facts["default"])
    assert setting.label == OWN_LABELS.get(key, facts["label"])
    assert list(setting.choices) == OWN_CHOICES.get(key, facts.get("choices", []))
    assert setting.widget == facts["widget"]
    assert (setting.minimum, setting.maximum, setting.step) == tuple(
        facts.get(limit) for limit in ("minimum", "maximum", "step")
    )
    assert setting.lines == facts.get("lines", 1)
    assert setting.elem_id == facts.get("elem_id", "")
    assert setting.saved == facts["saved"]
    number = key[3:4]
    assert list(setting.tab) == [heading.replace("Model 1", f"Model {number}") for heading in facts["tab"]]


@pytest.mark.parametrize("key", ORIGINAL_KEYS)
def test_visibility_at_start_equals_the_original(key):
    values = {name: setting.default for name, setting in SETTINGS.items()}
    condition = SETTINGS[key].visible_when or "True"
    assert bool(eval(condition, {"__builtins__": {}}, values)) is original(key)["visible"]


def test_order_is_that_of_the_saved_file():
    ours = [key for key, setting in SETTINGS.items() if setting.saved and key not in ADDED]
    assert [*ours, *TRAILER_KEYS] == GOLDEN["order_save"]
    keys = list(SETTINGS)
    assert keys.index("neocore_tween_alignment") == keys.index("neocore_key_index_distribution") + 1


def test_new_setting():
    setting = SETTINGS["neocore_tween_alignment"]
    assert (setting.default, setting.choices, setting.tab) == ("Exact", ("Exact", "Classic"), ("Neo Core",))


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))
def test_every_setting_is_described(setting):
    assert setting.label.strip()
    assert len(setting.help) >= 15
    assert setting.help.endswith(".")
    assert setting.group
    if setting.kind in PYTHON_TYPES:
        assert isinstance(setting.default, PYTHON_TYPES[setting.kind])
    if setting.kind == "choice" and not setting.open_choices:
        assert setting.default in setting.choices
    if setting.least is not None:
        assert setting.default >= setting.least


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))
def test_conditions_use_known_keys_and_simple_operators_only(setting):
    if not setting.visible_when:
        return
    allowed = (
        ast.Expression,
        ast.BoolOp,
        ast.And,
        ast.Or,
        ast.UnaryOp,
        ast.Not,
        ast.Compare,
        ast.Name,
        ast.Constant,
        ast.List,
        ast.Load,
        ast.cmpop,
    )
    for node in ast.walk(ast.parse(setting.visible_when, mode="eval")):
        assert isinstance(node, allowed)
        assert not isinstance(node, ast.Name) or node.id in SETTINGS


def test_no_help_is_used_twice():
    helps = Counter(
        setting.help for key, setting in SETTINGS.items() if not key.startswith(("cn_2", "cn_3", "cn_4", "cn_5"))
    )
    assert [text for text, count in helps.items() if count > 1] == []


def test_a_unit_knows_its_number():
    setting = SETTINGS["cn_3_vid_path"]
    assert setting.tab == ("ControlNet", "CN Model 3")
    assert setting.visible_when == "cn_3_enabled and not cn_3_loopback_mode"


def test_values_are_read_and_replaced_by_key():
    settings = Settings()
    changed = settings.replace(W=768, cn_2_weight="0:(2)", animation_mode="3D", sd_model_name="model")
    assert changed.run.W == changed.value("W") == 768
    assert changed.controlnet[1].weight == changed.value("cn_2_weight") == "0:(2)"
    assert [unit.weight for unit in changed.controlnet] == ["0:(1)", "0:(2)", "0:(1)", "0:(1)", "0:(1)"]
    assert changed.anim.animation_mode == "3D"
    assert changed.trailer == Trailer(sd_model_name="model")
    assert settings == Settings()
    assert changed != settings
    assert changed.with_values({key: settings.value(key) for key in (*SETTINGS, *TRAILER_KEYS)}) == settings


def test_every_key_leads_to_its_own_place():
    settings = Settings()
    before = [settings.value(key) for key in SETTINGS]
    for key in SETTINGS:
        changed = settings.with_values({key: "a mark"} if key != "prompts" else {key: {"0": "a mark"}})
        assert [name for name, old in zip(SETTINGS, before, strict=True) if changed.value(name) != old] == [key]


def test_unknown_keys_are_all_named_with_the_nearest_setting():
    with pytest.raises(SettingsError) as caught:
        Settings().replace(max_frame=1, w=2, zzzzzz=3)
    findings = {finding.key: finding.hint for finding in caught.value.findings}
    assert set(findings) == {"max_frame", "w", "zzzzzz"}
    assert findings["max_frame"] == "Did you mean max_frames?"
    assert findings["w"] == "Did you mean W?"
    assert "Did you mean" not in findings["zzzzzz"]
    with pytest.raises(SettingsError, match="Did you mean max_frames"):
        Settings().value("max_frame")


def test_settings_cannot_be_changed():
    settings = Settings(extra={"a": 1})
    with pytest.raises(FrozenInstanceError):
        settings.run.W = 1
    with pytest.raises(TypeError):
        settings.prompts.prompts["0"] = "changed"
    with pytest.raises(TypeError):
        settings.extra["a"] = 2


def test_settings_do_not_share_the_mappings_they_are_given():
    extra = {"a": 1}
    settings = Settings(extra=extra)
    extra["a"] = 2
    assert settings.extra == {"a": 1}


def test_setting_descriptions_can_be_copied():
    assert copy.deepcopy(SETTINGS["W"]) == SETTINGS["W"]
