"""Image stages in the loop: their order, and that each does what it promises."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from render_parts import Frames, NoiseEngine, grey, plan, rendered

from deforum_helpers.imaging.colour import ColourReference
from deforum_helpers.ports import Diffused
from deforum_helpers.rendering.data.inputs import Inputs
from deforum_helpers.rendering.img_2_img_tubes import after_generation_stages, before_diffusion_stages, tween_stages
from deforum_helpers.rendering.util.coherence import reference_after, reference_before


class Tinted(NoiseEngine):
    """Each picture has other colours than the one before."""

    def diffuse(self, request):
        picture = super().diffuse(request).image
        tint = np.float32([0.2 + 0.2 * (request.frame % 4), 0.6, 0.9 - 0.2 * (request.frame % 4)])
        self.pictures[request.frame] = (picture * tint).astype(np.uint8)
        return Diffused(self.pictures[request.frame])


EVERYTHING = {
    "color_coherence": "LAB",
    "color_force_grayscale": True,
    "use_mask": True,
    "use_looper": True,
    "init_images": '{"0": "a.png"}',
}
VIDEO = Frames([grey(0)])
ALL = Inputs(video=VIDEO, hybrid=VIDEO, guides=VIDEO)


def _stages(inputs, **values):
    data = plan(**values)
    made = (stages(data, inputs) for stages in (before_diffusion_stages, after_generation_stages, tween_stages))
    return [[stage.__name__ for stage in stages] for stages in made]


@pytest.mark.parametrize("mode", ["2D", "3D"])
def test_order_of_all_stages_with_a_camera(mode):
    values = {**EVERYTHING, "animation_mode": mode, "hybrid_composite": "Normal", "use_depth_warping": False}
    assert _stages(ALL, **values) == [
        ["hybrid_composite", "colour_coherence", "grayscale", "contrast", "anti_blur", "noise", "guide_image"],
        ["guide_colours", "colour_coherence", "grayscale", "original_overlay"],
        ["original_overlay"],
    ]


def test_order_of_all_stages_of_a_video():
    values = {**EVERYTHING, "animation_mode": "Video Input", "hybrid_composite": "After Generation"}
    assert _stages(Inputs(video=VIDEO, hybrid=VIDEO), **values) == [
        ["colour_coherence", "grayscale", "contrast", "anti_blur", "noise"],
        ["hybrid_composite", "colour_coherence", "grayscale", "original_overlay"],
        ["original_overlay"],
    ]


def test_stages_that_are_off_are_not_there():
    assert _stages(Inputs()) == [["contrast", "anti_blur", "noise"], [], []]
    assert _stages(Inputs(), animation_mode="Interpolation", color_coherence="LAB")[1] == []


def test_the_legacy_way_matches_colours_before_diffusion_only():
    legacy = {"legacy_colormatch": True}
    assert _stages(Inputs(), color_coherence="LAB", **legacy)[1] == []
    assert _stages(Inputs(), color_coherence="Image", **legacy)[1] == ["first_colours"]


@pytest.mark.parametrize("mode", ["RGB", "HSV", "LAB"])
def test_colour_coherence_holds_on_to_the_colours_of_the_first_picture(mode):
    drifting = rendered(plan(diffusion_cadence=3), Tinted())
    coherent = rendered(plan(diffusion_cadence=3, color_coherence=mode), Tinted())
    first = drifting[0].mean(axis=(0, 1))
    for key in (3, 6, 9):
        drift = np.abs(drifting[key].mean(axis=(0, 1)) - first).max()
        assert np.abs(coherent[key].mean(axis=(0, 1)) - first).max() < drift / 2


def test_legacy_colour_matching_leaves_what_the_engine_made():
    engine = Tinted()
    frames = rendered(plan(diffusion_cadence=3, color_coherence="RGB", legacy_colormatch=True), engine)
    np.testing.assert_array_equal(frames[3], engine.pictures[3])
    matched = ColourReference.of(engine.pictures[0], "RGB")
    init = ColourReference.of(engine.requests[2].init_image, "RGB")
    for wanted, got in zip(matched.values, init.values, strict=True):
        assert abs(float(wanted.mean()) - float(got.mean())) < 8


def test_references():
    grey, bright = np.full((4, 4, 3), 90, np.uint8), np.full((4, 4, 3), 200, np.uint8)
    held = ColourReference.of(grey, "LAB")

    plain = plan(color_coherence="LAB", strength_schedule="0:(0.5), 2:(0), 3:(0.5)")
    assert reference_after(plain, None, plain.keys[0], bright) is not None
    assert reference_after(plain, held, plain.keys[1], bright) is held
    assert reference_before(plain, held, bright) is held

    legacy = plan(color_coherence="LAB", legacy_colormatch=True, strength_schedule="0:(0.5), 2:(0), 3:(0.5)")
    assert reference_after(legacy, held, legacy.keys[1], bright) is not held
    assert reference_after(legacy, held, legacy.keys[2], bright) is held

    from_image = plan(color_coherence="LAB", use_init=True, init_image="x.png")
    assert reference_after(from_image, None, from_image.keys[0], bright) is None
    assert reference_before(from_image, None, bright) is not None

    assert reference_before(plan(), None, bright) is None


@pytest.mark.parametrize("kind", ["uniform", "perlin"])
def test_noise_is_added_before_diffusion_and_differs_from_key_to_key(kind):
    class Flat(NoiseEngine):
        def diffuse(self, request):
            super().diffuse(request)
            return Diffused(np.full((request.height, request.width, 3), 120, np.uint8))

    engine = Flat()
    frames = rendered(plan(W=64, H=64, diffusion_cadence=4, noise_type=kind, noise_schedule="0:(0.2)"), engine)
    second, third = (request.init_image.astype(int) for request in engine.requests[1:])
    assert second.std() > 5
    assert np.abs(second - third).mean() > 5
    assert frames[4].std() == 0


def test_anti_blur_sharpens_what_is_diffused():
    engine = NoiseEngine()
    smooth = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (24, 32, 3), np.uint8), (7, 7), 2)
    engine.diffuse = lambda request: engine.requests.append(request) or Diffused(smooth)
    rendered(plan(diffusion_cadence=4, amount_schedule="0:(0.8)"), engine)
    edges = cv2.Laplacian(engine.requests[1].init_image, cv2.CV_64F).var()
    assert edges > 1.5 * cv2.Laplacian(smooth, cv2.CV_64F).var()
