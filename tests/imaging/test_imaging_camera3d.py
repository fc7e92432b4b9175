from __future__ import annotations

import math

import numpy as np
import pytest
from imaging_helpers import coverage_of, difference, rms, smaller

from deforum_helpers.errors import InputError
from deforum_helpers.imaging.camera import perspective_flip
from deforum_helpers.imaging.camera3d import Motion3D, carry_depth, motion_3d, plane_depth
from deforum_helpers.imaging.warp import DenseWarp

BORDERS = {"border": "replicate", "reflection": "reflect", "zeros": "zeros"}


def golden_motion(case):
    keys = {k.replace("rotation_3d", "rotation"): v for k, v in case["keys"].items() if k not in ("near", "far")}
    keys = {k: v for k, v in keys.items() if not k.startswith("perspective_flip")}
    if case["anim_args"].get("aspect_ratio_use_old_formula"):
        keys["aspect_ratio"] = None
    return Motion3D(**keys)


def golden_depth(case, arrays):
    algorithm = case["anim_args"].get("depth_algorithm")
    if algorithm is None:
        return None
    return plane_depth(arrays["depth_old" if "old" in algorithm else "depth"], algorithm)


@pytest.mark.parametrize("kind", ["3d_flat", "3d_depth"])
def test_goldens_within_one_level(golden, kind):
    """The original truncates where we round; with a flip it resamples twice, from one unit too far away."""
    arrays, cases = golden("warps")
    for case in cases[kind]:
        image, args = arrays["input"], case["anim_args"]
        if args.get("enable_perspective_flip"):
            flip = perspective_flip(width=160, height=96, phi=case["keys"]["perspective_flip_phi"])
            image = smaller(160, 96, 53.0).then(flip).apply(image)
        warp = motion_3d(golden_motion(case), width=160, height=96, depth=golden_depth(case, arrays))
        result = warp.apply(
            image,
            interpolation=args.get("sampling_mode", "bicubic"),
            border=BORDERS[args.get("padding_mode", "border")],
        )
        assert difference(result, arrays[case["id"]]) <= 1, case["id"]


def test_bilinear_agrees_with_exact_arithmetic_but_for_positions_rounded_to_a_32nd(golden):
    arrays, _ = golden("warps")
    image = arrays["input"]
    warp = motion_3d(Motion3D(translation_z=6, rotation_z=2), width=160, height=96)
    grid = warp.to_dense(96, 160).grid
    x, y = (grid[10:-10, 10:-10, i].astype(np.float64) for i in (0, 1))
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    exact = (image[top, left] * (1 - fx) + image[top, left + 1] * fx) * (1 - fy)
    exact += (image[top + 1, left] * (1 - fx) + image[top + 1, left + 1] * fx) * fy
    error = np.abs(warp.apply(image)[10:-10, 10:-10] - exact)
    assert error.mean() < 0.35
    assert error.max() < 255 / 32 + 1


def test_equalised_depth_equals_the_golden(golden):
    arrays, _ = golden("warps")
    zoe, midas = (plane_depth(arrays["depth"], name) for name in ("Zoe", "Midas-3-Hybrid"))
    assert np.abs(zoe - 1 - arrays["depth_equalized"]).max() < 1e-6
    assert np.abs(zoe + midas - 3).max() < 1e-6
    assert plane_depth(arrays["depth_old"], "Zoe+AdaBins (old)") is arrays["depth_old"]


@pytest.mark.parametrize("useless", [None, np.full((4, 4), 3, np.float32), np.array([[1, np.nan]], np.float32)])
def test_useless_depth_is_flat(useless):
    assert plane_depth(useless, "Zoe") is None


def test_no_motion_is_the_identity():
    depth = np.linspace(1, 2, 48 * 64, dtype=np.float32).reshape(48, 64)
    for planes in (None, depth):
        warp = motion_3d(Motion3D(), width=64, height=48, depth=planes)
        assert np.abs(warp.to_dense(48, 64).grid - DenseWarp.identity(48, 64).grid).max() < 1e-4


