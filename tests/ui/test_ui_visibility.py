"""What is on display for which values."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import SettingsError
from deforum_helpers.settings.schema import SETTINGS
from deforum_helpers.ui.visibility import condition, conditions, groups, none_of

DEFAULTS = {key: setting.default for key, setting in SETTINGS.items()}
RULES = conditions(SETTINGS)


def shown(key, **values):
    return RULES[key]({**DEFAULTS, **values})


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("seed_behavior == 'iter'", {"seed_behavior": "iter"}, True),
        ("seed_behavior != 'iter'", {"seed_behavior": "iter"}, False),
        ("seed_behavior in ['iter'] and steps > 1", {"seed_behavior": "iter", "steps": 2}, True),
        ("seed_behavior in ['iter'] and steps > 1", {"seed_behavior": "iter", "steps": 1}, False),
        ("fps <= 30 and not skip_video_creation", {"fps": 30, "skip_video_creation": False}, True),
        ("fps <= 30", {"fps": None}, False),
        ("fps <= 30", {}, False),
        ("use_init or use_mask", {"use_mask": True}, True),
        ("animation_mode not in ['2D']", {"animation_mode": "3D"}, True),
    ],
)  # fmt: skip
def test_a_condition(text, values, holds):
    assert condition(text)(values) is holds


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "seed.__class__", "fps +", "no_such_setting", "fps < 3 < 4", "[x for x in fps]", "", "fps()"],
)
def test_anything_else_is_refused(text):
    with pytest.raises(SettingsError):
        condition(text)({"seed": 1, "fps": 1})


@given(st.sampled_from(sorted(key for key, s in SETTINGS.items() if s.visible_when)), st.data())
def test_a_condition_is_what_python_makes_of_it(key, data):
    rule = condition(SETTINGS[key].visible_when)
    values = {}
    for name in rule.keys:
        setting = SETTINGS[name]
        options = st.booleans() if setting.kind == "flag" else st.integers(0, 60)
        values[name] = data.draw(st.sampled_from(setting.choices) if setting.choices else options)
    code = compile(ast.parse(rule.text, mode="eval"), "rule", "eval")
    assert rule(values) == bool(eval(code, {}, values))


def test_every_default_page_can_be_drawn():
    assert {key for key, rule in RULES.items() if rule(DEFAULTS)} >= {"angle", "zoom", "diffusion_cadence"}
    assert not shown("rotation_3d_x")
    assert shown("rotation_3d_x", animation_mode="3D")


@pytest.mark.parametrize(
    ("key", "switch"),
    [
        ("clipskip_schedule", {"enable_clipskip_scheduling": True}),
        ("mask_file", {"use_mask": True}),
        ("init_images", {"use_looper": True}),
        ("soundtrack_path", {"add_soundtrack": "File"}),
        ("r_upscale_model", {"r_upscale_video": True}),
        ("reroll_patience", {"reroll_blank_frames": "reroll"}),
        ("cn_2_weight", {"cn_2_enabled": True}),
        ("perspective_flip_fv", {"enable_perspective_flip": True}),
        ("resume_timestring", {"resume_from_timestring": True}),
    ],
)
def test_what_has_no_effect_is_hidden_until_its_switch_is_on(key, switch):
    assert not shown(key)
    assert shown(key, **switch)


def test_hybrid_video_can_be_set_wherever_it_takes_part():
    for mode, takes_part in (("2D", True), ("3D", True), ("Video Input", True), ("Interpolation", False)):
        assert shown("hybrid_composite", animation_mode=mode) is takes_part
        assert shown("hybrid_flow_method", animation_mode=mode, hybrid_motion="Optical Flow") is takes_part
    assert not shown("hybrid_use_first_frame_as_init_image", animation_mode="Video Input", hybrid_composite="Normal")


def test_what_hangs_together():
    looked_at = {"a": "use_mask", "b": "use_looper", "c": "use_init", "d": "use_init and use_mask", "e": "use_looper"}
    found = groups({name: condition(text) for name, text in looked_at.items()})
    assert sorted(map(sorted, found)) == [["a", "c", "d"], ["b", "e"]]
    assert groups({}) == []


def test_none_of_several():
    rule = none_of([condition("use_mask"), condition("use_init"), condition("use_mask")])
    assert rule({"use_init": True}) is False
    assert rule({}) is True
