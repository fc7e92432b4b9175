"""Warps on a lattice against exact arithmetic at every pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imaging_helpers import coverage_of, difference, rms

from deforum_helpers.errors import InputError
from deforum_helpers.imaging.camera import motion_2d, rotation_xyz
from deforum_helpers.imaging.camera3d import Motion3D, motion_3d
from deforum_helpers.imaging.sampling import row_strips
from deforum_helpers.imaging.smooth import Lattice, SmoothWarp
from deforum_helpers.imaging.warp import DenseWarp, Homography

SIZES = [(1280, 720), (1281, 719), (512, 512), (160, 96), (64, 48)]
SIZE = {"width": 640, "height": 360}


EVERY = 5
"""Pixels from one that is checked to the next; odd, so that all places between points are met."""


def pixels(width, height):
    return np.stack(np.meshgrid(np.arange(0, width, EVERY, dtype=np.float64), np.arange(0, height, EVERY)), axis=2)


def grid_of(warp):
    lattice = warp.lattice
    return warp.to_dense(lattice.height, lattice.width).grid[::EVERY, ::EVERY]


def exact_source(motion, points, width, height):
    """The formula of ``motion_3d`` for a flat scene, in double precision, at any output positions."""
    position = 2 * points / (width - 1, height - 1) - 1
    rotation = rotation_xyz(motion.rotation_x, motion.rotation_y, motion.rotation_z)
    shift = np.array([-motion.translation_x, motion.translation_y, -motion.translation_z]) / 200
    moved = np.concatenate([position, np.ones((*position.shape[:2], 1))], axis=2) @ rotation + shift
    slope = math.tan(math.radians(motion.fov) / 2)
    aspect = width / height if motion.aspect_ratio is None else motion.aspect_ratio
    gains = np.array([width / 2 / (aspect * slope), height / 2 / slope])
    return points + position * gains - moved[..., :2] / moved[..., 2:] * gains


def inside(points, width, height, margin=0.0):
    x, y = points[..., 0], points[..., 1]
    return (x >= margin) & (x <= width - 1 - margin) & (y >= margin) & (y <= height - 1 - margin)


def golden_motions(golden):
    for case in golden("warps")[1]["3d_flat"]:
        names = {k.replace("rotation_3d", "rotation"): v for k, v in case["keys"].items()}
        own = case["anim_args"].get("aspect_ratio_use_old_formula")
        known = {k: v for k, v in names.items() if k in Motion3D.__dataclass_fields__}
        yield Motion3D(**(known | ({"aspect_ratio": None} if own else {})))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_golden_motions_within_a_fiftieth_of_a_pixel(golden, width, height):
    points = pixels(width, height)
    for motion in golden_motions(golden):
        exact = exact_source(motion, points, width, height)
        grid = grid_of(motion_3d(motion, width=width, height=height))
        error = np.abs(grid - exact).max(axis=2)
        assert error[inside(exact, width, height, -10)].max() <= 0.02, motion


CHAINS = [
    Motion3D(translation_z=2, rotation_y=0.4, rotation_z=0.3),
    Motion3D(translation_x=1.5, translation_y=-1, rotation_x=0.3, rotation_y=-0.5),
    Motion3D(translation_z=-1.5, rotation_z=1, fov=40),
    Motion3D(rotation_y=1.0, fov=90),
]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (512, 512), (160, 96)])
@pytest.mark.parametrize("motion", CHAINS)
def test_thirty_steps_within_a_fiftieth_of_a_pixel(motion, width, height):
    """Forward and backward; where every step looks into the picture, beyond it chains go on as they please."""
    step = motion_3d(motion, width=width, height=height)
    forward = backward = step
    exact = exact_source(motion, pixels(width, height), width, height)
    visible = inside(exact, width, height)
    for _ in range(29):
        forward, backward = forward.then(step), step.then(backward)
        exact = exact_source(motion, exact, width, height)
        visible &= inside(exact, width, height)
    assert visible.mean() > 0.1
    for chain in (forward, backward):
        error = np.abs(grid_of(chain) - exact).max(axis=2)
        assert error[visible].max() <= 0.02


@pytest.mark.parametrize("motion", CHAINS)
def test_the_inverse_of_thirty_steps_comes_back(motion):
    step = motion_3d(motion, **SIZE)
    chain = step
    for _ in range(29):
        chain = chain.then(step)
    back = chain.inverse()
    seen = inside(grid_of(back), 640, 360, 2)
    assert seen.mean() > 0.1
    for round_trip in (chain.then(back), back.then(chain).then(chain).then(back)):
        assert isinstance(round_trip, SmoothWarp)
    error = np.abs(grid_of(chain.then(back)) - pixels(640, 360)).max(axis=2)
    assert error[seen].max() < 0.02


@settings(max_examples=25, deadline=None)
@given(
    motion=st.builds(
        Motion3D,
        translation_x=st.floats(-20, 20),
        translation_y=st.floats(-20, 20),
        translation_z=st.floats(-20, 20),
        rotation_x=st.floats(-3, 3),
        rotation_y=st.floats(-3, 3),
        rotation_z=st.floats(-180, 180),
        fov=st.floats(50, 100),
    ),
    other=st.builds(
        Motion3D, translation_x=st.floats(-9, 9), rotation_z=st.floats(-20, 20), rotation_y=st.floats(-3, 3)
    ),
)
def test_composition_reads_one_where_the_other_looks_and_the_inverse_undoes(motion, other):
    width, height = 320, 180  # turned much farther, the formula folds at the corners
    a, b = (motion_3d(m, width=width, height=height) for m in (motion, other))
    between = exact_source(other, pixels(width, height), width, height)
    exact = exact_source(motion, between, width, height)
    composed = grid_of(a.then(b))
    known = inside(between, width, height)
    assert np.abs(composed - exact).max(axis=2)[known].max(initial=0) < 0.02
    back = a.inverse()
    seen = inside(grid_of(back), width, height, 1)
    error = np.abs(grid_of(a.then(back)) - pixels(width, height)).max(axis=2)
    assert error[seen].max(initial=0) < 0.05


def test_with_homographies_it_stays_smooth_and_with_dense_warps_it_gets_dense():
    smooth = motion_3d(Motion3D(translation_z=5, rotation_y=2), **SIZE)
    flat = motion_2d(**SIZE, angle=4, zoom=1.05, translation_x=7)
    tilted = flat.then(Homography(np.array([[1, 0, 0], [0, 1, 0], [1e-4, 5e-5, 1]])))
    dense = {warp: warp.to_dense(360, 640) for warp in (smooth, flat, tilted)}
    for a, b in ((smooth, flat), (flat, smooth), (smooth, tilted), (tilted, smooth)):
        composed = a.then(b)
        assert isinstance(composed, SmoothWarp)
        known = inside(dense[b].grid, 640, 360)[::EVERY, ::EVERY]
        expected = a.source_of(dense[b].grid)[::EVERY, ::EVERY]
        assert np.abs(grid_of(composed) - expected).max(axis=2)[known].max() < 0.01
        assert np.abs(dense[a].then(dense[b]).grid[::EVERY, ::EVERY] - expected).max(axis=2)[known].max() < 0.01
    for a, b in ((smooth, dense[flat]), (dense[flat], smooth)):
        assert isinstance(a.then(b), DenseWarp)
        other = {id(smooth): dense[smooth]}
        expected = other.get(id(a), a).then(other.get(id(b), b)).grid
        assert np.abs(a.then(b).grid - expected).max() < 1e-3


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("border", ["replicate", "reflect", "wrap", "zeros"])
def test_pictures_and_coverage_are_those_of_the_grid(photo, interpolation, border):
    warp = motion_3d(Motion3D(translation_z=-8, rotation_y=3), width=320, height=180)
    dense = warp.to_dense(180, 320)
    shown = warp.apply(photo, interpolation=interpolation, border=border)
    assert difference(shown, dense.apply(photo, interpolation=interpolation, border=border)) == 0
    assert (warp.coverage(180, 320, border=border) is None) == (border == "wrap")
    ours, theirs = (coverage_of(w, 180, 320, border=border) for w in (warp, dense))
    if border != "wrap":
        assert ours.min() < 0.01
        assert np.abs(ours - theirs).max() < 0.02


def test_coverage_is_none_for_the_identity_and_for_going_closer():
    for motion in (Motion3D(), Motion3D(translation_z=5)):
        assert motion_3d(motion, width=641, height=355).coverage(355, 641) is None


def test_a_collapsed_warp_has_no_inverse():
    lattice = Lattice(48, 64)
    with pytest.raises(InputError, match="squeezes"):
        SmoothWarp(np.full((*lattice.shape, 2), 5, np.float32), lattice).inverse()


def test_sizes_must_fit():
    warp = motion_3d(Motion3D(), width=64, height=48)
    for call in (warp.to_dense, warp.coverage):
        with pytest.raises(ValueError, match="for pictures of"):
            call(64, 48)
    with pytest.raises(ValueError, match="for pictures of"):
        warp.apply(np.zeros((48, 64, 3), np.uint8), size=(10, 10))
    with pytest.raises(ValueError, match="control points"):
        SmoothWarp(np.zeros((4, 4, 2), np.float32), Lattice(48, 64))
    with pytest.raises(ValueError, match="read-only"):
        warp.nodes[0, 0] = 2


@pytest.mark.parametrize("border", ["replicate", "wrap"])
def test_a_warp_read_in_strips_is_the_warp_read_at_once(photo, border):
    """A homography's positions are rounded where each strip begins."""
    smooth = motion_3d(Motion3D(translation_z=-8, rotation_y=3), width=320, height=180)
    tilted = Homography(np.array([[1, 0.02, 3], [-0.02, 1, 1], [1e-4, 0, 1]]))
    affine = motion_2d(width=320, height=180, angle=4, zoom=0.9)
    for warp in (smooth, smooth.to_dense(180, 320), tilted, affine):
        for interpolation in ("bilinear", "bicubic"):
            read = warp.reader(photo, interpolation=interpolation, border=border)
            whole, strips = read(slice(0, 180)), np.vstack([read(rows) for rows in row_strips(180, 50)])
            assert rms(whole, strips) <= (0.4 if isinstance(warp, Homography) else 0)
            exact = warp.apply(photo, interpolation=interpolation, border=border)
            assert rms(whole, exact) < 0.7
        at = warp.coverage(180, 320, border=border)
        if at is not None:
            whole = at(slice(0, 180))
            np.testing.assert_allclose(whole, np.vstack([at(r) for r in row_strips(180, 50)]), atol=1e-6)
            np.testing.assert_allclose(whole[20:70, 33:291], at(slice(20, 70), slice(33, 291)), atol=1e-6)


@pytest.mark.parametrize("zoom", [0.999, 0.98, 0.9, 0.6])
@pytest.mark.parametrize("angle", [0.0, 3.0])
def test_confidence_is_that_of_every_pixel_whatever_it_is_worked_out_for(zoom, angle):
    flat = motion_2d(width=320, height=180, angle=angle, zoom=zoom, translation_x=2)
    smooth = motion_3d(Motion3D(translation_z=300 * (zoom - 1), rotation_y=angle), width=320, height=180)
    for warp in (flat, smooth):
        exact = coverage_of(warp.to_dense(180, 320), 180, 320)
        known = warp.coverage(180, 320)
        off = np.abs(coverage_of(warp, 180, 320) - exact)
        assert off.max() <= 0.03
        assert (off > 0.006).mean() <= 0.01
        for rows in row_strips(180, 30):
            sure = ~known.columns(known.unsure, rows)
            assert (exact[rows][:, sure] == 1).all()


def test_the_identity_reads_the_picture_itself(photo):
    assert np.shares_memory(Homography.identity().reader(photo)(slice(3, 9)), photo)
