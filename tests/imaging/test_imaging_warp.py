from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from imaging_helpers import coverage_of, difference, rms, smaller

from deforum_helpers.errors import InputError
from deforum_helpers.imaging.camera import motion_2d, perspective_flip
from deforum_helpers.imaging.camera3d import Motion3D, motion_3d
from deforum_helpers.imaging.warp import DenseWarp, Homography

NAMES = {"transform_center_x": "center_x", "transform_center_y": "center_y"}
FLIP = {"theta": "theta", "phi": "phi", "gamma": "gamma", "fv": "field_of_view"}


def golden_motion(keys):
    """What the original does: perspective flips lose the translation and photograph from one unit too far away."""
    flip = {FLIP[k.rpartition("_")[2]]: v for k, v in keys.items() if k.startswith("perspective_flip")}
    plane = {NAMES.get(k, k): v for k, v in keys.items() if not k.startswith("perspective_flip")}
    return plane, flip


def test_2d_goldens_within_one_level(golden):
    arrays, cases = golden("warps")
    for case in cases["2d"]:
        plane, flip = golden_motion(case["keys"])
        if case["anim_args"].get("enable_perspective_flip"):
            plane = {k: v for k, v in plane.items() if not k.startswith("translation")}
        warp = motion_2d(width=160, height=96, **plane)
        if case["anim_args"].get("enable_perspective_flip"):
            warp = warp.then(smaller(160, 96, flip.get("field_of_view", 53.0)))
            warp = warp.then(perspective_flip(width=160, height=96, **flip))
        result = warp.apply(arrays["input"], border=case["anim_args"].get("border", "replicate"))
        assert difference(result, arrays[case["id"]]) <= 1, case["id"]


def test_flip_is_identity_at_zero_angles_and_close_to_it_near_zero():
    assert perspective_flip(width=512, height=512).is_identity
    nearly = perspective_flip(width=512, height=512, theta=1e-7, phi=1e-7, gamma=1e-7)
    assert np.allclose(nearly.matrix, np.eye(3), atol=1e-5)


def test_flip_keeps_the_translation():
    flip = perspective_flip(width=160, height=96, theta=5)
    moved = motion_2d(width=160, height=96, translation_x=30).then(flip)
    point = flip.matrix @ (30, 0, 1)
    assert np.allclose(moved.matrix @ (0, 0, 1) / moved.matrix[2, 2], point / moved.matrix[2, 2])
    assert not np.allclose(moved.matrix, flip.matrix)


@pytest.mark.parametrize("field_of_view", [0, 180, -5])
def test_flip_rejects_impossible_fields_of_view(field_of_view):
    with pytest.raises(InputError, match="not between 0 and 180"):
        perspective_flip(width=64, height=64, theta=1, field_of_view=field_of_view)


def test_flip_rejects_a_card_seen_edge_on():
    with pytest.raises(InputError, match="edge on"):
        perspective_flip(width=64, height=64, gamma=90)


def test_positive_signs_of_2d():
    dot = np.zeros((65, 65), np.uint8)
    dot[32, 48] = 255
    turned = motion_2d(width=64, height=64, angle=90).apply(dot)
    assert np.unravel_index(turned.argmax(), turned.shape) == (16, 32), "counter-clockwise takes right to up"
    shifted = motion_2d(width=64, height=64, translation_x=5, translation_y=7).apply(dot)
    assert np.unravel_index(shifted.argmax(), shifted.shape) == (39, 53)


@given(
    angle=st.floats(-180, 180),
    zoom=st.floats(0.05, 20),
    shift=st.floats(-500, 500),
    centre=st.floats(-1, 2),
    tilt=st.floats(-1e-4, 1e-4),
)
def test_inverse_undoes_and_composition_associates(angle, zoom, shift, centre, tilt):
    a = motion_2d(width=640, height=360, angle=angle, zoom=zoom, translation_x=shift, center_y=centre)
    b = Homography(np.array([[1.1, 0.1, 3], [-0.1, 0.9, -2], [tilt, -tilt, 1]]))
    both = a.then(b)
    assert np.allclose(both.then(both.inverse()).matrix, np.eye(3), atol=1e-6)
    assert np.allclose(a.then(b).then(a).matrix, a.then(b.then(a)).matrix, atol=1e-6)
    point = np.array([12.0, 34.0, 1.0])
    step = a.matrix @ point
    onward = b.matrix @ (step / step[2])
    direct = both.matrix @ point
    assert np.allclose(onward[:2] / onward[2], direct[:2] / direct[2], rtol=1e-6, atol=1e-5)


