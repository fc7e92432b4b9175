"""Masks in the loop: where pictures are diffused, where noise goes, and what is pasted back."""

from __future__ import annotations

import numpy as np
import pytest
from render_parts import Frames, NoiseEngine, grey, plan, rendered

from deforum_helpers.errors import InputError, ScheduleError
from deforum_helpers.render import Beginning
from deforum_helpers.rendering.data.inputs import Inputs

LEFT = np.zeros((24, 32), np.uint8)
LEFT[:, :16] = 255
"""The left half is to be repainted."""


def masked(**values):
    return plan(max_frames=4, diffusion_cadence=1, use_mask=True, mask_overlay_blur=0, **values)


def run(data, **inputs):
    engine = NoiseEngine()
    frames = rendered(data, engine, begin=Beginning(inputs=Inputs(**inputs)))
    return frames, engine.requests


def test_the_engine_is_told_what_to_repaint():
    _, requests = run(masked(fill="latent noise", full_res_mask=False, full_res_mask_padding=7), mask=LEFT)
    assert requests[0].inpainting is None  # from nothing, all of it is painted
    for request in requests[1:]:
        assert np.array_equal(request.inpainting.mask, LEFT)
        assert request.inpainting.fill == "latent noise"
        assert (request.inpainting.full_res, request.inpainting.padding, request.inpainting.blur) == (False, 7, 0)


def test_an_inverted_mask_is_the_other_half():
    _, requests = run(masked(invert_mask=True), mask=LEFT)
    assert np.array_equal(requests[1].inpainting.mask, ~LEFT)


def test_expressions_change_from_frame_to_frame():
    schedule = '0: ("{video_mask}"), 2: ("!{video_mask}"), 3: ("{everywhere} & [left.png]")'
    _, requests = run(masked(mask_schedule=schedule), mask=LEFT, mask_files={"left.png": LEFT})
    masks = [request.inpainting.mask for request in requests[1:]]
    assert np.array_equal(masks[0], LEFT)
    assert np.array_equal(masks[1], ~LEFT)
    assert np.array_equal(masks[2], LEFT)


def test_words_are_looked_for_in_what_is_diffused():
    seen = []

    def find(image, words):
        seen.append((image, words))
        return LEFT

    _, requests = run(masked(mask_schedule='0: ("<a cat>")', overlay_mask=False), words=find)
    assert np.array_equal(requests[1].inpainting.mask, LEFT)
    assert [words for _, words in seen] == ["a cat"] * 3
    assert seen[0][0] is requests[1].init_image


def test_a_moving_mask_is_that_of_the_frame():
    right = np.repeat(~LEFT[..., None], 3, axis=2)
    video = Frames([grey(255), right, grey(255), right])
    _, requests = run(masked(use_mask_video=True, overlay_mask=False), mask_video=video)
    assert np.array_equal(requests[1].inpainting.mask, right[..., 0])
    assert requests[2].inpainting.mask.all()


def test_a_black_mask_is_no_mask():
    _, requests = run(masked(overlay_mask=False), mask=np.zeros((24, 32), np.uint8))
    assert all(request.inpainting is None for request in requests)


def test_what_the_mask_keeps_of_the_init_image_stays_bit_for_bit_in_every_frame():
    init = np.random.default_rng(5).integers(0, 256, (24, 32, 3), np.uint8)
    data = plan(max_frames=9, diffusion_cadence=4, use_init=True, use_mask=True, mask_overlay_blur=0, zoom="0:(1.1)")
    frames, requests = run(data, mask=LEFT, init_image=init)
    for frame in frames:
        assert np.array_equal(frame[:, 16:], init[:, 16:])
        assert not np.array_equal(frame[:, :16], init[:, :16])
    assert np.array_equal(requests[0].init_image, init)


def test_the_overlay_comes_from_the_video_where_there_is_one():
    video = Frames([grey(10 * i) for i in range(4)])
    moving = Frames([np.repeat(LEFT[..., None], 3, axis=2)])
    data = masked(use_mask_video=True, video_init_path="clip.mp4")
    frames, _ = run(data, mask_video=moving, video=video)
    assert [int(frame[0, 20, 0]) for frame in frames] == [0, 10, 20, 30]


def test_a_blurred_mask_joins_softly_and_keeps_what_is_far_from_it():
    data = plan(max_frames=2, diffusion_cadence=1, use_init=True, use_mask=True, mask_overlay_blur=2)
    frames, _ = run(data, mask=LEFT, init_image=grey(100))
    assert (frames[1][:, 23:] == 100).all()
    assert (frames[1][:, 17:19] != 100).any()


def test_noise_goes_inside_the_noise_mask_only():
    plain, noisy = (
        run(plan(max_frames=2, diffusion_cadence=1, use_noise_mask=True, noise_schedule=f"0:({n})"), mask=LEFT)[1]
        for n in (0, 0.5)
    )
    assert np.array_equal(plain[1].init_image[:, 16:], noisy[1].init_image[:, 16:])
    assert not np.array_equal(plain[1].init_image[:, :16], noisy[1].init_image[:, :16])
    assert noisy[1].inpainting is None


def test_noise_follows_the_diffusion_mask_without_one_of_its_own():
    plain, noisy = (run(masked(noise_schedule=f"0:({n})"), mask=LEFT)[1] for n in (0, 0.5))
    assert np.array_equal(plain[1].init_image[:, 16:], noisy[1].init_image[:, 16:])


def test_the_default_noise_mask_is_everywhere():
    _, requests = run(plan(max_frames=2, diffusion_cadence=1, use_noise_mask=True, noise_schedule="0:(0.5)"))
    assert requests[1].init_image is not None


def test_alpha_limits_the_sharpening():
    values = {"use_init": True, "use_alpha_as_mask": True, "overlay_mask": False}
    init = np.random.default_rng(5).integers(0, 256, (24, 32, 3), np.uint8)
    blunt, sharp = (
        run(masked(**values, amount_schedule=f"0:({a})"), mask=LEFT, init_image=init)[1][1].init_image for a in (0, 1)
    )
    assert np.array_equal(blunt[:, 16:], sharp[:, 16:])
    assert not np.array_equal(blunt[:, :16], sharp[:, :16])


def test_a_wrong_expression_is_told_before_anything_is_rendered():
    with pytest.raises(InputError, match=r"mask_schedule \(frame 2\), column 16.*expected"):
        masked(mask_schedule='0: ("{everywhere}"), 2: ("{everywhere} & ")')


def test_a_mask_that_is_not_there_is_named():
    with pytest.raises(ScheduleError, match=r"There is no mask \{sky\}"):
        run(masked(mask_schedule='0: ("{sky}")', overlay_mask=False))
