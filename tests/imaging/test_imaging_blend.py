from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.imaging.blend import crossfade

A, B = np.full((6, 8, 3), 100, np.uint8), np.full((6, 8, 3), 200, np.uint8)


def cover(value):
    return np.full((6, 8), value, np.float32)


@pytest.mark.parametrize(("weight", "expected"), [(0, 100), (0.25, 125), (0.5, 150), (1, 200), (-1, 100), (2, 200)])
def test_weights_without_coverage(weight, expected):
    assert (crossfade(A, B, weight) == expected).all()


def test_rounds_to_nearest():
    low, high = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 1, np.uint8)
    assert crossfade(low, high, 0.49).max() == 0
    assert crossfade(low, high, 0.51).min() == 1
    full = np.ones((1, 1), np.float32)
    assert crossfade(low, high, 0.49, full).max() == 0
    assert crossfade(low, high, 0.51, full).min() == 1


@given(weight=st.floats(0, 1))
def test_equal_coverage_changes_nothing(weight):
    plain = crossfade(A, B, weight).astype(int)
    for value in (1.0, 0.0):
        assert np.abs(crossfade(A, B, weight, cover(value), cover(value)) - plain).max() <= 1
    assert np.abs(crossfade(A, B, weight, cover(1), None) - plain).max() <= 1
    assert np.abs(crossfade(A, B, weight, None, cover(1)) - plain).max() <= 1


@pytest.mark.parametrize("weight", [1 / 30, 0.5, 29 / 30])
def test_what_is_not_covered_gives_its_weight_away(weight):
    assert (crossfade(A, B, weight, cover(1), cover(0)) == 100).all()
    assert (crossfade(A, B, weight, cover(0), cover(1)) == 200).all()


@given(weight=st.floats(0.01, 0.99), value=st.floats(0, 1))
def test_the_result_lies_between_and_follows_coverage(weight, value):
    less = crossfade(A, B, weight, None, cover(value / 2)).astype(int)
    more = crossfade(A, B, weight, None, cover(value)).astype(int)
    assert less.min() >= 100
    assert more.max() <= 200
    assert (more >= less).all()


def test_a_constant_picture_stays_constant():
    random = np.random.default_rng(1)
    a, b = (random.random((6, 8), np.float32) for _ in range(2))
    assert (crossfade(A, A.copy(), 0.3, a, b) == 100).all()


def test_results_are_new_and_shapes_must_agree():
    for weight in (0, 0.5, 1):
        result = crossfade(A, B, weight)
        assert not np.shares_memory(result, A)
        assert not np.shares_memory(result, B)
    with pytest.raises(ValueError, match="shapes"):
        crossfade(A, B[:3], 0.5)
