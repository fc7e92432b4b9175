"""Our pictures beside those of the pipelines that diffusers has for each task."""

from __future__ import annotations

import numpy as np
import pytest

from deforum_helpers.ports import DiffusionRequest, Inpainting
from tiny_diffusion import diffusers_or_skip

diffusers = diffusers_or_skip()
import torch  # noqa: E402 - after the check that it is here

from deforum_helpers.hosts.diffusers.pictures import encode  # noqa: E402 - needs torch
from deforum_helpers.hosts.diffusers.samplers import make_scheduler, resolve  # noqa: E402 - needs diffusers

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries below

y, x = np.mgrid[0:64, 0:64]
INIT = np.stack([x * 4, y * 4, (x + y) * 2], axis=2).astype(np.uint8)
SAMPLERS = ("Euler", "DDIM", "DPM++ 2M", "DPM++ 2M SDE", "Heun", "LMS", "UniPC", "DPM2 a")
PROMPTS = {"prompt": "a red lighthouse on a cliff", "negative_prompt": "blurry"}


def reference(model, kind, sampler, **arguments):
    """The picture of a pipeline of diffusers, made of the same parts."""
    pipe = getattr(diffusers, kind).from_pipe(model.pipe) if kind else model.pipe
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = make_scheduler(resolve(sampler, "Automatic"), model.scheduler)
    source = torch.Generator("cpu").manual_seed(5)
    try:
        images = pipe(**PROMPTS, guidance_scale=7.0, generator=source, output_type="np", **arguments).images
    finally:
        model.pipe.scheduler = model.scheduler
    return np.rint(images[0] * 255).astype(int)


def request(sampler, **changes):
    return DiffusionRequest(64, 64, **PROMPTS, seed=5, steps=10, sampler=sampler, **changes)


@pytest.mark.parametrize(
    ("model", "sampler"), [*(("sd", name) for name in SAMPLERS), ("sdxl", "Euler"), ("sdxl", "DPM++ 2M")]
)
def test_text_to_image(open_tiny, model, sampler):
    engine = open_tiny(model)
    ours = engine.diffuse(request(sampler)).image
    theirs = reference(engine._model, "", sampler, width=64, height=64, num_inference_steps=10)
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("model", ["sd3", "flux"])
def test_text_to_image_by_flows(open_tiny, model):
    engine = open_tiny(model)
    ours = engine.diffuse(request("Euler", distilled_cfg_scale=3.5)).image
    words = dict(PROMPTS)
    if model == "flux":
        del words["negative_prompt"]
    images = engine._model.pipe(
        **words,
        width=64,
        height=64,
        num_inference_steps=10,
        guidance_scale=3.5 if model == "flux" else 7.0,
        generator=torch.Generator("cpu").manual_seed(5),
        output_type="np",
    ).images
    assert np.abs(ours - np.rint(images[0] * 255).astype(int)).max() <= 1


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_image_to_image(open_tiny, sampler):
    engine = open_tiny("sd")
    # diffusers does int(0.6·10) = 6 steps, A1111 int(0.5·10) + 1.
    ours = engine.diffuse(request(sampler, init_image=INIT, strength=0.5)).image
    with torch.no_grad():
        clean = encode(engine._model, INIT)
    theirs = reference(
        engine._model, "StableDiffusionImg2ImgPipeline", sampler, image=clean, strength=0.6001, num_inference_steps=10
    )
    assert np.abs(ours - theirs).max() <= 1


def test_latents_outside_the_mask_are_those_of_the_init(open_tiny):
    engine = open_tiny("sd")
    mask = np.zeros((64, 64), np.uint8)
    mask[16:48, 16:48] = 255
    vae, seen = engine._model.pipe.vae, []
    hook = vae.decoder.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    engine.diffuse(request("Euler a", init_image=INIT, strength=0.2, inpainting=Inpainting(mask, full_res=False)))
    hook.remove()
    with torch.no_grad():
        kept = vae.post_quant_conv(encode(engine._model, INIT) / vae.config.scaling_factor)
    change = (seen[0] - kept).abs().amax(dim=(0, 1))
    inside = torch.zeros(8, 8, dtype=torch.bool)
    inside[2:6, 2:6] = True
    assert float(change[~inside].max()) < 1e-5
    assert float(change[inside].min()) > 1e-3
