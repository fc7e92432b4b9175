"""Properties and worked examples of the key index distribution."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.rendering.data.step.key_index_distribution import KeyIndexDistribution as Kid

PARSEQ = (Kid.PARSEQ_ONLY, Kid.UNIFORM_WITH_PARSEQ)

animations = st.integers(1, 400).flatmap(
    lambda n: st.tuples(
        st.integers(0, n - 1), st.just(n), st.integers(1, 450), st.lists(st.integers(-5, n + 50), max_size=60)
    )
)


@pytest.mark.parametrize("kid", list(Kid))
@given(animation=animations, seed=st.integers(0, 2**32 - 1))
def test_result_is_sorted_unique_in_range_and_holds_start(kid, animation, seed):
    start, max_frames, cadence, keys = animation
    result = kid.calculate(start, max_frames, cadence, keys, seed=seed)
    assert result[0] == start
    assert list(result) == sorted(set(result))
    assert result[-1] < max_frames
    assert result == kid.calculate(start, max_frames, cadence, keys, seed=seed)


@pytest.mark.parametrize("kid", PARSEQ)
@given(animation=animations)
def test_every_parseq_key_is_kept(kid, animation):
    start, max_frames, cadence, keys = animation
    assert {k for k in keys if start <= k < max_frames} <= set(kid.calculate(start, max_frames, cadence, keys))


@given(animation=animations)
def test_uniform_with_parseq_has_as_many_keys_as_the_grid_whenever_they_fit(animation):
    start, max_frames, cadence, keys = animation
    grid = Kid.UNIFORM_SPACING.calculate(start, max_frames, cadence)
    inside = {k for k in keys if start <= k < max_frames}
    result = Kid.UNIFORM_WITH_PARSEQ.calculate(start, max_frames, cadence, keys)
    assert len(result) == max(len(grid), len(inside | {start}))


@given(animation=animations)
def test_parseq_only_is_the_parseq_keys_and_the_first_frame(animation):
    start, max_frames, cadence, keys = animation
    inside = {k for k in keys if start <= k < max_frames}
    expected = inside | {start} if inside else set(range(start, max_frames, cadence))
    assert set(Kid.PARSEQ_ONLY.calculate(start, max_frames, cadence, keys)) == expected


@given(animation=animations, seed=st.integers(0, 99))
def test_random_placement_has_as_many_keys_as_the_grid(animation, seed):
    start, max_frames, cadence, _ = animation
    assert len(Kid.RANDOM_PLACEMENT.calculate(start, max_frames, cadence, seed=seed)) == len(
        range(start, max_frames, cadence)
    )


@pytest.mark.parametrize(
    ("max_frames", "cadence", "keys", "expected"),
    [
        (20, 5, [], (0, 5, 10, 15)),
        (20, 5, [3, 7, 12, 19], (0, 3, 7, 12, 19)),  # 19 finds no free grid frame and is added
        (20, 5, [5, 10], (0, 5, 10, 15)),  # keys on the grid replace nothing
        (20, 10, [5], (0, 5)),
        (30, 10, [15], (0, 15, 20)),  # a tie goes to the lower grid frame
        (20, 5, [19], (0, 5, 10, 19)),
        (20, 5, [1], (0, 1, 10, 15)),  # the first frame is never replaced
        (10, 45, [4, 9], (0, 4, 9)),
        (20, 5, [0, 2, 3, 4, 5, 6, 19], (0, 2, 3, 4, 5, 6, 19)),
    ],
)
def test_uniform_with_parseq_worked_examples(max_frames, cadence, keys, expected):
    assert Kid.UNIFORM_WITH_PARSEQ.calculate(0, max_frames, cadence, keys) == expected


def test_keys_replaced_in_ascending_order():
    # 4 takes 5, so 6, whose nearest is 5 as well, takes 10.
    assert Kid.UNIFORM_WITH_PARSEQ.calculate(0, 20, 5, [6, 4]) == (0, 4, 6, 15)


@pytest.mark.parametrize(("start", "max_frames", "cadence"), [(0, 0, 1), (5, 5, 1), (-1, 5, 1), (0, 5, 0), (0, 5, -3)])
def test_out_of_range_is_refused(start, max_frames, cadence):
    with pytest.raises(ValueError, match="must be"):
        Kid.UNIFORM_SPACING.calculate(start, max_frames, cadence)


def test_random_spacing_stays_within_half_a_cadence():
    moved = Kid.RANDOM_SPACING.calculate(0, 1000, 20, seed=3)
    assert len(moved) == 50
    assert all(abs(m - g) <= 10 for m, g in zip(moved, range(0, 1000, 20), strict=True))
    assert moved != tuple(range(0, 1000, 20))
