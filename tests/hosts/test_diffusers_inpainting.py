"""Repainting a part: geometry, fills, and what stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.hosts.diffusers.inpainting import Region, on_latents, put_back, region_to_diffuse, smeared
from deforum_helpers.ports import DiffusionRequest, Inpainting

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries below

y, x = np.mgrid[0:64, 0:96]
INIT = np.stack([x * 2, y * 3, (x + y) % 256], axis=2).astype(np.uint8)
MASK = np.zeros((64, 96), np.uint8)
MASK[20:40, 30:50] = 255
REQUEST = DiffusionRequest(96, 64, "a cat", seed=4, steps=4, init_image=INIT, strength=0.3)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 59), st.integers(0, 59), st.integers(0, 70))
def test_the_region_holds_the_mask_and_its_padding(w, h, left, top, padding):
    mask = np.zeros((80, 120), np.uint8)
    mask[top : top + h, left : left + w] = 255
    region = region_to_diffuse(Inpainting(mask, padding=padding))
    assert region.x >= 0
    assert region.y >= 0
    assert region.x + region.width <= 120
    assert region.y + region.height <= 80
    assert region.of(mask).sum() == mask.sum()
    assert region.x <= max(left - padding, 0)
    assert region.y + region.height >= min(top + h + padding, 80)
    assert abs(region.width / 120 - region.height / 80) < 0.02  # the proportions of the picture, within a pixel


def test_without_full_res_all_is_diffused():
    assert region_to_diffuse(Inpainting(MASK, full_res=False)) == Region(0, 0, 96, 64)
    assert region_to_diffuse(Inpainting(np.zeros_like(MASK))) == Region(0, 0, 96, 64)


def test_smeared_surroundings():
    image = np.full((64, 96, 3), (200, 100, 20), np.uint8)
    image[MASK > 0] = 0
    assert np.abs(smeared(image, MASK).astype(int) - (200, 100, 20)).max() <= 1
    assert np.array_equal(smeared(INIT, MASK)[MASK == 0], INIT[MASK == 0])
    assert (smeared(INIT, np.full_like(MASK, 255)) == 127).all()


def test_latents_that_a_mask_touches():
    mask = np.zeros((16, 24), np.uint8)
    mask[7, 8] = 1
    assert on_latents(mask, 3, 2).tolist() == [[0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("blur", [0, 4, 30])
def test_the_edge_is_softened_inwards_only(blur):
    white = np.full_like(INIT, 255)
    result = put_back(np.zeros_like(INIT), white, Inpainting(MASK, blur=blur), Region(0, 0, 96, 64))
    assert not result[MASK == 0].any()
    assert (result[MASK > 0] == 255).all() == (blur == 0)
    across = result[30, 30:41, 0].astype(int)
    assert (np.diff(across) >= 0).all()
    assert (result[30, 40] == 255).all()


@pytest.mark.parametrize("model", ["sd", "sd-inpainting", "sdxl", "flux"])
@pytest.mark.parametrize("full_res", [False, True])
def test_only_the_mask_is_repainted(open_tiny, model, full_res):
    engine = open_tiny(model)
    inpainting = Inpainting(MASK, full_res=full_res, blur=2, padding=8)
    image = engine.diffuse(replace(REQUEST, inpainting=inpainting)).image
    assert np.array_equal(image[MASK == 0], INIT[MASK == 0])
    assert np.abs(image[MASK > 0].astype(int) - INIT[MASK > 0]).mean() > 5
    assert np.array_equal(engine.diffuse(replace(REQUEST, inpainting=inpainting)).image, image)


def test_full_resolution_paints_more_finely(open_tiny):
    engine = open_tiny("sd")
    whole, part = (
        engine.diffuse(replace(REQUEST, strength=0.0, inpainting=Inpainting(MASK, full_res=full, blur=0))).image
        for full in (False, True)
    )
    assert not np.array_equal(whole, part)


@pytest.mark.parametrize("model", ["sd", "sd-inpainting"])
def test_fills_differ(open_tiny, model):
    engine = open_tiny(model)
    pictures = {
        fill: engine.diffuse(
            replace(REQUEST, strength=0.7, inpainting=Inpainting(MASK, fill=fill, full_res=False))
        ).image
        for fill in ("fill", "original", "latent noise", "latent nothing")
    }
    assert len({image.tobytes() for image in pictures.values()}) == 4
    for image in pictures.values():
        assert np.array_equal(image[MASK == 0], INIT[MASK == 0])


def test_an_empty_mask_and_full_strength_change_nothing(open_tiny):
    engine = open_tiny("sd")
    empty = engine.diffuse(replace(REQUEST, inpainting=Inpainting(np.zeros_like(MASK))))
    kept = engine.diffuse(replace(REQUEST, strength=1.0, inpainting=Inpainting(MASK)))
    for image in (empty.image, kept.image):
        assert np.array_equal(image, INIT)
        assert not np.shares_memory(image, INIT)


def test_a_unet_of_nine_channels_sees_what_is_masked(open_tiny):
    engine = open_tiny("sd-inpainting")
    seen = []
    hook = engine._model.denoiser.conv_in.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    engine.diffuse(replace(REQUEST, inpainting=Inpainting(MASK, full_res=False)))
    engine.diffuse(replace(REQUEST, init_image=None))
    hook.remove()
    assert {tuple(sample.shape) for sample in seen} == {(2, 9, 8, 12)}
    assert seen[0][0, 4].tolist() == on_latents(MASK, 12, 8).tolist()
    assert bool((seen[-1][:, 4] == 1).all())
