"""What the diffusers engine does beyond what every engine promises."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from deforum_helpers.errors import EngineError, EngineMemoryError, EngineNaNError
from deforum_helpers.ports import ControlUnit, DiffusionRequest
from tiny_diffusion import diffusers_or_skip, write_controlnet

diffusers_or_skip()
import torch  # noqa: E402 - after the check that it is here

from deforum_helpers.hosts.diffusers import memory  # noqa: E402 - needs torch
from deforum_helpers.hosts.diffusers.control import fitted  # noqa: E402 - needs diffusers

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries below

y, x = np.mgrid[0:64, 0:64]
INIT = np.stack([x * 4, y * 4, (x + y) * 2], axis=2).astype(np.uint8)
REQUEST = DiffusionRequest(64, 64, "a red lighthouse on a cliff", "blurry", seed=5, steps=4)


def difference(a, b):
    return float(np.abs(a.astype(int) - b).mean())


def test_what_was_used_is_told(open_tiny):
    used = open_tiny("sd").diffuse(REQUEST).used
    assert used == {
        "Steps": 4,
        "Sampler": "Euler a",
        "Schedule type": "Uniform",
        "CFG scale": 7.0,
        "Seed": 5,
        "Size": "64x64",
        "Model": "sd",
    }
    request = replace(REQUEST, sampler="DPM++ 2M Karras", init_image=INIT, strength=0.65, clip_skip=2)
    used = open_tiny("sd").diffuse(replace(request, subseed=9, subseed_strength=0.2)).used
    assert used["Sampler"], used["Schedule type"] == ("DPM++ 2M", "Karras")
    assert (used["Denoising strength"], used["Clip skip"]) == (0.35, 2)
    assert (used["Variation seed"], used["Variation seed strength"]) == (9, 0.2)
    flux = open_tiny("flux").diffuse(replace(REQUEST, distilled_cfg_scale=2.0))
    assert flux.used["Distilled CFG Scale"] == 2.0


@pytest.mark.parametrize("model", ["sd", "sdxl", "sd3", "flux"])
def test_an_engine_made_anew_makes_the_same_picture(open_tiny, model):
    one, other = open_tiny(model), open_tiny(model)
    other.diffuse(replace(REQUEST, prompt="a dog", seed=1))
    for request in (REQUEST, replace(REQUEST, init_image=INIT, strength=0.5, sampler="DPM++ 2M SDE")):
        assert np.array_equal(one.diffuse(request).image, other.diffuse(request).image)


def test_nobody_elses_chance_is_touched(open_tiny):
    states = (random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist())
    open_tiny("sdxl").diffuse(replace(REQUEST, sampler="DPM++ SDE", subseed=3, subseed_strength=0.5))
    assert states == (random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist())


def test_full_strength_asks_no_model(open_tiny):
    engine = open_tiny("sd")
    engine._model.denoiser.register_forward_hook(lambda *_: pytest.fail("the model was asked"))
    engine._model.pipe.vae.decoder.register_forward_hook(lambda *_: pytest.fail("the model was asked"))
    assert np.array_equal(engine.diffuse(replace(REQUEST, init_image=INIT, strength=1.0)).image, INIT)


@pytest.mark.parametrize("model", ["sd", "sdxl", "sd3", "flux"])
def test_settings_matter(open_tiny, model):
    engine = open_tiny(model)
    plain = engine.diffuse(REQUEST).image
    img2img = replace(REQUEST, init_image=INIT, strength=0.4)
    for change in ({"subseed": 8, "subseed_strength": 0.3}, {"steps": 6}, {"seed_resize": (32, 32)}):
        assert difference(engine.diffuse(replace(REQUEST, **change)).image, plain) > 0.5, change
    guidance = {"distilled_cfg_scale": 9.0} if model == "flux" else {"cfg_scale": 2.0}
    assert difference(engine.diffuse(replace(REQUEST, **guidance)).image, plain) > 0.5
    louder = engine.diffuse(replace(img2img, noise_multiplier=1.2)).image
    assert difference(louder, engine.diffuse(img2img).image) > 0.5
    assert np.array_equal(engine.diffuse(replace(REQUEST, vae_full_precision=True)).image, plain)


def test_what_is_not_heeded_is_told_once_and_changes_nothing(open_tiny):
    engine = open_tiny("sd")
    plain = engine.diffuse(REQUEST).image
    assert engine.findings == ()
    request = replace(REQUEST, pix2pix_cfg_scale=1.0, restore_faces=True, distilled_cfg_scale=2.0, frame=5)
    assert engine.ignored(request) == ("pix2pix_cfg_scale", "restore_faces", "distilled_cfg_scale")
    for _ in range(2):
        assert np.array_equal(engine.diffuse(request).image, plain)
    (finding,) = engine.findings
    assert finding.severity == "note"
    assert finding.message == "sd (SD) does not heed: restore_faces, distilled_cfg_scale."


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_tiling_joins_the_edges(open_tiny, model):
    engine = open_tiny(model)
    plain = engine.diffuse(REQUEST).image

    def seam(image):
        return difference(image[:, 0], image[:, -1]) + difference(image[0], image[-1])

    tiled = engine.diffuse(replace(REQUEST, tiling=True)).image
    assert seam(tiled) < seam(plain)
    assert np.array_equal(engine.diffuse(REQUEST).image, plain)


def test_numbers_that_are_none_are_told(open_tiny):
    engine = open_tiny("sd")
    bias = engine._model.pipe.vae.decoder.conv_out.bias
    kept = bias.data.clone()
    bias.data.fill_(float("nan"))
    with pytest.raises(EngineNaNError, match="The VAE made values"):
        engine.diffuse(REQUEST)
    bias.data.copy_(kept)
    engine._model.denoiser.conv_out.bias.data.fill_(float("inf"))
    with pytest.raises(EngineNaNError, match=r"The model made values that are no numbers.*--dtype fp32"):
        engine.diffuse(REQUEST)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore"), EngineMemoryError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), EngineMemoryError),
        (RuntimeError("sizes do not match"), EngineError),
    ],
)
def test_errors_of_the_libraries_are_told_as_ours(open_tiny, error, raised):
    engine = open_tiny("sd")
    before = engine.diffuse(REQUEST).image

    def fail(*_):
        raise error

    hook = engine._model.denoiser.register_forward_hook(fail)
    with pytest.raises(EngineError) as caught:
        engine.diffuse(REQUEST)
    assert type(caught.value) is raised
    assert "\n" not in str(caught.value)
    hook.remove()
    engine.free_memory()
    assert np.array_equal(engine.diffuse(REQUEST).image, before)


def test_how_a_model_is_fitted_into_memory():
    gib = 2**30
    assert memory.fitting(4 * gib, 3 * gib, 8 * gib) == "whole"
    assert memory.fitting(7 * gib, 5 * gib, 8 * gib) == "by part"
    assert memory.fitting(12 * gib, 9 * gib, 8 * gib) == "by layer"


@pytest.fixture
def controlled(tmp_path, tiny_model, open_tiny):
    def engine(model):
        for name in ("edges", "depth"):
            write_controlnet(tmp_path, name, tiny_model(model.removesuffix("-inpainting")))
        return open_tiny(model, controlnet_folder=tmp_path)

    return engine


@pytest.mark.parametrize("model", ["sd", "sdxl", "sd-inpainting"])
def test_controlnet(controlled, model):
    engine = controlled(model)
    unit = ControlUnit(1, "none", "edges", image=INIT)
    plain = engine.diffuse(REQUEST).image
    guided = engine.diffuse(replace(REQUEST, control_units=(unit,))).image
    assert difference(guided, plain) > 1
    for change in (
        {"image": 255 - INIT},
        {"weight": 0.5},
        {"guidance_end": 0.5},
        {"guidance_start": 0.5},
        {"module": "canny"},
        {"mask": np.eye(INIT.shape[0], INIT.shape[1], dtype=np.uint8) * 255},
    ):
        other = engine.diffuse(replace(REQUEST, control_units=(replace(unit, **change),))).image
        assert difference(other, guided) > 0.01, change
    assert np.array_equal(engine.diffuse(replace(REQUEST, control_units=(replace(unit, weight=0.0),))).image, plain)
    several = (unit, replace(unit, number=2, model="edges", image=255 - INIT))
    assert difference(engine.diffuse(replace(REQUEST, control_units=several)).image, guided) > 0.01
    assert np.array_equal(engine.diffuse(replace(REQUEST, control_units=(unit,))).image, guided)
    assert np.array_equal(engine.diffuse(REQUEST).image, plain)


def test_all_pictures_share_one_set_of_weights(controlled):
    engine = controlled("sd")
    parts = dict(engine._model.pipe.components)
    for change in (
        {},
        {"init_image": INIT, "strength": 0.5},
        {"control_units": (ControlUnit(1, "none", "edges", image=INIT),)},
    ):
        engine.diffuse(replace(REQUEST, **change))
    assert all(engine._model.pipe.components[name] is part for name, part in parts.items())
    guided = engine._painter._controls._pipe[1].components
    assert all(guided[name] is part for name, part in parts.items())


def test_controlnet_guided_by_the_init_and_with_several_prompts(controlled):
    engine = controlled("sd")
    request = replace(REQUEST, init_image=INIT, strength=0.4)
    looped, given = (
        engine.diffuse(replace(request, control_units=(ControlUnit(1, "none", "edges", image=image),))).image
        for image in (None, INIT)
    )
    assert np.array_equal(looped, given)
    units = (ControlUnit(1, "none", "edges", image=INIT),)
    one, both = (
        engine.diffuse(replace(REQUEST, prompt=prompt, control_units=units)).image
        for prompt in ("a cat", "a cat:1 AND a dog:0")
    )
    assert difference(one, both) < 0.02


def test_what_controlnet_cannot_do_is_told(controlled, open_tiny, tmp_path, tiny_model):
    engine = controlled("sd")
    for unit, message in (
        (ControlUnit(1, "none", "edgse", image=INIT), r"no ControlNet model 'edgse' \(looked in .*Nearest: edges"),
        (ControlUnit(2, "openpose", "edges", image=INIT), r"unit 2: .*'openpose'.*Possible: none, canny, invert"),
        (ControlUnit(1, "none", "edges"), r"unit 1 has no picture"),
    ):
        with pytest.raises(EngineError, match=message):
            engine.diffuse(replace(REQUEST, control_units=(unit,)))
    with pytest.raises(EngineError, match=r"edges is made for another architecture"):
        open_tiny("sdxl", controlnet_folder=tmp_path).diffuse(
            replace(REQUEST, control_units=(ControlUnit(1, "none", "edges", image=INIT),))
        )
    with pytest.raises(EngineError, match=r"ControlNet for Flux is not offered"):
        open_tiny("flux").diffuse(replace(REQUEST, control_units=(ControlUnit(1, "none", "x", image=INIT),)))
    engine.diffuse(replace(REQUEST, control_units=(ControlUnit(1, "none", "edges", INIT, pixel_perfect=True),)))
    assert "pixel_perfect of ControlNet" in engine.findings[-1].message


@pytest.mark.parametrize("mode", ["Just Resize", "Inner Fit (Scale to Fit)", "Outer Fit (Shrink to Fit)"])
def test_pictures_that_guide_are_fitted(mode):
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, :10], image[:, 30:] = 255, 128
    result = fitted(image, mode, 32, 32)
    assert result.shape == (32, 32, 3)
    left = result[16, :, 0]
    assert (left[2] == 255) == (not mode.startswith("Inner"))  # cut away there
    assert np.array_equal(fitted(image, mode, 40, 20), image)