def test_a_zoom_of_zero_is_an_input_error():
    with pytest.raises(InputError, match="zoom"):
        motion_2d(width=64, height=64, zoom=0)
    with pytest.raises(InputError, match="squeezes"):
        Homography(np.diag([1.0, 0.0, 1.0])).inverse()


def test_values_that_are_not_finite_are_reported_together():
    with pytest.raises(InputError) as caught:
        motion_2d(width=64, height=64, translation_x=math.inf, angle=math.nan)
    assert [finding.key for finding in caught.value.findings] == ["angle", "translation_x"]
    with pytest.raises(InputError, match="finite"):
        Homography(np.full((3, 3), np.nan))


def test_thirty_motions_composed_equal_the_one_big_motion(photo):
    step = motion_2d(width=320, height=180, angle=0.5, zoom=1.01, center_x=0.4)
    chain = Homography.identity()
    for _ in range(30):
        chain = chain.then(step)
    big = motion_2d(width=320, height=180, angle=15, zoom=1.01**30, center_x=0.4)
    assert rms(chain.apply(photo), big.apply(photo)) < 0.5

    dense = DenseWarp.identity(180, 320)
    for _ in range(30):
        dense = dense.then(step.to_dense(180, 320))
    assert rms(dense.apply(photo), big.apply(photo)) < 0.5


def test_a_composed_chain_stays_sharp(photo):
    """Detail after 30 steps forth and 30 back: all of it when composed, little when resampled each time."""

    def detail(image):
        return float(np.abs(np.diff(image[40:-40, 40:-40].astype(np.float64), n=2, axis=1)).mean())

    fine = photo.copy()
    fine[:, ::3] //= 2
    step = motion_2d(width=320, height=180, angle=0.3, translation_x=0.37)
    chain, repeated = Homography.identity(), fine
    for warp in [step] * 30 + [step.inverse()] * 30:
        chain = chain.then(warp)
        repeated = warp.apply(repeated)
    assert detail(chain.apply(fine)) > 0.98 * detail(fine)
    assert detail(repeated) < 0.5 * detail(fine)


