"""Every schedule reaches the engine with its value at the key frame's own index."""

from __future__ import annotations

import pytest
from render_parts import NoiseEngine, plan, rendered

SWITCHES = {
    f"enable_{name}_scheduling": True
    for name in (
        "steps", "subseed", "sampler", "checkpoint", "clipskip", "noise_multiplier", "ddim_eta", "ancestral_eta",
    )
}  # fmt: skip
SCHEDULES = {
    "steps_schedule": "0:(10+t)",
    "subseed_schedule": "0:(100+t)",
    "subseed_strength_schedule": "0:(t/10)",
    "sampler_schedule": '0:("Euler"), 5:("DDIM")',
    "checkpoint_schedule": '0:("one.safetensors"), 5:("two.safetensors")',
    "clipskip_schedule": "0:(1), 5:(2), 6:(2)",
    "noise_multiplier_schedule": "0:(1+t/100)",
    "ddim_eta_schedule": "0:(t/20)",
    "ancestral_eta_schedule": "0:(t/40)",
    "cfg_scale_schedule": "0:(5+t)",
    "pix2pix_img_cfg_scale_schedule": "0:(1+t/10)",
    "strength_schedule": "0:(0.5+t/100)",
    "seed_schedule": "0:(1000+t)",
}
PROMPTS = {"0": "a (cat:1.2) <lora:fur:0.8> --neg fog", "4": "a [dog:0.9] --neg rain"}


def requests(**values):
    engine = NoiseEngine()
    data = plan(max_frames=9, diffusion_cadence=4, seed_behavior="schedule", prompts=PROMPTS, **values)
    rendered(data, engine)
    return engine.requests


def test_values_are_those_of_the_keys_own_frame():
    made = requests(**SWITCHES, **SCHEDULES)
    assert [request.frame for request in made] == [0, 4, 8]
    assert [request.steps for request in made] == [10, 14, 18]
    assert [request.seed for request in made] == [1000, 1004, 1008]
    assert [request.subseed for request in made] == [100, 104, 108]
    assert [request.sampler for request in made] == ["Euler", "Euler", "DDIM"]
    assert [request.checkpoint for request in made] == ["one.safetensors", "one.safetensors", "two.safetensors"]
    assert [request.clip_skip for request in made] == [1, 1, 2]
    assert [request.cfg_scale for request in made] == [5, 9, 13]
    for name, expected in {
        "subseed_strength": [0, 0.4, 0.8],
        "noise_multiplier": [1, 1.04, 1.08],
        "ddim_eta": [0, 0.2, 0.4],
        "ancestral_eta": [0, 0.1, 0.2],
        "pix2pix_cfg_scale": [1, 1.4, 1.8],
        "strength": [0.5, 0.54, 0.58],
    }.items():
        assert [getattr(request, name) for request in made] == pytest.approx(expected), name


def test_schedules_whose_switch_is_off_leave_the_engines_own_values():
    made = requests(**dict.fromkeys(SWITCHES, False), **SCHEDULES, steps=33, sampler="Heun")
    assert {(r.steps, r.sampler, r.checkpoint, r.subseed) for r in made} == {(33, "Heun", "", -1)}
    assert {(r.clip_skip, r.noise_multiplier, r.ddim_eta, r.ancestral_eta) for r in made} == {(None,) * 4}


def test_prompts_pass_untouched_but_for_what_is_split_off():
    made = requests(animation_prompts_positive="", animation_prompts_negative="")
    assert [request.prompt.strip() for request in made[:2]] == ["a (cat:1.2) <lora:fur:0.8>", "a [dog:0.9]"]
    assert [request.negative_prompt.strip() for request in made[:2]] == ["fog", "rain"]
