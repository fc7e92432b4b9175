from __future__ import annotations

import numpy as np
import pytest

from deforum_helpers.imaging.camera import motion_2d
from deforum_helpers.imaging.hybrid import (
    MaskOptions,
    auto_contrast,
    blend_mask,
    composite,
    difference_mask,
    match_motion,
    shape_mask,
)
from deforum_helpers.imaging.warp import Homography


def grey(level):
    return np.full((8, 10, 3), level, np.uint8)


def test_auto_contrast_golden(golden):
    arrays, _ = golden("hybrid")
    assert np.abs(auto_contrast(arrays["gray"], 10, 90) - arrays["autocontrast_10_90"]).max() < 1e-4


def test_auto_contrast_of_an_even_mask_is_the_mask():
    assert (auto_contrast(grey(7)[..., 0], 5, 95) == 7).all()


def test_mask_types():
    assert (blend_mask(grey(100), grey(200), 0.25) == 125).all()
    assert (difference_mask(grey(100), grey(180)) == 80).all()


def test_mask_options_in_order():
    ramp = np.tile(np.linspace(50, 150, 101).astype(np.uint8), (4, 1))
    assert (shape_mask(ramp, MaskOptions()) == ramp).all()
    assert (shape_mask(ramp, MaskOptions(invert=True)) == 255 - ramp).all()
    assert np.ptp(shape_mask(ramp, MaskOptions(contrast=0.5))) == 50
    stretched = shape_mask(ramp, MaskOptions(auto_contrast=True, cutoff_low=0, cutoff_high=100))
    assert (stretched.min(), stretched.max()) == (0, 255)
    for when in ("Before", "After", "Both"):
        assert np.ptp(shape_mask(ramp, MaskOptions(equalize=when))) > 240
    before = shape_mask(ramp, MaskOptions(equalize="Before", contrast=0.5))
    after = shape_mask(ramp, MaskOptions(equalize="After", contrast=0.5))
    assert np.ptp(before) < 140 < np.ptp(after)


def test_composite_takes_the_video_where_the_mask_is_black():
    mask = np.zeros((8, 10), np.uint8)
    mask[:, 5:] = 255
    mixed = composite(grey(100), grey(200), alpha=1.0, mask=mask)
    assert (mixed[:, :5] == 200).all()
    assert (mixed[:, 5:] == 100).all()
    assert (composite(grey(100), grey(200), alpha=0.5) == 150).all()
    assert (composite(grey(100), grey(200), alpha=0.0, mask=mask) == 100).all()


@pytest.fixture(scope="module")
def texture():
    random = np.random.default_rng(4)
    coarse = random.integers(0, 256, (30, 45, 3), dtype=np.uint8)
    grow = Homography(np.diag([8.0, 8.0, 1.0]))
    return grow.apply(coarse, size=(240, 360))


@pytest.mark.parametrize("kind", ["Affine", "Perspective"])
def test_motion_between_frames_is_found(texture, kind):
    motion = motion_2d(width=360, height=240, angle=3, zoom=1.04, translation_x=6)
    found = match_motion(texture, motion.apply(texture), kind)
    for corner in ((30, 30), (330, 30), (180, 210)):
        expected, actual = (warp.matrix @ (*corner, 1) for warp in (motion, found))
        assert np.abs(expected[:2] / expected[2] - actual[:2] / actual[2]).max() < 0.5


def test_no_features_no_motion():
    assert match_motion(grey(10), grey(10), "Perspective").is_identity
    noise = np.random.default_rng(0).integers(0, 256, (2, 120, 160, 3), dtype=np.uint8)
    assert match_motion(noise[0], noise[1], "Affine").is_identity