@pytest.mark.parametrize("border", ["replicate", "wrap", "reflect", "reflect101"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@settings(max_examples=15, deadline=None)
@given(value=st.integers(0, 255), angle=st.floats(-180, 180), zoom=st.floats(0.3, 3), tilt=st.floats(-1e-3, 1e-3))
def test_a_constant_picture_stays_constant_under_every_warp(border, interpolation, value, angle, zoom, tilt):
    grey = np.full((48, 64, 3), value, np.uint8)
    flat = motion_2d(width=64, height=48, angle=angle, zoom=zoom, translation_x=9)
    tilted = flat.then(Homography(np.array([[1, 0, 0], [0, 1, 0], [tilt, tilt / 2, 1]])))
    smooth = motion_3d(Motion3D(rotation_y=tilt * 5000), width=64, height=48).then(flat)
    for warp in (flat, tilted, smooth, smooth.inverse(), flat.to_dense(48, 64), tilted.to_dense(48, 64)):
        assert (warp.apply(grey, border=border, interpolation=interpolation) == value).all()


@given(mask=arrays(np.uint8, (24, 32)))
def test_nothing_happens_to_a_mask_under_the_identity(mask):
    for warp in (Homography.identity(), motion_3d(Motion3D(), width=32, height=24), DenseWarp.identity(24, 32)):
        for interpolation in ("nearest", "bilinear", "bicubic"):
            assert (warp.apply(mask, interpolation=interpolation) == mask).all()


def test_zeros_border_is_black_outside():
    grey = np.full((48, 64, 3), 137, np.uint8)
    shifted = motion_2d(width=64, height=48, translation_x=10).apply(grey, border="zeros")
    assert (shifted[:, :10] == 0).all()
    assert (shifted[:, 10:] == 137).all()


def test_output_size_and_unknown_options():
    picture = np.zeros((48, 64, 3), np.uint8)
    assert Homography.identity().apply(picture, size=(30, 40)).shape == (30, 40, 3)
    with pytest.raises(ValueError, match="border 'mirror'"):
        motion_2d(width=64, height=48, angle=1).apply(picture, border="mirror")
    with pytest.raises(ValueError, match="interpolation 'lanczos'"):
        DenseWarp.identity(48, 64).apply(picture, interpolation="lanczos")
    with pytest.raises(ValueError, match="3×3"):
        Homography(np.eye(2))
    with pytest.raises(ValueError, match="H×W×2"):
        DenseWarp(np.zeros((4, 4, 3), np.float32))
    with pytest.raises(ValueError, match="cannot make a picture"):
        DenseWarp.identity(48, 64).apply(picture, size=(10, 10))


def test_identity_gives_an_equal_copy(photo):
    for warp in (Homography.identity(), DenseWarp.identity(180, 320)):
        result = warp.apply(photo)
        assert (result == photo).all()
        assert not np.shares_memory(result, photo)


def test_dense_and_matrix_composition_agree(photo):
    a = motion_2d(width=320, height=180, angle=4, zoom=1.1)
    b = Homography(np.array([[1, 0.05, 3], [-0.02, 0.97, 2], [1e-4, 5e-5, 1]]))
    expected = a.then(b).to_dense(180, 320).grid
    for composed in (
        a.then(b.to_dense(180, 320)),
        a.to_dense(180, 320).then(b),
        a.to_dense(180, 320).then(b.to_dense(180, 320)),
    ):
        assert np.abs(composed.grid - expected).max() < 2e-3


@pytest.mark.parametrize(("angle", "zoom", "tilt"), [(3, 1.05, 0), (120, 1.0, 0), (0, 0.4, 0), (10, 3.0, 3e-4)])
def test_dense_inverse_undoes_the_warp(angle, zoom, tilt):
    warp = motion_2d(width=320, height=180, angle=angle, zoom=zoom)
    warp = warp.then(Homography(np.array([[1, 0, 0], [0, 1, 0], [tilt, tilt / 2, 1]]))).to_dense(180, 320)
    back = warp.inverse()
    round_trip = warp.then(back)
    inside = coverage_of(back, 180, 320) > 0.99
    assert inside.any()
    error = np.abs(round_trip.grid - DenseWarp.identity(180, 320).grid).max(axis=2)
    assert error[inside].max() < 0.05


def test_dense_inverse_of_a_collapsed_grid_is_an_input_error():
    with pytest.raises(InputError, match="squeezes"):
        DenseWarp(np.full((20, 30, 2), 5, np.float32)).inverse()


def test_coverage_is_none_for_the_identity_for_wrap_and_for_zooming_in():
    out = motion_2d(width=64, height=48, angle=5, zoom=0.8)
    closer = motion_2d(width=64, height=48, zoom=1.3, center_x=0.49, center_y=0.49)
    for full in (Homography.identity(), closer):
        assert full.coverage(48, 64) is None
        assert full.to_dense(48, 64).coverage(48, 64) is None
    assert out.coverage(48, 64) is not None
    assert out.coverage(48, 64, border="wrap") is None


@pytest.mark.parametrize("dense", [False, True])
def test_coverage_is_zero_outside_and_rises_over_a_band_that_grows_with_the_margin(dense):
    def coverage(shift):
        warp = motion_2d(width=400, height=60, translation_x=shift)
        return coverage_of(warp.to_dense(60, 400) if dense else warp, 60, 400, feather=2.0)

    for shift in (10, 20):
        row = coverage(shift)[30]
        assert (row[: shift - 1] < 0.003).all(), "these pixels show nothing of the source"
        assert (np.diff(row) >= 0).all()
        assert row[3 * shift - 2] < 0.999
        assert row[3 * shift :] == pytest.approx(1, abs=0.006), "band of two margins"
        assert 0.4 < row[2 * shift] < 0.6


def test_coverage_only_fades_at_uncovered_sides():
    cover = coverage_of(motion_2d(width=100, height=60, translation_x=5), 60, 100, feather=1.0)
    assert (cover[:, 20:] == 1).all()


def test_coverage_vanishes_continuously_towards_the_identity():
    def lowest(scale):
        return float(coverage_of(motion_2d(width=320, height=180, angle=scale, translation_x=scale), 180, 320).min())

    values = [lowest(scale) for scale in (0.1, 0.01, 0.001, 0.0001)]
    assert values == sorted(values)
    assert values[-1] > 0.99


def test_coverage_is_zero_behind_the_horizon():
    tilted = Homography(np.array([[1, 0, 0], [0, 1, 0], [0, 0.02, 1]]))
    back = tilted.inverse()
    _, lines = np.mgrid[0:90, 0:64][::-1]
    behind = back.matrix[2, 1] * lines + back.matrix[2, 2] <= 0
    assert behind.any()
    assert (coverage_of(tilted, 90, 64)[behind] == 0).all()


def test_warps_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        Homography.identity().matrix[0, 0] = 2
    with pytest.raises(ValueError, match="read-only"):
        DenseWarp.identity(4, 4).grid[0, 0] = 2
