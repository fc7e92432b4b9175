"""The motion of frames through a scene with depth, between key frames that are far apart."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from deforum_helpers.rendering.data.inputs import Inputs
from deforum_helpers.rendering.data.plan import build_render_data
from deforum_helpers.rendering.util import motions as motions_module
from deforum_helpers.rendering.util.motions import Motions
from deforum_helpers.settings.schema import Settings

LAST = 200
PICTURE = np.random.default_rng(3).integers(0, 256, (36, 64, 3), np.uint8)


class Bright:
    """Bright things are near."""

    name = "bright"
    kind = "relative"

    def predict(self, image):
        return image[..., 1].astype(np.float32) / 255


@pytest.fixture(scope="module")
def data():
    values = {"animation_mode": "3D", "W": 64, "H": 36, "max_frames": LAST + 1, "diffusion_cadence": LAST}
    moved = {"translation_z": "0: (0.2)", "translation_x": "0: (0.3*cos(t/10))", "use_depth_warping": True}
    return build_render_data(Settings().with_values({**values, **moved}))


def seen(data) -> Motions:
    motions = Motions(data, Inputs(depth=Bright()))
    motions.see(0, PICTURE)
    return motions


def test_a_motion_is_the_same_in_whatever_order_it_is_asked_for(data):
    straight, back = seen(data), seen(data)
    expected = [straight.at(frame).grid for frame in range(1, LAST + 1)]
    for frame in [LAST, *range(LAST - 1, 0, -1), 100, 17, 16, 150]:
        np.testing.assert_array_equal(back.at(frame).grid, expected[frame - 1])
        np.testing.assert_array_equal(straight.at(frame).grid, expected[frame - 1])


def test_far_key_frames_cost_little_memory_and_no_more_than_twice_the_work(data, monkeypatch):
    """The way of an interval: forward for the key frame, back from it, and then frame by frame."""
    made = []
    monkeypatch.setattr(
        motions_module, "frame_motion", lambda *args, real=motions_module.frame_motion: made.append(1) or real(*args)
    )
    motions = seen(data)
    size = motions.at(1).grid.nbytes
    tracemalloc.start()
    try:
        for frame in [*range(1, LAST + 1), *range(LAST, 0, -1)]:
            motions.at(frame)
        assert len(made) <= 2 * LAST
        for frame in range(1, LAST):
            motions.at(frame)
            motions.at(min(frame + 15, LAST))
            motions.forget_before(0, frame)
        assert len(made) <= 3 * LAST
        assert tracemalloc.get_traced_memory()[1] < 60 * size < LAST * size / 3
    finally:
        tracemalloc.stop()


def test_what_was_passed_is_not_needed_to_go_on(data):
    straight, passing = seen(data), seen(data)
    for frame in range(1, LAST + 1):
        np.testing.assert_array_equal(passing.at(frame).grid, straight.at(frame).grid)
        passing.forget_before(0, frame + 1)
