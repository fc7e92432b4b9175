"""One prediction of depth for thirty frames: two planes, whose places under each camera are known exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from imaging_helpers import rms

from deforum_helpers.imaging.camera3d import Motion3D, depth_after, motion_3d
from deforum_helpers.imaging.warp import DenseWarp

WIDTH, HEIGHT, FRAMES = 320, 180, 30
DISTANCES = {"near": 1.2, "far": 1.9}
FLIGHTS = [
    Motion3D(translation_z=3, translation_x=1),
    Motion3D(translation_z=-4, translation_x=-2),
    Motion3D(translation_z=3.5),
]


def scene_depth():
    """The near plane above the horizon, the far one below: motion along x and z keeps them apart."""
    depth = np.full((HEIGHT, WIDTH), DISTANCES["far"], np.float32)
    depth[: HEIGHT // 2] = DISTANCES["near"]
    return depth


def chain(motion, carrying):
    """The composed warp and the depth at its end."""
    depth, warp = scene_depth(), DenseWarp.identity(HEIGHT, WIDTH)
    for _ in range(FRAMES):
        step = motion_3d(motion, width=WIDTH, height=HEIGHT, depth=depth)
        warp = warp.then(step)
        if carrying:
            depth = depth_after(depth, motion, step)
    return warp, depth


def exact_source(motion, distance):
    """Source position of every pixel if all of it were at one distance: a scale and a shift for each frame."""
    slope = math.tan(math.radians(motion.fov) / 2)
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float64), np.arange(HEIGHT, dtype=np.float64))
    for frame in range(FRAMES - 1, -1, -1):
        before, after = (distance - motion.translation_z / 200 * n for n in (frame, frame + 1))
        across, down = 2 * x / (WIDTH - 1) - 1, 2 * y / (HEIGHT - 1) - 1
        x = x - ((across - motion.translation_x / 200) / after - across / before) * WIDTH / 2 / slope
        y = y - (down / after - down / before) * HEIGHT / 2 / slope
    return np.stack([x, y], axis=2)


def halves(source):
    """Pixels of either plane that show something, away from the line between the planes."""
    x, y = source[..., 0], source[..., 1]
    visible = (x > 1) & (x < WIDTH - 2) & (y > 1) & (y < HEIGHT - 2)
    rows = np.arange(HEIGHT)[:, None]
    return {"near": visible & (rows < HEIGHT // 2 - 8), "far": visible & (rows >= HEIGHT // 2 + 8)}


def position_error(warp, motion):
    """The largest error of each plane, pixels."""
    errors = {}
    for plane, distance in DISTANCES.items():
        exact = exact_source(motion, distance)
        seen = halves(exact)[plane]
        assert seen.mean() > 0.1
        errors[plane] = np.linalg.norm(warp.grid - exact, axis=2)[seen].max()
    return errors


@pytest.mark.parametrize("motion", FLIGHTS)
def test_carried_depth_keeps_parallax_right_for_thirty_frames(motion):
    carried, _ = chain(motion, carrying=True)
    still, _ = chain(motion, carrying=False)
    right, wrong = position_error(carried, motion), position_error(still, motion)
    assert max(right.values()) < 0.1
    assert wrong["near"] > 5
    assert wrong["far"] > 1


@pytest.mark.parametrize("motion", FLIGHTS)
def test_carried_depth_is_the_distance_at_the_end(motion):
    warp, depth = chain(motion, carrying=True)
    for plane, distance in DISTANCES.items():
        seen = halves(warp.grid)[plane]
        assert np.abs(depth - (distance - FRAMES * motion.translation_z / 200))[seen].max() < 1e-3


def test_the_picture_is_the_exact_one(photo):
    motion = FLIGHTS[0]
    pictures = {carrying: chain(motion, carrying)[0].apply(photo) for carrying in (True, False)}
    for plane, distance in DISTANCES.items():
        exact = exact_source(motion, distance)
        seen = halves(exact)[plane]
        expected = DenseWarp(exact.astype(np.float32)).apply(photo)[seen]
        assert rms(pictures[True][seen], expected) < 1
        assert rms(pictures[False][seen], expected) > 5


def test_turning_changes_distances_across_the_picture():
    depth = np.full((HEIGHT, WIDTH), 1.5, np.float32)
    motion = Motion3D(rotation_y=10)
    turned = depth_after(depth, motion, DenseWarp.identity(HEIGHT, WIDTH))
    assert turned[90, 0] != pytest.approx(turned[90, -1], abs=0.3)
    middle = turned[90, 159:161].mean()
    assert middle == pytest.approx(1.5 * math.cos(math.radians(10)), abs=1e-4)


def test_distances_stay_above_zero():
    depth = np.full((HEIGHT, WIDTH), 1.0, np.float32)
    assert depth_after(depth, Motion3D(translation_z=500), DenseWarp.identity(HEIGHT, WIDTH)).min() > 0
