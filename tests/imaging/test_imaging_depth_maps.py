"""Depth for the camera and for the eye."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.imaging.depth_maps import (
    DepthRange,
    camera_depth,
    depth_picture,
    depth_range,
    depth_range_of,
    depth_to_grey,
    nearness,
)

METRES = np.random.default_rng(1).uniform(0.5, 40, (30, 50)).astype(np.float32)


def test_nearness_is_the_inverse_of_metres_and_bounded():
    near = nearness(np.array([[0.0, -1.0, 0.5, 4.0, 1e6]], np.float32))
    assert near.dtype == np.float32
    assert near == pytest.approx(np.array([[1000, 1000, 2, 0.25, 1e-6]]))


class TestCameraDepth:
    @pytest.mark.parametrize("kind", ["relative", "metric"])
    def test_near_things_are_at_one_far_things_at_two(self, kind):
        distance = camera_depth(nearness(METRES), kind, "Zoe")
        assert distance.dtype == np.float32
        assert distance.shape == METRES.shape
        # Equalised: ranks, not metres; those that share one of the 1024 bins share a rank.
        assert distance.min() == pytest.approx(1, abs=0.1)
        assert distance.max() == pytest.approx(2, abs=0.1)
        assert np.corrcoef(np.argsort(np.argsort(METRES, axis=None)), distance.ravel())[0, 1] > 0.98
        assert distance.ravel()[METRES.argmin()] < distance.ravel()[METRES.argmax()]

    def test_the_old_algorithms_take_metres_as_they_are(self):
        assert camera_depth(nearness(METRES), "metric", "Zoe+AdaBins (old)") == pytest.approx(METRES, rel=1e-5)

    def test_without_metres_the_old_algorithms_are_like_the_others(self):
        relative = nearness(METRES)
        old, new = (camera_depth(relative, "relative", name) for name in ("Midas+AdaBins (old)", "Midas-3-Hybrid"))
        assert np.array_equal(old, new)

    @pytest.mark.parametrize("kind", ["relative", "metric"])
    @pytest.mark.parametrize("bad", [np.nan, np.inf, None])
    def test_no_depth_is_a_flat_scene(self, kind, bad):
        assert camera_depth(None, kind) is None
        assert camera_depth(np.ones((4, 4), np.float32), kind) is None
        if bad is not None:
            depth = nearness(METRES)
            depth[3, 3] = bad
            # Infinitely near is 0 m in a metric depth: that is a distance.
            assert (camera_depth(depth, kind) is None) == (kind == "relative" or bool(np.isnan(bad)))


class TestGrey:
    def test_one_range_for_the_whole_run(self):
        first = np.linspace(2, 8, 64, dtype=np.float32).reshape(8, 8)
        shown = depth_range(first, "relative")
        assert shown == DepthRange(0.0, 10.0)
        later = depth_picture(first * 1.1, shown)
        assert later.shape == (8, 8, 3)
        assert later[0, 0].tolist() == [56, 56, 56]
        assert later.max() == 224

    def test_metric_ranges_need_no_first_picture(self):
        assert depth_range(nearness(METRES), "metric") == depth_range(nearness(METRES / 9), "metric")

    def test_the_range_of_a_clip_takes_in_all_samples_but_not_stray_pixels(self):
        near, far = np.full((20, 20), 8, np.float32), np.full((20, 20), 2, np.float32)
        near[0, 0], far[0, 0] = 1000, -1000
        assert depth_range_of([near, far]) == depth_range_of(iter([far, near])) == DepthRange(2.0, 8.0)
        ramp = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100)
        shown = depth_range_of([ramp])
        assert (shown.low, shown.high) == pytest.approx((0.01, 0.99), abs=1e-3)

    def test_a_flat_clip_has_a_range(self):
        shown = depth_range_of([np.full((4, 4), 3, np.float32)])
        assert depth_picture(np.full((4, 4), 3, np.float32), shown).max() == 0

    def test_an_empty_scene_has_a_range(self):
        shown = depth_range(np.zeros((2, 2), np.float32), "relative")
        assert depth_picture(np.zeros((2, 2), np.float32), shown).max() == 0

    def test_ends_and_rounding(self):
        depth = np.array([[-5, 0, 0.5, 1, 7, np.nan]], np.float32)
        assert depth_to_grey(depth, 0, 1).tolist() == [[0, 0, 128, 255, 255, 0]]

    @given(st.floats(-100, 100), st.floats(0.1, 100))
    def test_nearer_is_never_darker(self, low, extent):
        depth = np.linspace(low - extent, low + 2 * extent, 200, dtype=np.float32)[None]
        grey = depth_to_grey(depth, low, low + extent)[0]
        assert (np.diff(grey.astype(int)) >= 0).all()
        assert (grey[0], grey[-1]) == (0, 255)

    def test_an_empty_range_is_refused(self):
        with pytest.raises(ValueError, match="empty"):
            depth_to_grey(METRES, 1, 1)
