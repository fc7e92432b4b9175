"""Hybrid video in the loop: the video's motion moves the frames, its pictures are mixed in."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from render_parts import Frames, NoiseEngine, grey, plan, rendered

from deforum_helpers.imaging.flow import OpenCVFlow
from deforum_helpers.ports import Diffused
from deforum_helpers.render import Beginning
from deforum_helpers.rendering.data.inputs import Inputs

WIDTH, HEIGHT, STEP = 128, 96, 3
SIZE = {"W": WIDTH, "H": HEIGHT}


def scene(seed: int, width: int, height: int = HEIGHT) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


WIDE = scene(3, WIDTH + 64)
PANNING = Frames([np.ascontiguousarray(WIDE[:, 64 - STEP * i : 64 - STEP * i + WIDTH]) for i in range(9)])
"""The content moves to the right by STEP pixels a frame."""


class Painter(NoiseEngine):
    """The first picture is a scene of its own; after that, what it is given."""

    def diffuse(self, request):
        self.requests.append(request)
        image = scene(8, WIDTH) if request.init_image is None else request.init_image.copy()
        self.pictures[request.frame] = image
        return Diffused(image)


def shift(before: np.ndarray, after: np.ndarray) -> float:
    """Motion to the right, pixels, of the middle of the picture."""
    middle = (slice(16, -16), slice(24, -24))
    first, second = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY)[middle].astype(np.float32) for p in (before, after))
    window = cv2.createHanningWindow(first.shape[::-1], cv2.CV_32F)
    return cv2.phaseCorrelate(first, second, window)[0][0]


class Steady(OpenCVFlow):
    """Everything moves STEP pixels to the right."""

    def flow(self, source, target):
        flow = np.zeros((*source.shape[:2], 2), np.float32)
        flow[..., 0] = STEP
        return flow


def with_video(**more) -> Beginning:
    return Beginning(inputs=Inputs(video=PANNING, hybrid=PANNING, hybrid_flow=OpenCVFlow("DIS Medium"), **more))


@pytest.mark.parametrize("motion", ["Optical Flow", "Perspective", "Affine"])
@pytest.mark.parametrize("mode", ["2D", "3D", "Video Input"])
def test_frames_move_like_the_video(motion, mode):
    data = plan(
        **SIZE,
        animation_mode=mode,
        max_frames=9,
        diffusion_cadence=4,
        neocore_key_index_distribution="Uniform Spacing",
        hybrid_motion=motion,
        hybrid_composite="Normal" if mode == "Video Input" else "None",
        hybrid_comp_alpha_schedule="0:(0)",
        translation_z="0:(0)",
        use_depth_warping=False,
    )
    frames = rendered(data, Painter(), begin=with_video())
    for before, after in pairwise(frames[:5]):
        assert shift(before, after) == pytest.approx(STEP, abs=0.4)


def test_the_flow_factor_scales_the_motion():
    schedule = {"hybrid_flow_factor_schedule": "0:(0), 3:(2)"}
    data = plan(**SIZE, max_frames=5, diffusion_cadence=1, hybrid_motion="Optical Flow", **schedule)
    frames = rendered(data, Painter(), begin=Beginning(inputs=Inputs(hybrid=PANNING, hybrid_flow=Steady("DIS Medium"))))
    for frame, pixels in ((1, 2), (2, 4), (3, 6)):
        before, after = frames[frame - 1][:, 30:80].astype(int), frames[frame][:, 30 + pixels : 80 + pixels]
        assert np.abs(before - after).max() <= 1


def test_motion_from_the_picture_at_hand_leads_to_the_video():
    """The engine's first picture is the video's, displaced; following the video from there undoes the displacement."""

    class Displaced(Painter):
        def diffuse(self, request):
            if request.init_image is not None:
                return super().diffuse(request)
            return Diffused(np.roll(PANNING.frame(0), 4, axis=1))

    data = plan(
        **SIZE, max_frames=3, diffusion_cadence=1, hybrid_motion="Optical Flow", hybrid_motion_use_prev_img=True
    )
    frames = rendered(data, Displaced(), begin=with_video())
    assert shift(PANNING.frame(1), frames[1]) == pytest.approx(0, abs=0.4)
    assert shift(PANNING.frame(2), frames[2]) == pytest.approx(0, abs=0.4)


def test_what_a_consistent_flow_cannot_explain_stays():
    class Torn(OpenCVFlow):
        """There and back do not agree in the upper half."""

        calls = 0

        def flow(self, source, target):
            Torn.calls += 1
            flow = np.zeros((*source.shape[:2], 2), np.float32)
            flow[..., 0] = 8
            if Torn.calls % 2 == 0:
                flow[HEIGHT // 2 :] *= -1
            return flow

    kept = []
    inputs = Inputs(
        hybrid=PANNING, hybrid_flow=Torn("DIS Medium"), keep_extra=lambda kind, frame, _: kept.append((kind, frame))
    )
    data = plan(
        **SIZE,
        max_frames=2,
        diffusion_cadence=1,
        hybrid_motion="Optical Flow",
        hybrid_flow_consistency=True,
        hybrid_consistency_blur=0,
    )
    first, second = rendered(data, Painter(), begin=Beginning(inputs=inputs))
    assert np.array_equal(first[: HEIGHT // 2 - 1], second[: HEIGHT // 2 - 1])
    assert shift(first[HEIGHT // 2 :], second[HEIGHT // 2 :]) == pytest.approx(8, abs=0.3)
    assert kept == [("flow_mask", 1), ("flow", 1)]


class Black(NoiseEngine):
    def diffuse(self, request):
        self.requests.append(request)
        return Diffused(grey(0))


WHITE = Frames([grey(255)])


@pytest.mark.parametrize("position", ["Before Motion", "Normal"])
def test_the_video_is_mixed_in_before_diffusion(position):
    engine = Black()
    data = plan(max_frames=3, diffusion_cadence=1, hybrid_composite=position, hybrid_comp_alpha_schedule="0:(0), 2:(1)")
    rendered(data, engine, begin=Beginning(inputs=Inputs(hybrid=WHITE)))
    assert engine.requests[0].init_image is None
    assert [int(r.init_image.mean()) for r in engine.requests[1:]] == [128, 255]


def test_the_video_is_mixed_in_after_generation():
    data = plan(max_frames=3, diffusion_cadence=1, hybrid_composite="After Generation")
    frames = rendered(data, Black(), begin=Beginning(inputs=Inputs(hybrid=WHITE)))
    assert [int(frame.mean()) for frame in frames] == [0, 128, 128]


def test_before_motion_the_video_moves_too():
    """A column of the video at 64 is seen 3 pixels farther right than where it was mixed in."""
    marked = [grey(0, HEIGHT, WIDTH) for _ in range(3)]
    for picture in marked:
        picture[:, 64] = 255

    class Dark(NoiseEngine):
        def diffuse(self, request):
            self.requests.append(request)
            return Diffused(grey(0, HEIGHT, WIDTH))

    where = {}
    for position in ("Before Motion", "Normal"):
        engine = Dark()
        values = {"hybrid_composite": position, "hybrid_motion": "Optical Flow", "hybrid_comp_alpha_schedule": "0:(1)"}
        inputs = Inputs(hybrid=Frames(marked), hybrid_flow=Steady("DIS Medium"))
        rendered(plan(**SIZE, max_frames=2, diffusion_cadence=1, **values), engine, begin=Beginning(inputs=inputs))
        where[position] = int(engine.requests[1].init_image[10, :, 0].argmax())
    assert where == {"Before Motion": 64 + STEP, "Normal": 64}


class LeftNear:
    """The left half is near in dark pictures, the right half in bright ones."""

    name, kind = "left", "relative"

    def predict(self, image):
        depth = np.zeros(image.shape[:2], np.float32)
        half = depth.shape[1] // 2
        near = slice(None, half) if image.mean() < 128 else slice(half, None)
        depth[:, near] = 1
        return depth


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [("Depth", 0, 255), ("Video Depth", 255, 0), ("Difference", 0, 0), ("Blend", 128, 128)],
)
def test_masks_decide_where_the_video_is_seen(kind, left, right):
    """White in the mask keeps the (black) picture, black shows the (white) video."""
    engine = Black()
    values = {
        "hybrid_composite": "Normal",
        "hybrid_comp_mask_type": kind,
        "hybrid_comp_alpha_schedule": "0:(1)",
        "color_coherence": "None",
    }
    data = plan(max_frames=2, diffusion_cadence=1, **values)
    rendered(data, engine, begin=Beginning(inputs=Inputs(hybrid=WHITE, depth=LeftNear())))
    init = engine.requests[1].init_image
    assert init[:, :12].mean() == pytest.approx(left, abs=1)
    assert init[:, -12:].mean() == pytest.approx(right, abs=1)


def test_an_inverted_mask_is_the_other_way_round():
    engine = Black()
    values = {"hybrid_composite": "Normal", "hybrid_comp_mask_type": "Depth", "hybrid_comp_mask_inverse": True}
    data = plan(max_frames=2, diffusion_cadence=1, hybrid_comp_alpha_schedule="0:(1)", **values)
    rendered(data, engine, begin=Beginning(inputs=Inputs(hybrid=WHITE, depth=LeftNear())))
    assert engine.requests[1].init_image[:, :12].mean() == 255
    assert engine.requests[1].init_image[:, -12:].mean() == 0


def test_extra_frames_are_offered():
    kept = set()
    inputs = Inputs(hybrid=WHITE, depth=LeftNear(), keep_extra=lambda kind, frame, _: kept.add((kind, frame)))
    data = plan(max_frames=2, diffusion_cadence=1, hybrid_composite="Normal", hybrid_comp_mask_type="Video Depth")
    rendered(data, Black(), begin=Beginning(inputs=inputs))
    assert kept == {("prev", 1), ("mask", 1), ("comp", 1), ("vid_depth", 1)}
