"""Diffusing a key frame more than once, and bringing pictures together by optical flow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from render_parts import NoiseEngine, grey, plan, rendered

from deforum_helpers.imaging.flow import OpenCVFlow
from deforum_helpers.ports import Diffused
from deforum_helpers.render import Beginning
from deforum_helpers.rendering.data.inputs import Inputs


class Counting(NoiseEngine):
    """The n-th picture has the level 10·n."""

    def diffuse(self, request):
        super().diffuse(request)
        return Diffused(grey(10 * len(self.requests)))


def test_a_redo_feeds_each_result_to_the_next():
    engine = Counting()
    frames = rendered(plan(max_frames=2, diffusion_cadence=1, diffusion_redo=2), engine)
    assert [request.frame for request in engine.requests] == [0, 1, 1, 1]
    assert [int(request.init_image.mean()) for request in engine.requests[1:]] == [10, 20, 30]
    assert [int(frame.mean()) for frame in frames] == [10, 40]


def test_redo_seeds_differ_and_repeat_and_the_last_is_the_frames_own():
    seeds = []
    for _ in range(2):
        engine = Counting()
        rendered(plan(max_frames=3, diffusion_cadence=1, diffusion_redo=3), engine)
        seeds.append([request.seed for request in engine.requests])
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 1 + 2 * 4
    assert [seeds[0][0], seeds[0][4], seeds[0][8]] == [7, 8, 9]


@pytest.mark.parametrize("values", [{"strength_schedule": "0:(0)"}, {"motion_preview_mode": True}])
def test_nothing_is_redone_at_a_cut_or_in_a_preview(values):
    engine = Counting()
    rendered(plan(max_frames=3, diffusion_cadence=1, diffusion_redo=3, **values), engine)
    assert len(engine.requests) == 3


def test_the_last_redo_takes_the_held_colours():
    """Of two redos, what goes into the diffusion that counts has the colours of frame 0 again."""
    engine = Counting()
    rendered(plan(max_frames=2, diffusion_cadence=1, diffusion_redo=2, color_coherence="RGB"), engine)
    assert [int(request.init_image.mean()) for request in engine.requests[1:]] == [10, 20, 10]


class Four(OpenCVFlow):
    """Everything moves four pixels to the right."""

    def flow(self, source, target):
        flow = np.zeros((*source.shape[:2], 2), np.float32)
        flow[..., 0] = 4
        return flow


class Dot(NoiseEngine):
    def diffuse(self, request):
        super().diffuse(request)
        picture = grey(0)
        picture[:, 10] = 255
        return Diffused(picture)


def test_a_redo_along_the_flow_moves_what_it_made():
    engine = Dot()
    data = plan(
        max_frames=2,
        diffusion_cadence=1,
        optical_flow_redo_generation="DIS Medium",
        redo_flow_factor_schedule="0:(0.5)",
    )
    rendered(data, engine, begin=Beginning(inputs=Inputs(redo_flow=Four("DIS Medium"))))
    assert [request.frame for request in engine.requests] == [0, 1, 1]
    assert int(engine.requests[2].init_image[5, :, 0].argmax()) == 12


TEXTURE = cv2.resize(
    np.random.default_rng(2).integers(0, 256, (16, 32, 3), np.uint8), (192, 96), interpolation=cv2.INTER_CUBIC
)


def view(shift: int) -> np.ndarray:
    """A part of a texture, its content ``shift`` pixels farther right."""
    return np.ascontiguousarray(TEXTURE[:, 32 - shift : 160 - shift])


class Stepping(NoiseEngine):
    """Two pixels to the right from frame to frame, as the engine sees it."""

    def diffuse(self, request):
        super().diffuse(request)
        return Diffused(view(2 * request.frame))


def error(frame: np.ndarray, wanted: np.ndarray) -> float:
    middle = (slice(8, -8), slice(16, -16))
    return float(np.abs(frame[middle].astype(int) - wanted[middle]).mean())


@pytest.mark.parametrize(("alignment", "shown"), [("Exact", {1: 2, 2: 4, 3: 6}), ("Classic", {4: 2, 5: 4, 6: 6})])
def test_flow_cadence_moves_instead_of_fading(alignment, shown):
    """``shown``: at which frame the texture should be seen how far right; Classic lags an interval behind."""
    values = {"W": 128, "H": 96, "max_frames": 9, "diffusion_cadence": 4, "neocore_tween_alignment": alignment}
    values["neocore_key_index_distribution"] = "Uniform Spacing"
    faded, moved = (
        rendered(
            plan(**values, optical_flow_cadence=method),
            Stepping(),
            begin=Beginning(inputs=Inputs(cadence_flow=None if method == "None" else OpenCVFlow(method))),
        )
        for method in ("None", "DIS Medium")
    )
    for frame, shift in shown.items():
        assert error(moved[frame], view(shift)) < 0.35 * error(faded[frame], view(shift))


def test_a_flow_factor_of_nothing_is_a_plain_fade():
    values = {"W": 128, "H": 96, "max_frames": 5, "diffusion_cadence": 4}
    plain = rendered(plan(**values), Stepping())
    data = plan(**values, optical_flow_cadence="DIS Medium", cadence_flow_factor_schedule="0:(0)")
    still = rendered(data, Stepping(), begin=Beginning(inputs=Inputs(cadence_flow=OpenCVFlow("DIS Medium"))))
    assert all(np.abs(a.astype(int) - b).max() <= 1 for a, b in zip(plain, still, strict=True))
