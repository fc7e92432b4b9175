"""Samplers and schedules by A1111's names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deforum_helpers.errors import EngineError
from deforum_helpers.ports import DiffusionRequest
from deforum_helpers.settings.schema.run import SAMPLERS, SCHEDULERS
from tiny_diffusion import diffusers_or_skip

diffusers_or_skip()
from deforum_helpers.hosts.diffusers import samplers  # noqa: E402 - needs diffusers

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries below

OLD_NAMES = (
    *("LMS Karras", "DPM2 Karras", "DPM2 a Karras", "DPM++ 2S a Karras", "DPM++ 2M Karras", "DPM++ SDE Karras"),
    *("DPM++ 2M SDE Karras", "DPM++ 2M SDE Exponential", "DPM++ 2M SDE Heun Karras", "DPM++ 2M SDE Heun Exponential"),
    *("DPM++ 3M SDE Karras", "DPM++ 3M SDE Exponential", "DPM++ 2M SGM Uniform"),
)
"""Names of the time when sampler and schedule were one."""

INIT = np.random.default_rng(3).integers(0, 255, (64, 64, 3), dtype=np.uint8)
REQUEST = DiffusionRequest(64, 64, "a red lighthouse", "blurry", seed=5, steps=4)


def test_every_setting_resolves():
    for sampler in SAMPLERS:
        for scheduler in SCHEDULERS:
            choice = samplers.resolve(sampler, scheduler)
            assert choice.sampler == sampler
            assert scheduler in (choice.schedule, "Automatic")
            assert choice.schedule in samplers.SCHEDULES


@pytest.mark.parametrize("name", OLD_NAMES)
def test_names_of_sampler_and_schedule_in_one(name):
    choice = samplers.resolve(name, "Automatic")
    assert f"{choice.sampler} {choice.schedule}" == name
    assert samplers.resolve(name.upper(), "automatic") == choice
    assert samplers.resolve(choice.sampler, choice.schedule) == choice


def test_automatic_is_a1111s_choice():
    wanted = {"DPM++ 2M": "Karras", "DPM++ 2M SDE": "Exponential", "Euler a": "Uniform", "DDIM": "Uniform"}
    assert {name: samplers.resolve(name, "Automatic").schedule for name in wanted} == wanted


def test_unknown_names_are_told_with_the_nearest():
    with pytest.raises(EngineError, match=r"no sampler 'Eular a'. Nearest: Euler a, Euler"):
        samplers.resolve("Eular a", "Automatic")
    with pytest.raises(EngineError, match=r"no scheduler 'Karas'. Nearest: Karras"):
        samplers.resolve("Euler", "Karas")


@pytest.mark.parametrize(
    ("model", "sampler"), [*(("sd", name) for name in SAMPLERS), ("flux", "Euler"), ("flux", "Heun"), ("flux", "DDIM")]
)
def test_every_sampler_makes_pictures(open_tiny, model, sampler):
    engine = open_tiny(model)
    request = replace(REQUEST, sampler=sampler)
    whole, part = engine.diffuse(request), engine.diffuse(replace(request, init_image=INIT, strength=0.5))
    assert whole.used["Sampler"] == sampler
    for made in (whole, part):
        assert made.image.std() > 10
    assert not np.array_equal(whole.image, part.image)
    assert np.array_equal(engine.diffuse(replace(request, init_image=INIT, strength=0.5)).image, part.image)


@pytest.mark.parametrize(("steps", "names"), [(1, SAMPLERS), (2, SAMPLERS), (60, ["LCM"])])
def test_any_number_of_steps_is_possible(open_tiny, steps, names):
    engine = open_tiny("sd")
    for sampler in names:
        for init, strength in ((None, 0.0), (INIT, 0.5)):
            request = replace(REQUEST, width=16, height=16, sampler=sampler, steps=steps, strength=strength)
            request = replace(request, init_image=None if init is None else init[:16, :16].copy())
            assert engine.diffuse(request).image.std() > 0, (sampler, strength)
    with pytest.raises(EngineError, match="in 0 steps; there must be 1 or more"):
        engine.diffuse(replace(REQUEST, steps=0))


def test_samplers_and_schedules_differ(open_tiny):
    engine = open_tiny("sd")
    names = [name for name in SAMPLERS if name not in ("DPM adaptive", "Restart")]  # stood in for by others
    pictures = {name: engine.diffuse(replace(REQUEST, steps=8, sampler=name)).image.tobytes() for name in names}
    assert len(set(pictures.values())) == len(names)
    schedules = ("Uniform", "Karras", "Exponential", "SGM Uniform")
    scheduled = {s: engine.diffuse(replace(REQUEST, scheduler=s)).image.tobytes() for s in schedules}
    assert len(set(scheduled.values())) == len(schedules)


def test_what_a_sampler_cannot_be_is_told_once(open_tiny):
    engine = open_tiny("sd")
    for _ in range(2):
        engine.diffuse(replace(REQUEST, sampler="Restart"))
        engine.diffuse(replace(REQUEST, sampler="DDIM", scheduler="Karras"))
    said = [finding.message for finding in engine.findings]
    assert said == [
        "the sampler 'Restart' is not in diffusers; in its place comes Heun, which does not restart.",
        "the sampler 'DDIM' has no schedule 'Karras' in diffusers; its own is used.",
    ]
    engine.diffuse(replace(REQUEST, sampler="DPM2 a", ancestral_eta=0.5))
    assert engine.findings[-1].message == "the sampler 'DPM2 a' has no ancestral eta in diffusers."
    flux = open_tiny("flux")
    flux.diffuse(replace(REQUEST, negative_prompt="", sampler="DPM++ 2M"))
    flux.diffuse(replace(REQUEST, negative_prompt="", sampler="Euler", scheduler="Karras"))
    assert [finding.message for finding in flux.findings] == [
        "the sampler 'DPM++ 2M' is not made for this model, which samples with Euler instead.",
        "the schedule 'Karras' is not made for this model; its own is used.",
    ]


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_eta(open_tiny, model):
    engine = open_tiny(model)
    plain, none, half, full = (
        engine.diffuse(replace(REQUEST, sampler=sampler, ancestral_eta=eta)).image.astype(int)
        for sampler, eta in (("Euler", None), ("Euler a", 0.0), ("Euler a", 0.5), ("Euler a", 1.0))
    )
    assert np.abs(plain - none).max() <= 1
    assert np.abs(half - none).mean() > 1
    assert np.abs(half - full).mean() > 1
    assert np.array_equal(full, engine.diffuse(replace(REQUEST, sampler="Euler a")).image)
    ddim = [engine.diffuse(replace(REQUEST, sampler="DDIM", ddim_eta=eta)).image for eta in (None, 0.0, 0.8)]
    assert np.array_equal(ddim[0], ddim[1])
    assert not np.array_equal(ddim[0], ddim[2])


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_our_ancestral_euler_is_the_one_of_diffusers(prediction):
    import diffusers
    import torch

    results = []
    for kind in (samplers.EulerAncestral, diffusers.EulerAncestralDiscreteScheduler):
        scheduler = kind(prediction_type=prediction)
        scheduler.set_timesteps(5)
        sample = torch.linspace(-3, 3, 64).reshape(1, 1, 8, 8) * scheduler.init_noise_sigma
        source = torch.Generator().manual_seed(1)
        for timestep in scheduler.timesteps:
            seen = scheduler.scale_model_input(sample, timestep)
            sample = scheduler.step(seen.tanh(), timestep, sample, generator=source, return_dict=False)[0]
        results.append(sample)
    assert torch.allclose(*results, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("steps", "denoising", "done"), [(20, 0.5, 11), (20, 0.35, 8), (20, 1.0, 20), (4, 0.01, 1)])
def test_steps_of_img2img_are_counted_as_a1111_does(open_tiny, steps, denoising, done):
    assert samplers.executed_steps(steps, denoising) == done
    engine = open_tiny("sd")
    calls = []
    hook = engine._model.denoiser.register_forward_hook(lambda *_: calls.append(1))
    request = replace(REQUEST, sampler="Euler", steps=steps, init_image=INIT, strength=1 - denoising)
    engine.diffuse(request)
    hook.remove()
    assert len(calls) == done
