from __future__ import annotations

import numpy as np
import pytest
from imaging_helpers import difference

from deforum_helpers.errors import InputError
from deforum_helpers.imaging.flow import METHODS, OpenCVFlow, flow_reliability, flow_warp, morph
from deforum_helpers.imaging.warp import DenseWarp


def shifted(image, dx, dy):
    return DenseWarp(DenseWarp.identity(*image.shape[:2]).grid - np.float32((dx, dy))).apply(image, border="reflect101")


@pytest.mark.parametrize("method", METHODS)
def test_a_known_shift_is_found(photo, method):
    flow = OpenCVFlow(method).flow(photo, shifted(photo, 2.5, -1.25))
    middle = np.median(flow[30:-30, 30:-30].reshape(-1, 2), axis=0)
    assert np.abs(middle - (2.5, -1.25)).max() < 0.1


@pytest.mark.parametrize(
    ("method", "name"), [("DIS Medium", "dis_medium"), ("DIS Fine", "dis_fine"), ("Farneback", "farneback")]
)
def test_goldens(golden, method, name):
    """Of BGR pictures, so they go in turned round. Builds of OpenCV differ a little."""
    arrays, _ = golden("hybrid")
    image = arrays["img"][..., ::-1].copy()
    flow = OpenCVFlow(method).flow(image, np.roll(image, 3, axis=1))
    error = np.abs(flow - arrays[name].astype(np.float32))
    assert np.median(error) < 0.01
    assert (error > 0.25).mean() < 0.02


def test_remap_goldens_exact(golden):
    arrays, _ = golden("hybrid")
    for name, factor in (("flow_factor1", 1.0), ("flow_factor_m05", -0.5)):
        result = flow_warp(arrays["flow"], factor).apply(arrays["img"], border="reflect101")
        assert difference(result, arrays[name]) == 0


def test_reliability_golden(golden):
    """The same pixels as the original's, but for a few at the edges; ours are stilled, not reversed."""
    arrays, _ = golden("hybrid")
    flow = arrays["flow"]
    reliable = flow_reliability(flow, -0.9 * flow + np.float32(0.3))
    assert set(np.unique(reliable)) == {0.0, 1.0}
    assert ((reliable > 0) != arrays["reliable"]).mean() < 0.002


def test_reliability_of_a_true_pair_and_of_a_contradiction():
    there = np.full((40, 60, 2), (3, -2), np.float32)
    assert (flow_reliability(there, -there) == 1).all()
    assert (flow_reliability(there, there) == 0).all()
    half = -there.copy()
    half[:, 30:] *= -1
    soft = flow_reliability(there, half, blur=2.0)
    assert soft.min() == 0
    assert soft.max() == 1
    assert ((soft > 0.1) & (soft < 0.9)).any()


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_morph_brings_both_pictures_to_the_same_place(photo, weight):
    a, b = shifted(photo, -2, 0), shifted(photo, 2, 1)
    flow = np.full((180, 320, 2), (4, 1), np.float32)
    warp_a, warp_b = morph(flow, weight)
    from_a, from_b = warp_a.apply(a), warp_b.apply(b)
    inner = np.s_[10:-10, 10:-10]
    assert np.abs(from_a[inner].astype(int) - from_b[inner]).mean() < 1
    expected = shifted(photo, -2 + 4 * weight, weight)
    assert np.abs(from_a[inner].astype(int) - expected[inner]).mean() < 1


def test_a_factor_of_zero_switches_the_morph_off(photo):
    for warp in morph(np.full((180, 320, 2), 5, np.float32), 0.4, 0.0):
        assert (warp.apply(photo) == photo).all()


def test_unknown_methods_are_input_errors():
    with pytest.raises(InputError, match="'RAFT'"):
        OpenCVFlow("RAFT")
