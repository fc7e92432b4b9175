"""Animation modes: where each key frame starts from."""

from __future__ import annotations

import numpy as np
import pytest
from render_parts import Frames, NoiseEngine, grey, plan, rendered

from deforum_helpers.ports import Diffused
from deforum_helpers.render import Beginning
from deforum_helpers.rendering.data.inputs import Inputs
from deforum_helpers.rendering.data.plan import build_render_data
from deforum_helpers.settings.schema import Settings

VIDEO = Frames([grey(20 * i) for i in range(10)])


def run(data, **inputs):
    engine = NoiseEngine()
    frames = rendered(data, engine, begin=Beginning(inputs=Inputs(**inputs)))
    return frames, engine


def starts(engine):
    return [None if r.init_image is None else int(r.init_image[0, 0, 0]) for r in engine.requests]


def test_video_input_starts_every_frame_from_the_videos():
    data = plan(animation_mode="Video Input", max_frames=6, diffusion_cadence=3, strength_schedule="0:(0.4)")
    frames, engine = run(data, video=VIDEO)
    assert starts(engine) == [0, 20, 40, 60, 80, 100]
    assert {request.strength for request in engine.requests} == {0.4}
    assert all(np.array_equal(frames[i], engine.pictures[i]) for i in range(6))


def test_a_video_that_is_too_short_stands_still_at_its_end():
    _, engine = run(plan(animation_mode="Video Input", max_frames=12), video=VIDEO)
    assert starts(engine)[8:] == [160, 180, 180, 180]


def test_video_input_with_a_composite_holds_on_to_the_frame_before():
    class Flat(NoiseEngine):
        def diffuse(self, request):
            super().diffuse(request)
            return Diffused(grey(200))

    engine = Flat()
    data = plan(animation_mode="Video Input", max_frames=3, hybrid_composite="Normal")
    rendered(data, engine, begin=Beginning(inputs=Inputs(video=VIDEO, hybrid=VIDEO)))
    assert starts(engine) == [0, 110, 120]


def test_video_input_keeps_the_colours_of_its_first_frame():
    data = plan(animation_mode="Video Input", max_frames=3, color_coherence="LAB")
    frames, _ = run(data, video=VIDEO)
    assert abs(frames[2].mean() - frames[0].mean()) < 3


def test_interpolation_starts_every_frame_from_nothing():
    prompts = {"0": "a cat", "11": "a dog"}
    settings = Settings().with_values(
        {"W": 32, "H": 24, "seed": 7, "max_frames": 12, "animation_mode": "Interpolation", "prompts": prompts}
    )
    data = build_render_data(settings)
    frames, engine = run(data)
    assert starts(engine) == [None] * 12
    assert "a cat" in engine.requests[5].prompt
    assert "a dog" in engine.requests[5].prompt
    assert all(np.array_equal(frames[i], engine.pictures[i]) for i in range(12))


def test_interpolation_with_an_init_image_starts_every_frame_from_it():
    data = plan(animation_mode="Interpolation", max_frames=4, use_init=True, strength=0.3)
    _, engine = run(data, init_image=grey(90))
    assert starts(engine) == [90] * 4
    assert {request.strength for request in engine.requests} == {0.3}


@pytest.mark.parametrize("every", [1, 3])
def test_colours_of_the_video_are_held_and_renewed(every):
    tinted = Frames([np.full((24, 32, 3), (90 + 20 * i, 120, 200 - 20 * i), np.uint8) for i in range(6)])
    data = plan(
        max_frames=6,
        diffusion_cadence=1,
        color_coherence="Video Input",
        video_init_path="clip.mp4",
        color_coherence_video_every_N_frames=every,
    )
    frames, _ = run(data, video=tinted)
    for index, frame in enumerate(frames):
        wanted = tinted.frame(index // every * every)
        assert np.abs(frame.mean(axis=(0, 1)) - wanted.mean(axis=(0, 1))).max() < 4


def test_the_first_frame_of_the_video_is_the_init_image():
    data = plan(
        max_frames=3,
        diffusion_cadence=1,
        hybrid_motion="Affine",
        hybrid_use_first_frame_as_init_image=True,
        strength=0.7,
    )
    _, engine = run(data, video=VIDEO, hybrid=VIDEO, init_image=VIDEO.frame(0))
    assert starts(engine)[0] == 0
    assert engine.requests[0].strength == 0.7


def test_controlnet_units_get_their_picture_and_values_at_the_keys_own_frame():
    values = {
        "cn_2_enabled": True,
        "cn_2_module": "canny",
        "cn_2_model": "control_canny",
        "cn_2_weight": "0:(t/10)",
        "cn_2_guidance_start": "0:(0.1)",
        "cn_2_guidance_end": "0:(t/20)",
        "cn_2_vid_path": "x.mp4",
        "cn_4_enabled": True,
        "cn_4_loopback_mode": True,
    }
    _, engine = run(plan(max_frames=9, diffusion_cadence=4, **values), control={2: VIDEO}, control_masks={4: VIDEO})
    assert [len(request.control_units) for request in engine.requests] == [2, 2, 2]
    unit, loopback = engine.requests[1].control_units
    assert (unit.number, unit.module, unit.model) == (2, "canny", "control_canny")
    assert (unit.weight, unit.guidance_start, unit.guidance_end) == (0.4, 0.1, 0.2)
    assert unit.image[0, 0, 0] == 80
    assert (loopback.number, loopback.image) == (4, None)
    assert unit.mask is None
    assert loopback.mask.ndim == 2
    assert loopback.mask[0, 0] == 80