@pytest.mark.parametrize(
    ("motion", "dx", "dy"),
    [
        (Motion3D(translation_x=10), -1, 0),
        (Motion3D(translation_y=10), 0, 1),
        (Motion3D(rotation_x=2), 0, 1),
        (Motion3D(rotation_y=2), -1, 0),
    ],
)
def test_signs(motion, dx, dy):
    """Content moves against the sampling displacement."""
    shown = motion_3d(motion, width=160, height=96).to_dense(96, 160).grid - DenseWarp.identity(96, 160).grid
    middle = -shown[48, 80]
    assert math.copysign(1, middle[0]) == dx if dx else abs(middle[0]) < 0.1
    assert math.copysign(1, middle[1]) == dy if dy else abs(middle[1]) < 0.1


def test_flat_shift_in_pixels():
    warp = motion_3d(Motion3D(translation_x=10, fov=70), width=160, height=96)
    expected = 10 / 200 / math.tan(math.radians(35)) * 160 / 2
    assert (
        np.abs(warp.to_dense(96, 160).grid[..., 0] - DenseWarp.identity(96, 160).grid[..., 0] - expected).max() < 1e-3
    )


def test_near_things_move_more():
    depth = np.full((96, 160), 2.0, np.float32)
    depth[:, :80] = 1.0
    warp = motion_3d(Motion3D(translation_x=10), width=160, height=96, depth=depth)
    shift = (warp.grid - DenseWarp.identity(96, 160).grid)[48, :, 0]
    assert shift[40] == pytest.approx(2 * shift[120], rel=1e-4)


def test_points_behind_the_camera_do_no_harm():
    warp = motion_3d(Motion3D(translation_z=300), width=64, height=48)
    assert np.isfinite(warp.nodes).all()
    assert warp.apply(np.full((48, 64, 3), 9, np.uint8)).max() == 9


def test_composed_steps_equal_repeated_steps_of_the_flat_camera(photo):
    """Two small steps as one grid show what two resamplings show, only sharper."""
    step = motion_3d(Motion3D(translation_z=3, rotation_y=0.5), width=320, height=180)
    composed = step.then(step).apply(photo)
    repeated = step.apply(step.apply(photo))
    assert rms(composed[20:-20, 20:-20], repeated[20:-20, 20:-20]) < 1.5


def test_depth_inverse_comes_back_where_nothing_hides(golden):
    arrays, _ = golden("warps")
    depth = plane_depth(arrays["depth"], "Midas-3-Hybrid")
    warp = motion_3d(Motion3D(translation_x=5, translation_z=4), width=160, height=96, depth=depth)
    back = warp.inverse()
    inside = coverage_of(back, 96, 160) > 0.99
    error = np.abs(warp.then(back).grid - DenseWarp.identity(96, 160).grid).max(axis=2)[inside]
    assert inside.mean() > 0.3
    assert np.percentile(error, 99) < 0.05


def test_depth_is_carried_with_the_picture():
    depth = np.tile(np.linspace(1, 2, 160, dtype=np.float32), (96, 1))
    warp = motion_3d(Motion3D(translation_x=-20), width=160, height=96)
    carried = carry_depth(depth, warp)
    moved = 160 / 2 * 20 / 200 / math.tan(math.radians(35))
    assert carried.dtype == np.float32
    assert carried[48, 100] == pytest.approx(depth[48, 100] - moved / 159, abs=1e-3)
    assert carried.min() >= 1


def test_impossible_cameras_are_input_errors():
    with pytest.raises(InputError, match="field of view"):
        motion_3d(Motion3D(fov=180), width=64, height=48)
    with pytest.raises(InputError, match="aspect ratio"):
        motion_3d(Motion3D(aspect_ratio=0), width=64, height=48)
    with pytest.raises(InputError, match="rotation_3d_x"):
        motion_3d(Motion3D(rotation_x=math.inf), width=64, height=48)
    with pytest.raises(ValueError, match="depth of"):
        motion_3d(Motion3D(), width=64, height=48, depth=np.ones((64, 48), np.float32))
